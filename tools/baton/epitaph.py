# SPDX-License-Identifier: BSD-2-Clause
"""Names for the code addresses in an epitaph of the kernel, or a fault of a program, from the symbols of an
ELF file.

Bad at: functions that the compiler has put into others; the name is that of the outer one.
"""

import bisect
import re
import subprocess

NM = "aarch64-linux-gnu-nm"
BEGIN = re.compile(r"Baton: the kernel cannot go on")
ADDRESS = re.compile(r"(called from|stack:|\bpc|kernel at) +([0-9a-f]{6,16})\b")
# Where a call returns to: the call stands before it, at the end of a function perhaps.
RETURNS = ("called from", "stack:")
INSTRUCTION_BYTES = 4


def symbols(elf):
    """Sorted (address, name) of the functions and labels in an ELF file; none if they cannot be read."""
    try:
        done = subprocess.run([NM, elf], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
    except OSError:
        return []
    return sorted((int(address, 16), name) for address, name in
                  re.findall(r"^([0-9a-f]+) [tT] ([^$].*)$", done.stdout, re.MULTILINE))


def name_of(table, address):
    """function+offset; None outside of the code."""
    at = bisect.bisect_right(table, (address, "\x7f")) - 1
    if at < 0 or at + 1 == len(table):
        return None
    start, name = table[at]
    return f"{name}+{address - start:#x}"


def named(lines, table):
    """A line for each code address in these lines, in their order, each once."""
    found = {}
    for line in lines:
        for what, digits in ADDRESS.findall(line):
            address = int(digits, 16)
            name = name_of(table, address - (INSTRUCTION_BYTES if what in RETURNS else 0))
            if name:
                found.setdefault(digits, f"{digits} is in {name}")
    return list(found.values())
