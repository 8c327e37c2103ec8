# SPDX-License-Identifier: BSD-2-Clause
"""Rows that are sizes: the kernel's code in bytes, and lines of source by part."""

import glob
import os
import re
import struct

from bench_rows import PARTS
from build import ROOT
from term import Failure

KERNEL_ELF = "kernel/kernel.elf"
SOURCES = (".c", ".h", ".S", ".py")
# Strings first, for a quotation mark in a comment does not begin one, nor a comment in a string.
C_TOKENS = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|(//[^\n]*|/\*.*?\*/)', re.DOTALL)
UNIT = "lines"


def text_bytes(path):
    """The size of section .text of a 64-bit little-endian ELF file."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:6] != b"\x7fELF\x02\x01":
        raise Failure(f"{path}: no 64-bit little-endian ELF file")
    sections, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3a)
    headers = [struct.unpack_from("<IIQQQQ", data, sections + i * size) for i in range(count)]
    strings = headers[names][4]
    for name, _, _, _, _, length in headers:
        at = strings + name
        if data[at:data.index(b"\0", at)] == b".text":
            return length
    raise Failure(f"{path}: no section .text")


def code_lines(text, is_python=False):
    """Lines that hold more than blanks and comments; in Python, text in quotation marks counts."""
    if is_python:
        return sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    # A comment keeps its ends of lines.
    bare = C_TOKENS.sub(lambda found: "\n" * found[1].count("\n") if found[1] else found[0], text)
    return sum(1 for line in bare.splitlines() if line.strip())


def part_lines(part):
    total = 0
    for path in glob.glob(os.path.join(ROOT, part, "**", "*"), recursive=True):
        if path.endswith(SOURCES):
            with open(path, encoding="utf-8") as file:
                total += code_lines(file.read(), path.endswith(".py"))
    return total


def figure(identity, unit, value):
    return {"id": identity, "unit": unit, "n": 1, "min": value, "median": value, "max": value}


def size_rows(machine):
    """Of a machine that is prepared."""
    return [figure("kernel_text", "bytes", float(text_bytes(machine.build.file(KERNEL_ELF))))] + [
        figure(f"code_lines.{part}", UNIT, part_lines(part)) for part in PARTS]
