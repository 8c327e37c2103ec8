#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Wake filter and successor change nothing but the number of entries: schedules free of costs are the
same with and without them, on one CPU to the nanosecond."""

import random
import sys
import unittest

from random_workload import random_workload
from sim_tool import simulate

TOOL = sys.argv.pop(1)
CASES = 25
WAYS = (("on", "off"), ("off", "on"), ("on", "on"))


def schedule(result):
    return [(s["cpu"], s["start_ns"], s["end_ns"], s["task"]) for s in result.json["schedule"]]


def sum_of(result, *names):
    return sum(cpu[name] for cpu in result.cpus for name in names)


def entries_of(result):
    return sum(sum(cpu["entries"].values()) for cpu in result.cpus)


def blockers(seed):
    """Threads that run and block on each other rather than in requests: only those have successors."""
    rng = random.Random(seed)
    tasks = {}
    for number in range(rng.randint(2, 5)):
        name = f"c{number}"
        nice = {"priority": rng.choice([0, 0, 0, 5, -5]),
                "slice_us": rng.choice([3000, 3000, 2000])}
        tasks[f"say{number}"] = {"loop": -1, "run": rng.randint(50, 2500), "lock": f"m{number}",
                                 "signal": name, "unlock": f"m{number}", **nice,
                                 "slice_us": 2000 + 1000 * (seed % 2),
                                 "timer": {"ref": "unique", "period": rng.randint(1500, 9000)}}
        tasks[f"hear{number}"] = {"loop": -1, "lock": f"m{number}",
                                  "wait": {"ref": name, "mutex": f"m{number}"},
                                  "unlock": f"m{number}", "run": rng.randint(50, 2500), **nice}
    if seed % 3 != 0:  # else the CPU idles now and then
        tasks["hog"] = {"loop": -1, "run": 1000000, "instance": rng.randint(1, 3)}
    return {"global": {"duration": 0.3}, "tasks": tasks}


class SameSchedule(unittest.TestCase):
    def compare(self, workload, seed):
        """The run with both, once every way was the same."""
        def run(filters, successors):
            return simulate(TOOL, workload, "--policy", "eevdf", "--cpus", 1, "--costs", "none",
                            "--filter", filters, "--successor", successors, "--schedule")
        asked = run("off", "off")
        self.assertEqual(sum_of(asked, "filtered_wakes", "successions", "first_runs"), 0)
        wanted = schedule(asked)
        for way in WAYS:
            result = run(*way)
            found = schedule(result)
            for at, (want, have) in enumerate(zip(wanted, found)):
                self.assertEqual(want, have, f"seed {seed}, filter and successor {way}, stretch {at}; "
                                             f"before: {wanted[max(0, at - 3):at]}")
            self.assertEqual(len(wanted), len(found))
        self.assertLessEqual(entries_of(result), entries_of(asked))
        return result

    def test_random_workloads(self):
        """Requests, mutexes, yields, weights, slices, forks."""
        results = [self.compare(random_workload(seed, 1, 0.2), seed) for seed in range(CASES)]
        self.assertGreater(sum(sum_of(result, "filtered_wakes") for result in results), 0)

    def test_threads_that_block_on_each_other(self):
        results = [self.compare(blockers(seed), seed) for seed in range(CASES)]
        for name in ("filtered_wakes", "successions"):
            self.assertGreater(sum(sum_of(result, name) for result in results), 200, name)


if __name__ == "__main__":
    unittest.main()
