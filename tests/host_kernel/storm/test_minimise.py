#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A storm that breaks a (planted) rule is made small, and what is left of it fails again.

usage: test_minimise.py PROGRAM         TAP
"""

import os
import subprocess
import sys
import tempfile

# An answer needs a call, a receive and a reply; the rest may be what the search left.
OPERATIONS_MAX = 8
HOLDS_MAX = 4


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=240)
    return done.returncode, done.stdout


def main():
    program = sys.argv[1]
    bad = 0

    def check(good, title, output):
        nonlocal bad
        bad += not good
        print(f"{'ok' if good else 'not ok'} - {title}")
        if not good:
            print("# " + output[-3000:].replace("\n", "\n# "))

    with tempfile.TemporaryDirectory(prefix="baton-storm-") as folder:
        trace = os.path.join(folder, "trace")
        status, output = run(program, "--plant", "--seeds", "5", "5", "--trace", trace)
        check(status == 1 and "broken rule" in output, "the planted rule is broken", output)
        with open(trace, encoding="utf-8") as file:
            lines = file.read().splitlines()
        operations = [line for line in lines if line.startswith("do ")]
        holds = [line for line in lines if line.startswith("hold ")]
        check(0 < len(operations) <= OPERATIONS_MAX and len(holds) <= HOLDS_MAX,
              "little is left of it", "\n".join(lines))
        again = [run(program, "--replay", trace) for _ in range(3)]
        check(all(status == 1 and "broken rule" in output for status, output in again),
              "what is left fails every time", again[0][1])
        with open(trace, "w", encoding="utf-8") as file:
            file.write("\n".join(line for line in lines if line not in operations[-1:]) + "\n")
        status, output = run(program, "--replay", trace)
        check(status == 0, "without its last operation it does not", output)
        with open(trace, "w", encoding="utf-8") as file:
            file.write("storm 1\nseed 3\nnonsense\n")
        status, output = run(program, "--replay", trace)
        check(status == 2 and "no trace" in output, "what is no trace is refused", output)
    print("1..5")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
