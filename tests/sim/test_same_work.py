#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tasks that end when they have done their work: no CPU more makes it take longer."""

import random
import sys
import unittest

from sim_tool import simulate

TOOL = sys.argv.pop(1)


def run(workload, cpus, *more):
    return simulate(TOOL, workload, "--policy", "eevdf", "--cpus", cpus, *more)


def hand_over(tasks, index, rounds, caller_us, server_us):
    """Two tasks that run in turn: one waits while the other works."""
    begun, done = f"begun{index}", f"done{index}"
    tasks[f"call{index}"] = {"loop": rounds, "run": caller_us, "barrier": begun, "barrier2": done}
    tasks[f"serve{index}"] = {"loop": rounds, "barrier": begun, "run": server_us, "barrier2": done}


class SameWork(unittest.TestCase):
    """Tasks that end when they have done their work, however many CPUs there are."""

    def workload(self, seed):
        rng = random.Random(seed)
        tasks = {}
        for i in range(rng.randint(1, 4)):
            hand_over(tasks, i, rng.randint(100, 300), rng.randint(20, 800), rng.randint(20, 800))
        for i in range(rng.randint(0, 5)):
            tasks[f"job{i}"] = {"loop": rng.randint(50, 200), "lock": "m", "run": rng.randint(10, 300),
                                "unlock": "m", "run2": rng.randint(100, 3000)}
        for i in range(rng.randint(0, 3)):
            tasks[f"nap{i}"] = {"loop": rng.randint(20, 60), "run": rng.randint(100, 3000),
                                "sleep": rng.randint(300, 3000)}
        return {"tasks": tasks}

    def test_M14_the_same_work_takes_no_longer_on_four(self):
        for seed in range(1, 13):
            alone = run(self.workload(seed), 1).wall_ns
            for cpus in (2, 4):
                self.assertLessEqual(run(self.workload(seed), cpus).wall_ns, 1.01 * alone,
                                     f"seed {seed}, {cpus} CPUs")

    def test_M14_hand_overs_on_four(self):
        """One pair that only hands over pays for wakes of another CPU, 1 % here; three have a CPU each."""
        for pairs, limit in ((1, 1.02), (3, 0.4)):
            tasks = {}
            for i in range(pairs):
                hand_over(tasks, i, 1000, 20, 20)
            alone = run({"tasks": tasks}, 1).wall_ns
            self.assertLessEqual(run({"tasks": tasks}, 4).wall_ns, limit * alone)

    def test_slow_interrupts_between_cpus_are_seen(self):
        """What these tests are for: with wakes of other CPUs that take 20 us the pair takes longer."""
        tasks = {}
        hand_over(tasks, 0, 1000, 20, 20)
        alone = run({"tasks": tasks}, 1).wall_ns
        self.assertGreater(run({"tasks": tasks}, 4, "--costs", "ipi=20000").wall_ns, 1.2 * alone)


if __name__ == "__main__":
    unittest.main()
