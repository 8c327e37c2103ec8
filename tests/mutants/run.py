#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shows that tests can fail: plants each bug of the tables in a copy of the tree and runs its test.

usage: run.py [--jobs N] [WORD...]      with words: only rows whose file or test contains one

Exit status 0 if every test passes without its bug and fails with it.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import table
import table_fastpath
import table_groups
import table_kernel
import table_machine
import table_sched
import table_servers

MUTANTS = (table.MUTANTS + table_fastpath.MUTANTS + table_groups.MUTANTS + table_kernel.MUTANTS +
           table_machine.MUTANTS + table_sched.MUTANTS + table_servers.MUTANTS)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEST_SECONDS_MAX = 120    # of a test that a bug has made hang, or so many times what it takes without one
TEST_SLOWER_MAX = 8
GOOD_SECONDS_MAX = 1800   # without a bug, on a machine that does many other things


class Failure(Exception):
    pass


def quietly(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)


def must(command, **options):
    done = quietly(command, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}:\n{done.stdout[-4000:]}")
    return done.stdout


def not_source(folder, names):
    """Build directories are where their users want them; meson marks each."""
    return [name for name in names if name in (".git", "__pycache__") or
            os.path.isdir(os.path.join(folder, name, "meson-private"))]


def tree_copy(to):
    shutil.copytree(ROOT, to, symlinks=True, ignore=not_source)


class Copy:
    """A copy of the tree with its own build directory."""

    def __init__(self, scratch, jobs):
        self.tree = os.path.join(scratch, "tree")
        self.build = os.path.join(scratch, "build")
        self.jobs = str(jobs)
        tree_copy(self.tree)
        # A change may leave a variable without use; that is not what is to be found.
        must(["meson", "setup", "-Dwerror=false", self.build, self.tree])
        told = json.loads(must(["meson", "introspect", "--tests", self.build]))
        self.tests = {test["name"]: test for test in told}
        self.targets = {}
        self.seconds = {}  # that tests take without a bug
        for target in json.loads(must(["meson", "introspect", "--targets", self.build])):
            self.targets[target["id"]] = target["filename"]

    def test_passes(self, name):
        """With the tree as it is."""
        limit = max(TEST_SECONDS_MAX, TEST_SLOWER_MAX * self.seconds[name]) \
            if name in self.seconds else GOOD_SECONDS_MAX
        started = time.monotonic()
        passes = self.test_run(name, limit)
        self.seconds.setdefault(name, time.monotonic() - started)
        return passes

    def test_run(self, name, limit):
        test = self.tests.get(name)
        if test is None:
            raise Failure(f"there is no test called {name}")
        files = [os.path.relpath(file, self.build)
                 for target in test["depends"] for file in self.targets[target]]
        if test["cmd"][0].startswith(self.build + os.sep):  # not Python, which runs scripts
            files.append(os.path.relpath(test["cmd"][0], self.build))
        built = quietly(["ninja", "-C", self.build, "-j", self.jobs, *dict.fromkeys(files)])
        if built.returncode != 0:
            raise Failure(f"does not build:\n{built.stdout[-3000:]}")
        environment = dict(os.environ, **test["env"], ASAN_OPTIONS="detect_leaks=0")
        # A group of its own: a bug may make a test's own children run for ever.
        child = subprocess.Popen(test["cmd"], cwd=test["workdir"] or self.build, env=environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 start_new_session=True)
        try:
            return child.wait(timeout=limit) == 0
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return False

    def survives(self, file, before, after, test):
        """True if the test does not notice the bug."""
        path = os.path.join(self.tree, file)
        with open(path, encoding="utf-8") as source:
            good = source.read()
        if good.count(before) != 1:
            raise Failure(f"the text to change stands {good.count(before)} times in {file}")
        try:
            with open(path, "w", encoding="utf-8") as source:
                source.write(good.replace(before, after))
            return self.test_passes(test)
        finally:
            with open(path, "w", encoding="utf-8") as source:
                source.write(good)


def rows_chosen(words):
    return [row for row in MUTANTS
            if not words or any(word in row[0] or word in row[3] for word in words)]


def run(rows, copy):
    bad = 0
    for test in dict.fromkeys(row[3] for row in rows):
        if not copy.test_passes(test):
            raise Failure(f"{test} fails without any seeded bug")
    print(f"1..{len(rows)}")
    for number, (file, before, after, test) in enumerate(rows, 1):
        title = f"{test}: {file}: {' '.join(before.split())} -> {' '.join(after.split())}"
        try:
            good = not copy.survives(file, before, after, test)
            why = "the test did not notice"
        except Failure as failure:
            good, why = False, str(failure)
        print(f"{'ok' if good else 'not ok'} {number} - {title}", flush=True)
        if not good:
            bad += 1
            print("# " + why.replace("\n", "\n# "), flush=True)
    return bad


def main():
    parser = argparse.ArgumentParser(description="run tests against seeded bugs")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    rows = rows_chosen(args.words)
    if not rows:
        print("no row of the table matches", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="baton-mutants-") as scratch:
        try:
            return 1 if run(rows, Copy(scratch, args.jobs)) else 0
        except Failure as failure:
            print(f"mutants: {failure}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
