#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""EEVDF's requirements for several CPUs, measured on the recorded schedule of a boot; TAP.

`several.py ... THREADS-on-CPUS ...`: so many equal threads that always want to run.  As in the simulator's
test_several.py, from outside:

    F1  largest |fluid service - service|, at most two balance periods
    F2  worst relative error of a share over 10 s, at most 2 %
    F3  migrations per second and CPU, at most 25
    W1  part of the time in which a CPU does nothing while a thread waits, at most 1 %
    W2  the longest such time, at most 1 ms

Bad at: anything but threads that always want to run.
"""

import argparse
import os
import re
import sys

import agree
import run_boot
from term import Failure

sys.path.insert(0, os.path.join(run_boot.ROOT, "tools"))

import trace  # noqa: E402

MS = 1_000_000
SECOND = 1_000_000_000
PERIOD_NS = 40 * MS
BEGUN_NS = MS // 10
DURATION_S = 10
CASE = re.compile(r"(\d+)-on-(\d+)")


class Schedule:
    """What the hogs and the CPUs did while all hogs were there, with the recorder's times."""

    def __init__(self, timeline, threads):
        self.cpus = timeline.cpus
        ran = {}
        for cpu, start, end, category, name in timeline.stretches:
            if category == trace.RUN and name.startswith("hog"):
                ran.setdefault(name, []).append((start, end, cpu))
        if len(ran) != threads:
            raise Failure(f"{threads} threads were started, {len(ran)} are in the recording")
        self.ran = {name: sorted(each) for name, each in ran.items()}
        # The program makes all threads, then lets them begin at once.
        self.start = min(start for each in self.ran.values() for start, end, _ in each
                         if end - start >= BEGUN_NS)
        self.end = min(each[-1][1] for each in self.ran.values())
        self.busy = {cpu: [] for cpu in range(self.cpus)}
        for cpu, start, end, _, _ in timeline.stretches:
            self.busy[cpu].append((start, end))

    @property
    def wall_ns(self):
        return self.end - self.start

    def stretches(self, name):
        for start, end, cpu in self.ran[name]:
            start, end = max(start, self.start), min(end, self.end)
            if start < end:
                yield start - self.start, end - self.start, cpu

    def fairness(self, name, rate):
        """(F1, F2) of one thread: the extremes of F1 are where stretches begin and end."""
        worst, served = 0.0, 0
        for start, end, _ in self.stretches(name):
            worst = max(worst, abs(rate * start - served))
            served += end - start
            worst = max(worst, abs(rate * end - served))
        worst = max(worst, abs(rate * self.wall_ns - served))
        return worst, abs(served / (rate * self.wall_ns) - 1)

    def migrations(self):
        count = 0
        for name in self.ran:
            cpus = [cpu for _, _, cpu in self.stretches(name)]
            count += sum(before != after for before, after in zip(cpus, cpus[1:]))
        return count

    def idle(self, cpu):
        """The holes in which a CPU does nothing."""
        at = self.start
        for start, end in sorted(self.busy[cpu]):
            if start > at and at < self.end:
                yield at, min(start, self.end)
            at = max(at, end)
        if at < self.end:
            yield at, self.end


def waits(schedule):
    """(W1, W2 in ns).  With more threads than CPUs a hole on one CPU has a thread that waits."""
    if len(schedule.ran) <= schedule.cpus:
        return 0.0, 0
    holes = [end - start for cpu in range(schedule.cpus) for start, end in schedule.idle(cpu)]
    return sum(holes) / (schedule.wall_ns * schedule.cpus), max(holes, default=0)


def judge(bench, name):
    case = CASE.fullmatch(name)
    if not case:
        raise Failure(f"{name}: not THREADS-on-CPUS")
    threads, cpus, seconds = int(case[1]), int(case[2]), bench.args.seconds
    recording = bench.file("recording.trace")
    status, console, _ = bench.boot(cpus, agree.hogs(threads, seconds), f"trace={recording}")
    _, problem = console.results()
    bench.tap.case(status == 0 and not problem, f"{name}: the boot ended with its results ({problem})")
    if problem:
        return
    timeline = trace.read(recording, console.threads)
    schedule = Schedule(timeline, threads)
    bench.tap.case(timeline.lost == 0 and timeline.cpus == cpus and
                   schedule.wall_ns >= 0.95 * seconds * SECOND,
                   f"{name}: {schedule.wall_ns / SECOND:.3f} s recorded, {timeline.lost} records lost")
    rate = min(1, cpus / threads)
    figures = [schedule.fairness(each, rate) for each in schedule.ran]
    f1, f2 = (max(each[i] for each in figures) for i in (0, 1))
    f3 = schedule.migrations() / (schedule.wall_ns / SECOND) / cpus
    w1, w2 = waits(schedule)
    tap, limit = bench.tap, max(0.02, 0.02 * DURATION_S / seconds)
    tap.case(f1 <= 2 * PERIOD_NS, f"{name}: F1 {f1 / MS:.1f} ms, at most {2 * PERIOD_NS // MS}")
    tap.case(f2 <= limit, f"{name}: F2 {100 * f2:.2f} %, at most {100 * limit:.0f} %")
    tap.case(f3 <= 25, f"{name}: F3 {f3:.1f} migrations per second and CPU, at most 25")
    tap.case(w1 <= 0.01, f"{name}: W1 {100 * w1:.3f} %, at most 1 %")
    tap.case(w2 <= MS, f"{name}: W2 {w2 / 1000:.1f} us, at most 1 ms")


def main():
    parser = argparse.ArgumentParser(description="Measure boots with several CPUs; report as TAP.")
    parser.add_argument("--seconds", type=float, default=DURATION_S, metavar="S", help="of guest time")
    parser.add_argument("names", nargs="+", metavar="THREADS-on-CPUS")
    return agree.main_of(parser, judge)


if __name__ == "__main__":
    sys.exit(main())
