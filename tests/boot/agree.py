#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The simulator and the booted system run the same workload; do they agree?  One named case; TAP.

Which of several equal threads meets which neighbour on which CPU hangs on nanoseconds, in both.  So equal
threads (instances of one task) count together, by their mean; and the simulator runs with its own costs and
with costs around them.  The booted machine agrees if its figure is within the limit of what lies between the
smallest and the largest simulated one: 0.01 of a CPU for shares, 10 % for switches.  Where the costs do not
matter that is a plain comparison.  Where they move a share by more than that (two at a barrier: 20 to 23 %),
so few simulations do not show all of its range, and half of what they show may be missing at either end.

What one CPU says to another in the virtual clock of several CPUs, the other sees at its next turn in the
emulator, up to 20 us later: with a lock that is always wanted and goes from CPU to CPU, each locker of `sync`
has 1 % of a CPU less for it than with the costs of the kernel alone.  So one simulation has IPIs of 20 us.

Bad at: times.  How long a thread waits depends on costs that the simulator only knows on the average.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import run_boot
from console import Console
from qemu import Guest
from run import host_tool
from term import Failure

sys.path.insert(0, os.path.join(run_boot.ROOT, "tools"))

import mkarchive  # noqa: E402
import trace  # noqa: E402

SHARE_LIMIT = 0.01
SWITCHES_LIMIT = 0.10
TRACE_NS_LIMIT = 100000  # what a thread does before its own count begins and after it ends
TRACE_NS_LIMIT_DEBUG = 200000
COSTS = ("virtual", None, "entry=1500,decision=2600,ipi=20000,switch=500,call=1100",
         "entry=400,decision=900,ipi=700,switch=300",
         "entry=600,decision=1100,ipi=1500,switch=400", "entry=1000,decision=2000,ipi=2000,switch=700",
         "entry=550,decision=1037,ipi=1213,switch=413")
# Assertions make entries and decisions dearer; a lock that is always wanted shows it.
DEBUG_COSTS = (*COSTS, "entry=1500,decision=3000,ipi=3000,switch=1000",
               "entry=2500,decision=5000,ipi=5000,switch=2000")


