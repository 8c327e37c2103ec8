#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shares under affinity masks that cannot be had by sharing CPUs by weight, against the exact water filling:
ideal_share in the results."""

import random
import sys
import unittest

from sim_tool import simulate

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


if __name__ == "__main__":
    unittest.main()
