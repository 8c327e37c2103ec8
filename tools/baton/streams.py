# SPDX-License-Identifier: BSD-2-Clause
"""Standard streams that whoever started us has closed: Python has None for them, and the next file that is
opened would get the number."""

import os
import sys

# Read and written to the standard input and output shall fail; complaints go nowhere.
FLAGS = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)


def open_missing():
    for number, flags in enumerate(FLAGS):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)  # the lowest number that is free
    # Not closed at the end: they are not ours.
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)
