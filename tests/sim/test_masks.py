#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shares that cannot be had by sharing CPUs by weight, under affinity masks and beside heavy threads, against
the exact water filling: ideal_share in the results."""

import random
import sys
import unittest

from sim_tool import simulate, weighted

TOOL = sys.argv.pop(1)


def errors(cpus, tasks):
    workload = {"global": {"duration": 10}, "tasks": tasks}
    done = simulate(TOOL, workload, "--policy", "eevdf", "--cpus", cpus).tasks.values()
    return {task["name"]: task["share"] / task["ideal_share"] - 1 for task in done}


class HeavyThreads(unittest.TestCase):
    def judge_case(self, cpus, threads, limit):
        tasks = {f"t{i}": {"loop": -1, "run": 1000000, "weight": weight, "cpus": list(where)}
                 for i, (weight, where) in enumerate(threads)}
        for name, error in errors(cpus, tasks).items():
            self.assertLessEqual(abs(error), limit, name)

    def test_a_heavy_one_that_must_live_on_two_cpus(self):
        """It should have all of a CPU, half of each.  By weight it has nine tenths of that."""
        self.judge_case(2, ((9216, [0, 1]), (1024, [0]), (1024, [1])), 0.05)

    def test_the_heaviest_of_a_crowd_is_known(self):
        """It is owed most, so it is the last of those that a CPU offers.  Were it not published, all of its
        weight would count as one that CPUs should share, and its crowd stay where it is."""
        far, most = range(11), (0, 1, 2, 3, 4, 5, 6, 8, 9, 10)
        self.judge_case(
            11, ((335, far), (36291, far), (23254, [8]), (4904, [0, 1, 3, 4, 6, 8, 9]),
                 (29, [0, 6, 9, 10]), (46273, far), (56483, far), (14949, [1, 4, 8]), (36, far),
                 (7620, most), (87, far), (215, far), (137, far), (137, [1, 2, 3, 4]),
                 (56, [1, 3, 4, 7, 8, 9]), (9548, far), (11916, far), (272, far), (29154, far),
                 (110, far)), 0.15)

    def test_random_masks_and_heavy_ones(self):
        """2 to 4 CPUs, nice -8 to 8: nine tenths of the cases, and all.  By weight 11 and 56 %."""
        rng = random.Random(5)
        worst = []
        for _ in range(60):
            cpus = rng.randint(2, 4)
            tasks = {f"t{i}": {"loop": -1, "run": 1000000, "priority": rng.randint(-8, 8),
                               "cpus": sorted(rng.sample(range(cpus), rng.randint(1, cpus)))}
                     for i in range(rng.randint(cpus + 1, 3 * cpus))}
            worst.append(max(abs(error) for error in errors(cpus, tasks).values()))
        worst.sort()
        self.assertLess(worst[53], 0.05)
        self.assertLess(worst[-1], 0.13)

    def test_accounts_of_threads_that_meet_heavy_ones(self):
        """No masks.  One that comes to a CPU which a heavy thread has had alone is owed something in the
        machine's measure, not in that of a load long gone, and from now on, not from the next period on: one
        of 423 went to and fro, 167 times, and had a quarter less than its share, and others a tenth too
        much.  And a heavy thread that had company is owed that time: else light ones that had too much
        went to it and its like, and 42 threads a second to each CPU."""
        for cpus, most, weights in (
                (11, 2, [3121, 56483, 1024, 46273, 423, 423, 56483, 655, 1277, 655, 3906, 1277, 88761, 7620,
                         87, 36291, 14949]),
                (9, 2, [3906, 110, 56483, 526, 172, 172, 29, 15, 88761, 1024, 3121, 29, 11916, 29, 88761, 335,
                        1024, 45, 56, 87, 215]),
                (11, 8, [7620, 526, 18, 3121, 1991, 29154, 137, 46273, 46273, 820, 36, 1991, 23, 6100, 1991,
                         15, 36, 3906, 29154, 215, 272, 71755, 18, 45, 56, 18, 4904, 423, 23254, 88761, 172,
                         36291, 7620, 335, 1277, 87, 29154, 11916, 29, 11916, 215, 1991, 18705])):
            result = simulate(TOOL, weighted(weights, 10), "--policy", "eevdf", "--cpus", cpus)
            for task in result.tasks.values():
                if task["ideal_share"] >= 0.01:
                    self.assertAlmostEqual(task["share"] / task["ideal_share"], 1, delta=0.04,
                                           msg=f"{cpus} CPUs, {task['name']}")
            self.assertLessEqual(result.migrations() / (10 * cpus), most)


if __name__ == "__main__":
    unittest.main()
