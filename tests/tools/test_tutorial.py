#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs every command of a tutorial in a copy of the tree: test_tutorial.py [--boot] [FILE.md].

A block marked `sh` is run with bash -e; each line of a following `text` block must then stand in what it
printed.  Blocks marked `sh boot` need the emulator and are run with --boot only.  Speaks TAP."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT = os.path.join(ROOT, "docs", "tutorials", "write-a-policy.md")
FENCE = re.compile(r"^```(sh boot|sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def not_source(folder, names):
    return [name for name in names if name in (".git", "__pycache__") or
            os.path.isdir(os.path.join(folder, name, "meson-private"))]


def blocks_of(text):
    """[kind, commands, lines that must be printed]"""
    blocks = []
    for kind, body in FENCE.findall(text):
        if kind == "text":
            if not blocks:
                raise SystemExit("a text block before any commands")
            blocks[-1][2] += [line for line in body.splitlines() if line.strip()]
        else:
            blocks.append([kind, body, []])
    return blocks


def run(tree, commands, wanted):
    """None, or what went wrong."""
    environment = {name: value for name, value in os.environ.items() if name != "BATON_BUILD_DIR"}
    done = subprocess.run(["bash", "-e", "-c", commands], cwd=tree, env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        return f"exit status {done.returncode}\n{done.stdout[-4000:]}"
    missing = [line for line in wanted if line not in done.stdout]
    return f"not printed: {missing}\n{done.stdout[-4000:]}" if missing else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--boot", action="store_true")
    parser.add_argument("file", nargs="?", default=DEFAULT)
    args = parser.parse_args()
    with open(args.file, encoding="utf-8") as file:
        blocks = blocks_of(file.read())
    blocks = [block for block in blocks if block[0] == "sh" or args.boot]
    if args.boot:  # only what the boot needs: the policy, not the host build
        blocks = [block for block in blocks if block[0] == "sh boot" or "build" not in
                  block[1].replace("meson.build", "")]
    print(f"1..{len(blocks)}", flush=True)
    bad = False
    with tempfile.TemporaryDirectory(prefix="baton-tutorial-") as folder:
        tree = os.path.join(folder, "tree")
        shutil.copytree(ROOT, tree, symlinks=True, ignore=not_source)
        for number, (_, commands, wanted) in enumerate(blocks, 1):
            title = commands.strip().splitlines()[0]
            wrong = "after an earlier failure" if bad else run(tree, commands, wanted)
            print(f"{'not ok' if wrong else 'ok'} {number} - {title}", flush=True)
            if wrong:
                bad = True
                print("# " + wrong.replace("\n", "\n# "), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
