#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run one check, or all, on a source tree: `lint.py [--root DIR] [CHECK...]`.

Prints "path:line: what is wrong" and ends with status 1 if anything is; with 77 (skipped) if the
program that a check needs is not installed.
"""

import argparse
import os
import subprocess
import sys

import acceptance
import code_shape
import layers
import locks
import mutants
import references
import texts
from tree import Tree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXIT_SKIPPED = 77


def check_abi_docs(tree):
    done = subprocess.run(
        [sys.executable, "-B", os.path.join(ROOT, "tools", "gen_abi_docs.py"), "--check", "--root",
         tree.root], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        yield "docs/abi", 1, done.stdout.strip()


CHECKS = {
    "layers": layers.check,
    "license": texts.check_license,
    "length": texts.check_length,
    "white_space": texts.check_white_space,
    "words": texts.check_words,
    "readmes": texts.check_readmes,
    "functions": code_shape.check_functions,
    "conditionals": code_shape.check_conditionals,
    "declarations": code_shape.check_declarations,
    "format": code_shape.check_format,
    "abi_docs": check_abi_docs,
    "locks": locks.check,
    "acceptance": acceptance.check,
    "mutants": mutants.check,
    "references": references.check,
}


def main(argv):
    parser = argparse.ArgumentParser(description="Check the source tree.")
    parser.add_argument("--root", default=ROOT)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(CHECKS))
    args = parser.parse_args(argv)
    unknown = [name for name in args.checks if name not in CHECKS]
    if unknown:
        parser.error(f"no such check: {' '.join(unknown)}; there is: {', '.join(CHECKS)}")
    tree = Tree(args.root)
    found = 0
    for name in args.checks or CHECKS:
        try:
            for path, line, what in CHECKS[name](tree):
                print(f"{path}:{line}: {what} [{name}]")
                found += 1
        except FileNotFoundError as error:
            print(f"{name}: skipped: {error}")
            return EXIT_SKIPPED
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
