#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""same_workload.py TOOL FILE.json FILE.bwl: is the text what TOOL makes of the JSON, but for comments?"""

import os
import subprocess
import sys
import tempfile


def statements(path):
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def main():
    tool, source, shipped = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        made = os.path.join(scratch, "made.bwl")
        subprocess.run([tool, source, "-o", made], check=True)
        if statements(made) == statements(shipped):
            return 0
    print(f"{shipped} is not what {source} says; make it again with baton-workload", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
