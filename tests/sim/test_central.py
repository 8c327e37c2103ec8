#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Policy central on several CPUs: one order for the machine."""

import random
import sys
import unittest

from sim_tool import MS, SECOND, hogs, judge, simulate, water_fill, weighted

TOOL = sys.argv.pop(1)
W2_US = 12  # three times an IPI and a decision on either side


def run(workload, cpus, *more):
    return simulate(TOOL, workload, "--policy", "central", "--cpus", cpus, *more)


def rates_of(result, weights, cpus):
    return dict(zip(result.tasks, water_fill(weights, cpus)))


class Central(unittest.TestCase):
    """One order for the machine, docs/design/central.md."""

    def judge(self, workload, weights, cpus, *more):
        result = run(workload, cpus, "--schedule", "--check=1", *more)
        figures = judge(result, rates_of(result, weights, cpus))
        where = f"{weights} on {cpus} CPUs {' '.join(more)}: {figures}"
        self.assertLessEqual(figures["F2"], 0.01, where)
        self.assertLessEqual(figures["W1"], 0.005, where)
        self.assertLessEqual(figures["W2_us"], W2_US, where)
        return result

    def test_turns_go_round_the_machine(self):
        """Nobody is more than three turns ahead of another, at any time."""
        for count, cpus in ((5, 4), (6, 4), (7, 4), (9, 4), (3, 2), (9, 8)):
            for seed in ("0", "1"):
                result = self.judge(hogs(count, 5), [1] * count, cpus, "--seed", seed)
                had = dict.fromkeys(result.tasks, 0)
                for s in result.json["schedule"]:
                    had[s["task"]] += s["end_ns"] - s["start_ns"]
                    self.assertLessEqual(max(had.values()) - min(had.values()), 9.1 * MS)

    def test_weights_count_for_the_whole_machine(self):
        rng = random.Random(7)
        for _ in range(12):
            cpus = rng.choice([2, 4, 8])
            weights = [rng.randint(200, 4000) for _ in range(rng.randint(cpus + 1, 3 * cpus))]
            self.judge(weighted(weights, 5), weights, cpus)

    def test_one_heavier_than_a_cpu_has_that(self):
        self.judge(weighted([20000, 1000, 1000, 1000, 1000], 5), [20000, 1000, 1000, 1000, 1000], 3)

    def test_nothing_moves_without_need(self):
        result = self.judge(hogs(4, 2), [1] * 4, 4)
        self.assertEqual(result.migrations_late(MS * 100), 0)

    def test_what_was_had_alone_is_not_paid_for(self):
        """A light thread alone for 2 s, then eight heavier ones: it goes on with its share at once."""
        tasks = {"first": {"loop": -1, "run": 1000000},  # has CPU 0
                 "old": {"weight": 100, "loop": -1, "run": 1000000},
                 "new": {"instance": 8, "loop": -1, "run": 1000000, "delay": 2000000}}
        result = run({"global": {"duration": 4}, "tasks": tasks}, 2, "--schedule")
        served = sum(min(end, 4 * SECOND) - max(start, 2 * SECOND)
                     for start, end, _ in result.stretches("old") if end > 2 * SECOND)
        ideal = 2 * SECOND * water_fill([100] + [1024] * 9, 2)[0]
        self.assertAlmostEqual(served / MS, ideal / MS, delta=6)

    def test_who_may_not_run_at_the_centre_is_part_of_the_order(self):
        """Its share is that of its weight, no more, with or without the others' leave."""
        rng = random.Random(5)
        for _ in range(8):
            cpus = rng.choice([2, 3, 4, 8])
            weights = [rng.randint(500, 2000) for _ in range(rng.randint(2 * cpus, 3 * cpus))]
            tasks = weighted(weights, 5)
            for task in rng.sample(sorted(tasks["tasks"]), cpus // 2):
                tasks["tasks"][task]["cpus"] = list(range(1, cpus))
            result = run(tasks, cpus, "--schedule", "--check=1")
            for name, task in result.tasks.items():
                self.assertAlmostEqual(task["share"] / task["ideal_share"], 1, delta=0.01,
                                       msg=f"{name}: {weights} on {cpus}")
            for s in result.json["schedule"]:
                self.assertFalse(s["cpu"] == 0 and "cpus" in tasks["tasks"][s["task"]], str(s))

    def test_nobody_waits_beside_a_cpu_that_is_its_own(self):
        """All that wait may not run on CPU 0, which idles; CPU 2 is never let go idle for its one thread."""
        tasks = {"a": {"instance": 5, "loop": -1, "run": 1000000, "cpus": [1]},
                 "b": {"loop": -1, "run": 2000, "sleep": 1000, "cpus": [2]},
                 "c": {"loop": -1, "run": 1000000, "cpus": [1, 2]}}
        result = run({"global": {"duration": 2}, "tasks": tasks}, 3, "--check=1")
        self.assertEqual(result.cpus[0]["busy_ns"], 0)
        self.assertLessEqual(result.run["unserved_idle_max_ns"], 10000)
        self.assertGreater(result.tasks["b"]["share"], 0.3)
        self.assertGreater(result.tasks["c"]["share"], 0.2)
        for i in range(5):
            self.assertAlmostEqual(result.tasks[f"a-{i}"]["share"], 0.2, delta=0.05)

    def test_sleepers_and_pinned_ones(self):
        result = run({"global": {"duration": 1}, "tasks": {
            "hog": {"instance": 3, "loop": -1, "run": 1000},
            "sleeper": {"instance": 8, "loop": -1, "run": 300, "sleep": 700},
            "pinned": {"instance": 2, "loop": -1, "run": 500, "sleep": 500, "cpus": [2]}}},
            4, "--check=1")
        self.assertLessEqual(result.run["unserved_idle_ns"] / (result.wall_ns * 4), 0.02)
        for task in result.tasks.values():
            self.assertGreater(task["cpu_ns"], 0)


if __name__ == "__main__":
    unittest.main()
