#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shows that the fuzzers find bugs: builds each with a reader broken on purpose and waits for a crash.

usage: self_test.py [--build FOLDER] [--seconds N] [TARGET...]        N seconds at most for each
"""

import argparse
import os
import sys
import tempfile

import run

# (target, file, text in it, what it becomes): checks left out, bounds off by one.
BUGS = [
    ("cpio", "libsys/base/cpio.c", "if (name_bytes > room - HEADER_BYTES)", "if (name_bytes > room)"),
    ("elf", "libsys/base/elf.c", "header->file_bytes > elf->size_bytes - header->off",
     "header->file_bytes > elf->size_bytes"),
    ("bwl", "libsys/base/bwl.c", "if (*ref >= reader->used.objects ||", "if ("),
    ("kernel", "kernel/core/invoke.c", "if (error == ERR_OK && inv->dest_slot->type != OBJ_NULL)",
     "if (false)"),
    ("mm", "servers/mm/core/space.c", "shared_attach_again(region->object);", ""),
    ("proc", "servers/proc/core/thread.c", "waiter_fail(thread->leaver, ERR_ARG);",
     "waiter_free(thread->leaver);"),
    ("proc", "servers/proc/core/process.c", "\t\twaits_fail(parent);\n", ""),
    ("sched", "servers/sched/core/event.c", "thread->seq = event->seq;", ""),
]


def broken_copy(folder, file, good, bad):
    with open(os.path.join(run.ROOT, file), encoding="utf-8") as source:
        text = source.read()
    if text.count(good) != 1:
        raise run.Failure(f"the text to change stands {text.count(good)} times in {file}")
    path = os.path.join(folder, os.path.basename(file))
    with open(path, "w", encoding="utf-8") as out:
        out.write(text.replace(good, bad))
    return path


def finds(build, target, file, good, bad, seconds):
    """What the crash was, or None."""
    fuzzers = run.Fuzzers(build)
    with tempfile.TemporaryDirectory(prefix="baton-fuzz-") as folder:
        copy = broken_copy(folder, file, good, bad)
        fuzzers.compile([target], {file: copy}, folder)
        return run.fuzz(fuzzers, target, seconds, False, folder)[1]


def main():
    parser = argparse.ArgumentParser(description="show that fuzzers find seeded bugs")
    parser.add_argument("--build", default=os.path.join(run.ROOT, "build"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    args = parser.parse_args()
    bugs = [bug for bug in BUGS if not args.targets or bug[0] in args.targets]
    bad = 0
    print(f"1..{len(bugs)}")
    for number, (target, file, before, after) in enumerate(bugs, 1):
        try:
            crash = finds(args.build, target, file, before, after, args.seconds)
        except run.Failure as failure:
            print(f"Bail out! {failure}")
            return 1
        bad += crash is None
        print(f"{'not ok' if crash is None else 'ok'} {number} - {target}: {before} -> {after}")
        for line in (crash or ["no crash"])[:3]:
            print("# " + line, flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
