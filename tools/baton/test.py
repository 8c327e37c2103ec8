# SPDX-License-Identifier: BSD-2-Clause
"""`baton test`: build what the suites need, run them through Meson, count single test cases."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import packages
from coverage import coverage
from soak import ITEMS, soak
from build import BuildDir
from term import EXIT_FAILED, Failure, not_built_yet, say

HOST_SUITES = ["lint", "unit", "model", "sim", "host", "static", "fuzz", "builds"]
BOOT_SUITES = ["boot", "sweep", "matrix"]
SLOW_SUITES = ["static", "fuzz", "builds", "sweep", "matrix"]
CHOICES = HOST_SUITES + BOOT_SUITES + ["coverage", "all"]

LOG_BASE = "front-door"
BAD = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}


class Count:
    """How many test cases passed and failed, and the names of those that failed."""

    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failures = []

    def add_case(self, name, case):
        if case.find("failure") is not None or case.find("error") is not None:
            self.failures.append(name)
        elif case.find("skipped") is not None:
            self.skipped += 1
        else:
            self.passed += 1

    def add_log(self, build, label):
        """Add the results of Meson's last run.  A test that speaks TAP counts with each of its cases."""
        base = build.file("meson-logs", LOG_BASE)
        failed_before = len(self.failures)
        for suite in ElementTree.parse(base + ".junit.xml").getroot().iter("testsuite"):
            for case in suite.iter("testcase"):
                name = f"{bare(suite.get('name'))}: {bare(case.get('name'))}"
                self.add_case(f"{label}: {name.removeprefix('baton: ')}", case)
        named = " ".join(self.failures[failed_before:])
        with open(base + ".json", encoding="utf-8") as file:
            for line in file:
                test = json.loads(line)
                # Every case it reported may be fine and the test not: a time limit, a missing plan.
                if test["result"] in BAD and bare(test["name"]) not in named:
                    self.failures.append(f"{label}: {bare(test['name'])}: {test['result'].lower()}")


def bare(name):
    """Meson's "project:suite / test" without what is before the test's own name."""
    return name.split(" / ")[-1]


def run_showing(command):
    """Run it; its exit status.  Where what it prints goes to no terminal we pass that on: it would answer a
    reader that goes away, or Ctrl-C, with a traceback of its own."""
    sys.stdout.flush()
    if sys.stdout.isatty():
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          errors="replace") as process:
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
        except BaseException:
            process.terminate()
            process.communicate()
            raise
    return process.returncode


def run_suites(build, suites, count, label):
    """Run the suites of one build directory."""
    log = build.file("meson-logs", LOG_BASE)
    for ending in (".json", ".junit.xml"):
        with open(log + ending, "w", encoding="utf-8") as file:
            file.write("<testsuites/>" if ending.endswith("xml") else "")
    say(f"{label}: running {', '.join(suites)}")
    command = ["meson", "test", "-C", build.path, "--no-rebuild", "--print-errorlogs",
               "--logbase", LOG_BASE]
    for suite in suites:
        command += ["--suite", suite]
    status = run_showing(command)
    before = len(count.failures)
    count.add_log(build, label)
    if status != 0 and len(count.failures) == before:
        count.failures.append(f"{label}: meson test ended with status {status}")


def available(build, suites):
    defined = {suite for _, names in build.tests() for suite in names}
    return [suite for suite in suites if suite in defined]


def prepare(suites, assume_yes):
    """Build what the suites need; a list of (build directory, its suites, label)."""
    boot = [suite for suite in suites if suite in BOOT_SUITES]
    # The matrix has parts that the host runs: seeded bugs, long explorations, other build options.
    host = [suite for suite in suites if suite in HOST_SUITES or suite == "matrix"]
    groups = []
    if host:
        groups.append(packages.HOST)
    if "lint" in host:
        groups.append(packages.LINT)
    if "static" in host:
        groups.append(packages.STATIC)
    if "fuzz" in host:
        groups.append(packages.FUZZ)
    if boot or "builds" in host:
        groups += [packages.TARGET, packages.EMULATOR]
    packages.require(*groups, assume_yes=assume_yes)
    plan = []
    if host:
        plan.append((BuildDir("host"), host, "host"))
    if boot:
        plan += [(BuildDir(kind), boot, f"boot, {kind} build") for kind in ("release", "debug")]
    for build, _, _ in plan:
        build.compile()
    return [(build, available(build, wanted), label) for build, wanted, label in plan]


def chosen(words):
    if not words:
        return [suite for suite in HOST_SUITES + BOOT_SUITES if suite not in SLOW_SUITES]
    if "all" in words:
        return HOST_SUITES + BOOT_SUITES
    return [suite for suite in HOST_SUITES + BOOT_SUITES if suite in words]


def test(args):
    known = list(ITEMS) if args.soak else CHOICES
    for word in args.suites:
        if word not in known:
            raise Failure(f"test {'--soak ' if args.soak else ''}{word}: no such suite; there is: "
                          + ", ".join(known))
    if args.rounds is not None and not args.soak:
        raise Failure("--rounds goes with --soak")
    if args.soak:
        return soak(args)
    suites = chosen(args.suites)
    plan = prepare(suites, args.yes)
    found = {suite for _, there, _ in plan for suite in there}
    absent = [suite for suite in suites if suite not in found]
    if absent and args.suites and "all" not in args.suites:
        raise not_built_yet(f"test {' '.join(absent)}")
    for suite in absent:
        say(f"{suite}: no tests in this version")
    count = Count()
    for build, there, label in plan:
        if there:
            run_suites(build, there, count, label)
    if "coverage" in args.suites:
        packages.require(packages.HOST, packages.COVERAGE, assume_yes=args.yes)
        coverage(run_suites, count)
    for name in count.failures:
        print(f"FAILED {name}")
    if count.skipped:
        print(f"{count.skipped} skipped")
    print(f"{count.passed} passed, {len(count.failures)} failed", flush=True)
    return EXIT_FAILED if count.failures or not count.passed else 0
