#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Build, change and list boot archives.

A boot archive is a plain cpio archive ("newc"), so `cpio -t` lists it and any tool can make one.
Ours have one more property: the data of every file starts at a multiple of 4096 bytes, so that the
pager can map a file's full pages in place.  The room comes from the name field, which is filled up
with NUL bytes; its length counts them, as the format demands.  The last page of a file is followed by
the next file's header, not by zeroes.

The same input gives the same bytes: times, owners and inode numbers are fixed.

Bad at: directories, links and devices.  They are refused, not dropped.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile

PAGE = 4096
MAGIC = b"070701"
HEADER_BYTES = 110
TRAILER = "TRAILER!!!"
MODE_FILE = 0o100644
MODE_PROGRAM = 0o100755


class ArchiveError(Exception):
    """The archive or an argument is not what it should be; the text says where and why."""


def round_up(value, unit):
    return (value + unit - 1) // unit * unit


def encode_header(ino, mode, size, name_bytes):
    # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    fields = (ino, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_bytes, 0)
    return MAGIC + b"".join(b"%08X" % field for field in fields)


def build(entries):
    """The archive of `entries`, a list of (name, data) pairs, in that order."""
    out = bytearray()
    for ino, (name, data) in enumerate(entries, 1):
        raw = name.encode()
        if not raw or b"\0" in raw or name == TRAILER:
            raise ArchiveError(f"{name!r} cannot be the name of a file in an archive")
        data_at = round_up(len(out) + HEADER_BYTES + len(raw) + 1, PAGE)
        name_bytes = data_at - len(out) - HEADER_BYTES
        mode = MODE_PROGRAM if data[:4] == b"\x7fELF" else MODE_FILE
        out += encode_header(ino, mode, len(data), name_bytes)
        out += raw.ljust(name_bytes, b"\0")
        out += data
        out += bytes(round_up(len(out), 4) - len(out))
    raw = TRAILER.encode() + b"\0"
    out += encode_header(0, 0, 0, len(raw)) + raw
    out += bytes(round_up(len(out), PAGE) - len(out))
    return bytes(out)


def parse(blob):
    """The (name, data, offset of data) triples of an archive."""
    at = 0
    while True:
        header = blob[at:at + HEADER_BYTES]
        if len(header) < HEADER_BYTES or header[:6] != MAGIC:
            raise ArchiveError(f"no file header at byte {at}: not a newc archive, or cut short")
        try:
            fields = [int(header[6 + 8 * i:14 + 8 * i], 16) for i in range(13)]
        except ValueError:
            raise ArchiveError(f"the file header at byte {at} is not hexadecimal") from None
        mode, size, name_bytes = fields[1], fields[6], fields[11]
        name = blob[at + HEADER_BYTES:at + HEADER_BYTES + name_bytes].split(b"\0")[0].decode()
        if name == TRAILER:
            return
        data_at = round_up(at + HEADER_BYTES + name_bytes, 4)
        if data_at + size > len(blob):
            raise ArchiveError(f"{name}: the archive ends inside this file")
        if mode & 0o170000 != 0o100000:
            raise ArchiveError(f"{name}: only plain files are supported")
        yield name, blob[data_at:data_at + size], data_at
        at = round_up(data_at + size, 4)


def replace(entries, changes):
    """`entries` with the files of `changes` (both lists of pairs) replaced, or added at the end."""
    wanted = dict(changes)
    known = {name for name, _ in entries}
    kept = [(name, wanted.get(name, data)) for name, data in entries]
    return kept + [(name, data) for name, data in changes if name not in known]


def load_file(path, strip):
    with open(path, "rb") as file:
        data = file.read()
    if not strip or data[:4] != b"\x7fELF":
        return data
    with tempfile.TemporaryDirectory() as scratch:
        stripped = os.path.join(scratch, "stripped")
        subprocess.run([strip, "--strip-debug", "-o", stripped, path], check=True)
        with open(stripped, "rb") as file:
            return file.read()


def load_pairs(specs, strip=None):
    pairs = []
    for spec in specs:
        name, equals, path = spec.partition("=")
        if not equals:
            raise ArchiveError(f"{spec!r}: expected NAME=PATH")
        if name in dict(pairs):
            raise ArchiveError(f"{name}: named twice")
        pairs.append((name, load_file(path, strip)))
    return pairs


def write_whole(path, blob):
    with open(path + ".part", "wb") as file:
        file.write(blob)
    os.replace(path + ".part", path)


def main(argv):
    parser = argparse.ArgumentParser(description="Build, change and list boot archives.")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make an archive of NAME=PATH files")
    create.add_argument("-o", dest="out", required=True)
    create.add_argument("--strip", metavar="PROGRAM", help="strip debug information from programs")
    create.add_argument("files", nargs="*", metavar="NAME=PATH")
    change = commands.add_parser("change", help="copy an archive, with files added or replaced")
    change.add_argument("-o", dest="out", required=True)
    change.add_argument("archive")
    change.add_argument("files", nargs="+", metavar="NAME=PATH")
    show = commands.add_parser("list", help="print digest, offset, size and name of each file")
    show.add_argument("archive")
    args = parser.parse_args(argv)

    try:
        if args.command == "create":
            write_whole(args.out, build(load_pairs(args.files, args.strip)))
            return 0
        with open(args.archive, "rb") as file:
            found = list(parse(file.read()))
        if args.command == "change":
            old = [(name, data) for name, data, _ in found]
            write_whole(args.out, build(replace(old, load_pairs(args.files))))
        else:
            for name, data, offset in found:
                print(f"{hashlib.sha256(data).hexdigest()} {offset:9} {len(data):9} {name}")
    except (ArchiveError, OSError, subprocess.CalledProcessError) as error:
        print(f"mkarchive: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