def tree_file(*parts):
    with open(os.path.join(run_boot.ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def lasting(seconds, **tasks):
    return json.dumps({"global": {"duration": seconds}, "tasks": tasks})


def hogs(count, seconds=1):
    return lasting(seconds, hog={"instance": count, "run": 10000})


def timer(period):
    return {"ref": "unique", "period": period}


SLEEPERS = {"often": {"instance": 3, "run": 310, "sleep": 2130},
            "seldom": {"instance": 2, "run": 2900, "sleep": 8700},
            "frame": {"run": 1470, "timer": timer(8330)}}

# name: (CPUs, text of the workload)
WORKLOADS = {
    "standard": (4, tree_file("tools", "workload", "standard.json")),
    "hogs-5": (4, hogs(5, 2)),
    "hogs-6": (4, hogs(6)),
    "hogs-7": (4, hogs(7)),
    "hogs-9": (4, hogs(9)),
    "sleepers-1": (1, lasting(2, hog={"instance": 2, "run": 5000}, **SLEEPERS)),
    # Where the time of calls counts: many who sleep shortly.
    "mixed": (1, lasting(1, hog={"instance": 2, "run": 1000, "weight": 256},
                         a={"instance": 2, "run": 130, "sleep": 1700, "priority": -2},
                         b={"run": 310, "sleep": 1700, "priority": 0}, c={"run": 130, "sleep": 1700},
                         d={"run": 1470, "timer": timer(8330)},
                         e={"runtime": 300, "barrier": "B", "sleep": 1000}, f={"run": 800, "barrier": "B"})),
    "sleepers-4": (4, lasting(1, **SLEEPERS)),
    "nices": (1, lasting(3, a={"run": 5000}, b={"run": 5000, "priority": 5}, c={"run": 5000, "priority": -5},
                         d={"run": 5000, "priority": 10}, e={"run": 5000, "slice_us": 1000})),
    "locks": (2, lasting(2, locker={"instance": 4, "run": 290, "lock": "m", "run1": 510, "unlock": "m",
                                    "sleep": 730})),
    "sync": (4, tree_file("tests", "boot", "workloads", "sync.json")),
}

# name: (workload, what stands on the console); the program ends with status 1.
FAULTS = {
    "deadlock": (json.dumps({"tasks": {
        "a": {"loop": 1, "lock": "x", "sleep": 1000, "lock1": "y", "unlock": "y", "unlock1": "x"},
        "b": {"loop": 1, "lock": "y", "sleep": 1000, "lock1": "x", "unlock": "x", "unlock1": "y"}}}),
                 r"it stands still: 2 tasks wait for ever"),
    "relock": (lasting(1, a={"lock": "m", "run": 100, "lock1": "m", "unlock": "m"}),
               r'task a locks, but holds already "m"'),
    "unlock": (lasting(1, a={"lock": "m", "run": 100, "unlock": "m", "unlock1": "m"}),
               r'task a unlocks, but does not hold "m"'),
}


class Bench:
    """Builds archives, boots, simulates."""

    def __init__(self, args, scratch):
        self.args = args
        self.scratch = scratch
        self.tap = run_boot.Tap()

    def file(self, name, text=None):
        path = os.path.join(self.scratch, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def archive(self, source):
        compiled = self.file("workload.bwl")
        subprocess.run([host_tool("baton-workload"), "--quiet", source, "-o", compiled], check=True)
        with open(self.args.archive, "rb") as file:
            entries = [(name, data) for name, data, _ in mkarchive.parse(file.read())]
        entries = mkarchive.replace(entries, mkarchive.load_pairs([f"workload.bwl={compiled}"]))
        mkarchive.write_whole(self.file("boot.cpio"), mkarchive.build(entries))
        return self.file("boot.cpio")

    def boot(self, cpus, text, *arguments):
        """The machine's status, what it handed over, and the lines of its console."""
        words = ["--kernel", self.args.kernel, "--archive", self.archive(self.file("workload.json", text)),
                 "--cpus", str(cpus)]
        for argument in ("run=workload", *arguments):
            words += ["--boot-arg", argument]
        command = run_boot.make_command(run_boot.parse_arguments(words), self.scratch)
        console, shown = Console(), []
        with Guest(command, self.args.timeout) as guest:
            for line in guest.lines():
                rest = console.feed(line)
                if rest is not None:
                    shown.append(rest)
                    self.tap.comment(rest)
        return guest.status, console, shown

    def simulate(self, cpus, costs):
        out = self.file("sim.json")
        words = [host_tool("baton-sim"), "--policy", "eevdf", "--cpus", str(cpus), "--workload",
                 self.file("workload.json"), "--json", out]
        words += ["--costs", costs] if costs else []
        done = subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True)
        if done.returncode != 0:
            raise Failure(f"status {done.returncode} of {' '.join(words)}: {done.stderr.strip()}")
        with open(out, encoding="utf-8") as file:
            return json.load(file)


def shares(document):
    """Mean share of the threads of each task."""
    groups = {}
    for task in document["tasks"]:
        groups.setdefault(re.sub(r"-\d+$", "", task["name"]), []).append(task["cpu_ns"])
    return {name: sum(each) / len(each) / document["run"]["wall_ns"] for name, each in groups.items()}


def switches(document):
    return sum(cpu["switches"] for cpu in document["cpus"])


def outside(value, values):
    """How far the value lies outside of what lies between the others."""
    return max(0, min(values) - value, value - max(values))


def agree(bench, name):
    cpus, text = WORKLOADS[name]
    status, console, _ = bench.boot(cpus, text)
    booted, problem = console.results()
    bench.tap.case(status == 0 and not problem, f"{name}: the boot ended with its results ({problem})")
    if problem:
        return
    simulated = [bench.simulate(cpus, costs) for costs in (DEBUG_COSTS if bench.args.debug else COSTS)]
    found, wanted = shares(booted), [shares(each) for each in simulated]
    bench.tap.case(set(found) == set(wanted[0]), f"{name}: the same tasks")
    for task in sorted(set(found) & set(wanted[0])):
        values = [each[task] for each in wanted]
        limit = max(SHARE_LIMIT, (max(values) - min(values)) / 2)
        bench.tap.case(outside(found[task], values) <= limit,
                       f"{name}: {task} has {100 * found[task]:.2f} %, "
                       f"simulated {100 * min(values):.2f} to {100 * max(values):.2f} %")
    values = [switches(each) for each in simulated]
    bench.tap.case(outside(switches(booted), values) <= SWITCHES_LIMIT * values[0],
                   f"{name}: {switches(booted)} switches, simulated {values}")


def faults(bench):
    for name, (text, pattern) in FAULTS.items():
        status, _, shown = bench.boot(2, text)
        bench.tap.case(status == 1, f"{name}: status 1, found {status}")
        bench.tap.case(any(re.search(pattern, line) for line in shown), f"{name}: console shows /{pattern}/")


def recorded(bench):
    """A recording tells of each task what the system's own accounts say."""
    recording = bench.file("recording.trace")
    status, console, _ = bench.boot(4, lasting(0.3, hog={"instance": 5, "run": 10000}, **SLEEPERS),
                                    f"trace={recording}")
    booted, problem = console.results()
    bench.tap.case(status == 0 and not problem, f"trace: the boot ended with its results ({problem})")
    timeline = trace.read(recording, console.threads)
    bench.tap.case(timeline.lost == 0 and timeline.records > 1000,
                   f"trace: {timeline.records} records, {timeline.lost} lost")
    ran, until, overlaps = {}, {}, 0
    limit = TRACE_NS_LIMIT_DEBUG if bench.args.debug else TRACE_NS_LIMIT
    for cpu, start, end, category, task in sorted(timeline.stretches, key=lambda each: each[1]):
        overlaps += start < until.get(cpu, 0)
        until[cpu] = end
        if category == trace.RUN:
            ran[task] = ran.get(task, 0) + end - start
    bench.tap.case(overlaps == 0, "trace: no CPU does two things at once")
    for task in booted["tasks"] if booted else []:
        off = ran.get(task["name"], 0) - task["cpu_ns"]
        bench.tap.case(-limit // 10 <= off <= limit,
                       f"trace: {task['name']} ran {task['cpu_ns']} ns, recorded {off:+d}")


def main_of(parser, judge):
    """`judge` each of the names on the command line, in a bench of its own."""
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--archive", required=True)
    parser.add_argument("--timeout", type=float, default=300, metavar="S", help="for each boot")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(args, scratch)
        try:
            for name in args.names:
                judge(bench, name)
        except Failure as failure:
            bench.tap.bail_out(str(failure))
            return 1
        bench.tap.plan()
        return 1 if bench.tap.failed else 0


def judge(bench, name):
    if name == "faults":
        faults(bench)
    elif name == "trace":
        recorded(bench)
    elif name in WORKLOADS:
        agree(bench, name)
    else:
        raise Failure(f"{name}: no such case; there is: {', '.join(WORKLOADS)}, faults, trace")


def main():
    parser = argparse.ArgumentParser(description="Compare boots with simulations; report as TAP.")
    parser.add_argument("--debug", action="store_true", help="the kernel has its assertions")
    parser.add_argument("names", nargs="*", metavar="NAME", default=[*WORKLOADS, "faults", "trace"],
                        help=f"of {', '.join(WORKLOADS)}, faults, trace (default: all)")
    return main_of(parser, judge)


if __name__ == "__main__":
    sys.exit(main())
