# SPDX-License-Identifier: BSD-2-Clause
"""`baton test coverage`: which lines of the portable kernel and of the scheduler server the host's
tests execute, per file, and whether that is enough."""

import json
import os
import subprocess

from build import ROOT, BuildDir
from term import Failure, say

LINES_MIN_PERCENT = 95.0
MEASURED = ["kernel/", "servers/sched/"]
# Registers of the machine: these run in the emulator only.
LEFT_OUT = ["kernel/arch/aarch64/", "kernel/drv/", "servers/sched/core/sys_baton.c"]
SUITES = ["unit", "model", "sim", "host"]


def forget(build):
    """Counts of an earlier run, perhaps of other sources."""
    for folder, _, files in os.walk(build.path):
        for name in files:
            if name.endswith(".gcda"):
                os.unlink(os.path.join(folder, name))


def gcovr(build, *arguments):
    command = ["gcovr", "--root", ROOT, build.path]
    for path in MEASURED:
        command += ["--filter", os.path.join(ROOT, path)]
    for path in LEFT_OUT:
        command += ["--exclude", os.path.join(ROOT, path)]
    done = subprocess.run(command + list(arguments), check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Failure(f"gcovr failed: {done.stderr.strip()}")
    return done.stdout


def coverage(run_suites, count):
    """Run the host's suites in a build that counts; add one case to `count`."""
    build = BuildDir("coverage")
    build.compile()
    forget(build)
    run_suites(build, SUITES, count, "coverage")
    say("coverage: reading the counts")
    summary = json.loads(gcovr(build, "--json-summary"))
    print(gcovr(build))
    lines, branches = summary["line_percent"], summary["branch_percent"]
    print(f"lines {lines:.1f} % (at least {LINES_MIN_PERCENT:.0f} %), branches {branches:.1f} %")
    if lines < LINES_MIN_PERCENT:
        count.failures.append(f"coverage: {lines:.1f} % of lines, {LINES_MIN_PERCENT:.0f} % are asked for")
    else:
        count.passed += 1
