#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds the image with each combination of build options, and boots what it built.  TAP.

usage: builds.py [--slice | --list | WORD...]

  no words    all builds; with words, those whose name contains one
  --slice     the two that differ most from the usual ones: all options off, and not optimised

One build directory is configured anew for each build, in an order in which little has to be compiled
again.  Every build boots every machine of its list; a boot counts as one case.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CROSS_FILE = os.path.join(ROOT, "boards", "cross", "aarch64-linux-gnu.ini")
RUN_BOOT = os.path.join(ROOT, "tests", "boot", "run_boot.py")
BOOT_SECONDS = 240
SWITCHES = ["spinlock_validate", "core_masks", "directed_ipi"]

# (name, program, arguments of the runner)
ALL_MACHINES = [
    ("cpus1-gicv2", "t_ipc", ["--cpus=1", "--gic=2"]),
    ("cpus2-gicv3-el2", "t_ipc", ["--cpus=2", "--gic=3", "--el2"]),
    ("cpus4-gicv3-host", "t_smp", ["--cpus=4", "--gic=3", "--clock=host",
                                   "--boot-arg=sched.decision_ms=5000"]),
    ("cpus4-gicv2", "t_sched", ["--cpus=4", "--gic=2"]),
    ("cpus1-gicv3", "t_recover", ["--cpus=1", "--gic=3"]),
    ("cpus8-gicv2", "t_ipc", ["--cpus=8", "--gic=2"]),
]
SLICE_MACHINES = [
    ("cpus1-gicv2", "t_ipc", ["--cpus=1", "--gic=2"]),
    ("cpus4-gicv3", "t_ipc", ["--cpus=4", "--gic=3"]),
]
DEFAULT = {"buildtype": "debugoptimized", "optimization": "2", "spinlock": "claim",
           **{switch: True for switch in SWITCHES}}


def option_value(name, value):
    if name == "spinlock_validate":
        return "enabled" if value else "disabled"
    return str(value).lower() if isinstance(value, bool) else value


def switch_builds():
    """All combinations.  What is compiled again for a switch: core_masks one file, directed_ipi one,
    spinlock_validate the kernel, so it changes least."""
    for values in itertools.product((True, False), repeat=len(SWITCHES)):
        on = [name for name, value in zip(SWITCHES, values) if value]
        name = "all-on" if len(on) == len(SWITCHES) else "+".join(on) or "all-off"
        yield name, dict(zip(SWITCHES, values))


def all_builds():
    yield from switch_builds()
    for lock in ("ticket", "tas"):
        yield f"spinlock-{lock}", {"spinlock": lock}
    yield "release-all-on", {"buildtype": "release"}
    yield "release-all-off", {"buildtype": "release", **{switch: False for switch in SWITCHES}}
    yield "plain", {"buildtype": "plain", "optimization": "plain"}
    yield "minsize", {"buildtype": "minsize", "optimization": "s"}
    yield "debug", {"buildtype": "debug", "optimization": "0"}


def slice_builds():
    yield "all-off", {switch: False for switch in SWITCHES}
    yield "debug", {"buildtype": "debug", "optimization": "0"}


class BuildFailure(Exception):
    pass


def must(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise BuildFailure(f"{' '.join(command)}:\n{done.stdout[-3000:]}")


class Builder:
    """The one build directory."""

    def __init__(self, directory, jobs):
        self.directory = directory
        self.jobs = str(jobs)

    def build(self, changes):
        values = [f"-D{name}={option_value(name, value)}"
                  for name, value in {**DEFAULT, **changes}.items()]
        if os.path.exists(os.path.join(self.directory, "build.ninja")):
            must(["meson", "configure", self.directory, *values])
        else:
            must(["meson", "setup", "--cross-file", CROSS_FILE, *values, self.directory, ROOT])
        must(["ninja", "-C", self.directory, "-j", self.jobs, "kernel/Image", "boards/boot.cpio"])

    def boot(self, program, arguments):
        """(all is well, what was said)"""
        done = subprocess.run(
            [sys.executable, "-B", RUN_BOOT, "--tap", "--timeout", str(BOOT_SECONDS),
             "--kernel", os.path.join(self.directory, "kernel", "Image"),
             "--archive", os.path.join(self.directory, "boards", "boot.cpio"),
             f"--boot-arg=run={program}", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", check=False)
        return done.returncode == 0, done.stdout


class Report:
    def __init__(self, cases):
        self.number = 0
        self.failed = 0
        print(f"1..{cases}", flush=True)

    def case(self, good, name, text):
        self.number += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}", flush=True)
        if not good:
            print("# " + text.replace("\n", "\n# "), flush=True)


def run(builds, machines, builder):
    report = Report(len(builds) * len(machines))
    for name, changes in builds:
        try:
            builder.build(changes)
            broken = None
        except BuildFailure as failure:
            broken = str(failure)
        for machine, program, arguments in machines:
            good, text = (False, broken) if broken else builder.boot(program, arguments)
            report.case(good, f"{name}: {program} on {machine}", text)
    return report.failed


def main():
    parser = argparse.ArgumentParser(description="build with each set of options, and boot it")
    parser.add_argument("--slice", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    builds = list(slice_builds() if args.slice else all_builds())
    if args.words:
        builds = [build for build in builds if any(word in build[0] for word in args.words)]
    if args.list:
        print("\n".join(name for name, _ in builds))
        return 0
    if not builds:
        print("no build has such a name", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="baton-builds-") as directory:
        builder = Builder(directory, args.jobs)
        return 1 if run(builds, SLICE_MACHINES if args.slice else ALL_MACHINES, builder) else 0


if __name__ == "__main__":
    sys.exit(main())
