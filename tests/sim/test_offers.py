#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Wake filter, successor and CPUs that idle by themselves change nothing but the number of entries: schedules
free of costs are the same with and without them, to the nanosecond where nobody changes CPU."""

import random
import sys
import unittest

from random_workload import random_workload
from sim_tool import simulate

TOOL = sys.argv.pop(1)
CASES = 25
WAYS = (("on", "off", "on"), ("off", "on", "off"), ("off", "on", "on"),
        ("on", "on", "off"), ("on", "on", "on"))


def schedule(result):
    return [(s["cpu"], s["start_ns"], s["end_ns"], s["task"]) for s in result.json["schedule"]]


def sum_of(result, *names):
    return sum(cpu[name] for cpu in result.cpus for name in names)


def entries_of(result):
    return sum(sum(cpu["entries"].values()) for cpu in result.cpus)


def told(result):
    """What the machine counts of each task, but for how often it woke."""
    return [{key: task[key] for key in task if key != "wakes"} for task in result.json["tasks"]]


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


def callers(seed):
    """Pinned threads of several CPUs that wake each other there, and now and then a second one on the
    same CPU: most of them run on idle CPUs, one at a time.  Times to the nanosecond: of two things at the
    same moment either may be first."""
    rng = random.Random(seed)

    def us(least, most):
        return round(rng.uniform(least, most), 3)
    cpus = rng.randint(2, 3)
    tasks = {}
    for number in range(rng.randint(2, 4)):
        go, done = f"go{number}", f"done{number}"
        here, there = rng.sample(range(cpus), 2)
        tasks[f"call{number}"] = {
            "loop": -1, "cpus": [here], "priority": rng.choice([0, 0, 5]), "run": us(1, 900),
            "slice_us": rng.choice([3000, 500]),
            "lock": f"m{number}", "signal": go, "wait": {"ref": done, "mutex": f"m{number}"},
            "unlock": f"m{number}"}
        tasks[f"serve{number}"] = {
            "loop": -1, "cpus": [there], "priority": rng.choice([0, 0, -5]),
            "slice_us": rng.choice([3000, 300]),
            "lock": f"m{number}", "wait": {"ref": go, "mutex": f"m{number}"}, "unlock": f"m{number}",
            "run": us(1, 400), "lock2": f"m{number}", "signal": done, "unlock2": f"m{number}"}
        if rng.random() < 0.5:
            tasks[f"nap{number}"] = {"loop": -1, "cpus": [rng.randrange(cpus)],
                                     "run": us(10, 2000), "sleep": us(500, 9000)}
    return cpus, {"global": {"duration": 0.2}, "tasks": tasks}


class SameSchedule(unittest.TestCase):
    def compare(self, workload, seed, cpus=1):
        """The runs with all, without AGAIN and with it, once every way was the same."""
        def run(filters, successors, again):
            return simulate(TOOL, workload, "--policy", "eevdf", "--cpus", cpus, "--costs", "none",
                            "--filter", filters, "--successor", successors, "--again", again,
                            "--schedule")
        asked = run("off", "off", "on")
        self.assertEqual(sum_of(asked, "filtered_wakes", "successions", "first_runs"), 0)
        wanted = schedule(asked)
        results = []
        for way in WAYS:
            results.append(run(*way))
            found = schedule(results[-1])
            for at, (want, have) in enumerate(zip(wanted, found)):
                self.assertEqual(want, have, f"seed {seed}, filter, successor, again {way}, stretch {at}; "
                                             f"before: {wanted[max(0, at - 3):at]}")
            self.assertEqual(len(wanted), len(found))
            self.assertEqual(told(asked), told(results[-1]), f"seed {seed}, {way}")
            for name, task in asked.tasks.items():  # the last wake may not have been told of
                self.assertIn(task["wakes"] - results[-1].tasks[name]["wakes"], (0, 1), name)
        self.assertLessEqual(entries_of(results[-1]), entries_of(asked))
        return results[-2:]

    def test_random_workloads(self):
        """Requests, mutexes, yields, weights, slices, forks."""
        results = [self.compare(random_workload(seed, 1, 0.2), seed)[1] for seed in range(CASES)]
        self.assertGreater(sum(sum_of(result, "filtered_wakes") for result in results), 0)

    def test_threads_that_block_on_each_other(self):
        results = [self.compare(blockers(seed), seed)[1] for seed in range(CASES)]
        for name in ("filtered_wakes", "successions"):
            self.assertGreater(sum(sum_of(result, name) for result in results), 200, name)

    def test_threads_that_call_idle_cpus(self):
        results = []
        for seed in range(CASES):
            cpus, workload = callers(seed)
            results.append(self.compare(workload, seed, cpus))
        once = sum(entries_of(result[0]) for result in results)
        again = sum(entries_of(result[1]) for result in results)
        self.assertGreater(sum(sum_of(result[1], "first_runs") for result in results), 1000)
        self.assertLess(again, 0.85 * once)


if __name__ == "__main__":
    unittest.main()
