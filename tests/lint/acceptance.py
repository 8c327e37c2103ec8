# SPDX-License-Identifier: BSD-2-Clause
"""docs/acceptance.md: every row is there, and every case that it names is in the file that it names."""

import re

TABLE = "docs/acceptance.md"
LEFT_OUT = {"Z12"}  # CPU offline
ROWS = ([f"M{i:02}" for i in range(1, 39)] + [f"G{i:02}" for i in range(1, 11)]
        + [f"Z{i:02}" for i in range(1, 40)]
        + ["K_ipc", "K_rights", "K_donation", "K_faults", "K_threads", "K_capabilities", "K_memory",
           "K_interrupts", "K_core"])
LINE = re.compile(r"^\| (\w+) \| [^|]+ \| [^|]+ \| (?:`([^`]+)`|-) \| (?:`([^`]+)`|-) \|$")


def check(tree):
    if TABLE not in tree.paths:
        yield TABLE, 1, "there is no such table"
        return
    found = set()
    for number, line in enumerate(tree.lines(TABLE), 1):
        match = LINE.match(line)
        if not match:
            continue
        row, path, case = match.groups()
        found.add(row)
        if path is not None and path not in tree.paths:
            yield TABLE, number, f"{row}: there is no file {path}"
        elif path is not None and case not in tree.text(path):
            yield TABLE, number, f"{row}: {path} has no case {case}"
    for row in ROWS:
        if row not in found and row not in LEFT_OUT:
            yield TABLE, 1, f"row {row} is missing"
