#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Golden schedules: golden.py TOOL [--update].  A change of a schedule must be seen in review.

golden/NAME.json is a workload, golden/NAME.POLICY.CPUS.COSTS.txt its schedule: cpu start_ns end_ns task.
COSTS "off": the usual ones, with neither wake filter nor successor.  Where nothing costs anything, these may
not change the schedule, so it is compared with the same file."""

import difflib
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
OFF = ["--filter", "off", "--successor", "off"]
COSTS = {"none": ["--costs", "none"], "usual": [], "off": OFF}
OFFERING = ("eevdf",)  # policies that offer filters and successors
CASES = [(name, policy, cpus, costs)
         for name, cpus in (("weights", 1), ("sleepers", 1), ("pipeline", 2), ("masks", 3))
         for policy in ("eevdf", "rr", "fifo", "stride", "lottery", "edf", "central", "chaos")
         for costs in ("none", "usual") if policy != "chaos" or costs == "none"]
CASES += [(*case[:3], "off") for case in CASES if case[1] in OFFERING and case[3] == "usual"]
CASES += [("reserved", "edf", 1, costs) for costs in ("none", "usual")]


def path_of(name, policy, cpus, costs):
    return os.path.join(HERE, f"{name}.{policy}.{cpus}.{costs}.txt")


def schedule(tool, name, policy, cpus, costs, *more):
    done = subprocess.run(
        [tool, "--policy", policy, "--cpus", str(cpus), "--workload",
         os.path.join(HERE, name + ".json"), "--json", "-", "--schedule", "--check=1",
         *COSTS[costs], *more], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [f"{s['cpu']} {s['start_ns']} {s['end_ns']} {s['task']}\n"
             for s in json.loads(done.stdout)["schedule"]]
    return "# SPDX-License-Identifier: BSD-2-Clause\n" + "".join(lines)


class Golden(unittest.TestCase):
    def compare(self, case, *more):
        with open(path_of(*case), encoding="utf-8") as file:
            wanted = file.read()
        found = schedule(TOOL, *case, *more)
        difference = difflib.unified_diff(wanted.splitlines(), found.splitlines(), "golden", "now",
                                          lineterm="", n=2)
        self.assertEqual(wanted, found, "\n".join(list(difference)[:30]))

    def test_schedules(self):
        for case in CASES:
            with self.subTest(case=case):
                self.compare(case)

    def test_offers_that_cost_nothing_change_nothing(self):
        for case in CASES:
            if case[1] in OFFERING and case[3] == "none":
                for more in (OFF, OFF[:2], OFF[2:]):
                    with self.subTest(case=case, more=more):
                        self.compare(case, *more)


def update():
    for case in CASES:
        with open(path_of(*case), "w", encoding="utf-8") as file:
            file.write(schedule(TOOL, *case))


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    if "--update" in sys.argv:
        update()
    else:
        unittest.main()
