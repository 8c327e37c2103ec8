#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The server's schedule, free of costs, against EEVDF in rational numbers."""

import random
import sys
import unittest

from eevdf_model import BACKGROUND, NORMAL, Phase, Queue, Thread
from sim_tool import simulate

TOOL = sys.argv.pop(1)
CASES = 150


def random_case(seed):
    """Weights are powers of two or the nice table's; times are odd, so that few things coincide."""
    rng = random.Random(seed)
    threads, tasks = [], {}
    for number in range(rng.randint(2, 6)):
        weight = rng.choice([1024, 1024, 512, 2048, 335, 3121])
        slice_us = rng.choice([3000, 3000, 1000, 700, 10000])
        delay_us = rng.choice([0, 0, 0, rng.randint(1, 30000)])
        task = {"weight": weight, "slice_us": slice_us, "delay": delay_us, "loop": -1}
        sleeps = number > 0 and rng.random() < seed % 3 / 3
        if sleeps:
            task["run"] = rng.randint(50, 4000)
            task["sleep"] = rng.randint(50, 9000)
        else:
            task["run"] = 1000000000
        tasks[f"t{number}"] = task
        threads.append(Thread(number + 1, f"t{number}", weight, slice_us * 1000, delay_us * 1000,
                              task["run"] * 1000 if sleeps else None,
                              task.get("sleep", 0) * 1000))
    return tasks, threads


def random_phase(rng):
    """As a phase of a workload, and of the model."""
    loop, run_us = rng.randint(1, 20), rng.randint(50, 4000)
    sleep_us = rng.choice([0, rng.randint(50, 9000)])
    task = {"loop": loop, "run": run_us}
    if sleep_us != 0:
        task["sleep"] = sleep_us
    kind = rng.choice(["weight", "weight", "slice_us", "policy", None])
    change = None
    if kind == "weight":
        task[kind] = rng.choice([15, 335, 512, 1024, 2048, 3121, 88761])
        change = (kind, task[kind])
    elif kind == "slice_us":
        task[kind] = rng.choice([700, 1000, 3000, 10000])
        change = ("slice_ns", task[kind] * 1000)
    elif kind == "policy":
        idle = rng.random() < 0.5
        task[kind] = "SCHED_IDLE" if idle else "SCHED_OTHER"
        change = ("rank", BACKGROUND if idle else NORMAL)
    return task, Phase(loop, run_us * 1000, sleep_us * 1000, change)


def changing_case(seed):
    """Threads whose weight, slice or class changes now and then, and some of the background class."""
    rng = random.Random(seed)
    threads, tasks = [], {}
    for number in range(rng.randint(2, 6)):
        weight = rng.choice([1024, 512, 2048, 335, 3121])
        slice_us = rng.choice([3000, 3000, 1000, 700, 10000])
        delay_us = rng.choice([0, 0, rng.randint(1, 30000)])
        background = rng.random() < 0.3
        phases = [random_phase(rng) for _ in range(rng.randint(2, 4))]
        tasks[f"t{number}"] = {
            "weight": weight, "slice_us": slice_us, "delay": delay_us, "loop": -1,
            "policy": "SCHED_IDLE" if background else "SCHED_OTHER",
            "phases": {f"p{i}": task for i, (task, _) in enumerate(phases)}}
        threads.append(Thread(number + 1, f"t{number}", weight, slice_us * 1000, delay_us * 1000,
                              phases=[phase for _, phase in phases], background=background))
    return tasks, threads


def pinned_cases(seed):
    """A machine whose CPUs each have threads of their own: one pair of tasks and threads for each CPU.
    Two of each want to run always: the request of a thread that is alone ends when somebody looks, and
    the balancers of other CPUs look."""
    for cpu in range(random.Random(seed).randint(2, 5)):
        tasks, threads = (changing_case if (seed + cpu) % 2 else random_case)(seed * 8 + cpu)
        for weight in (335, 1024):
            tasks[f"h{weight}"] = {"weight": weight, "loop": -1, "run": 1000000000}
            threads.append(Thread(len(threads) + 1, f"h{weight}", weight))
        for thread in threads:
            thread.name = f"c{cpu}{thread.name}"
        yield {f"c{cpu}{name}": {**task, "cpus": [cpu]} for name, task in tasks.items()}, threads


class Model(unittest.TestCase):
    def simulated(self, tasks, cpus, end_ns):
        result = simulate(TOOL, {"global": {"duration": end_ns / 1e9}, "tasks": tasks}, "--policy",
                          "eevdf", "--cpus", cpus, "--costs", "none", "--schedule")
        found = [[] for _ in range(cpus)]
        for each in result.json["schedule"]:
            found[each["cpu"]].append((each["start_ns"], each["end_ns"], each["task"]))
        return found

    def compare(self, case, seed, end_ns):
        tasks, threads = case(seed)
        found, = self.simulated(tasks, 1, end_ns)
        self.equal(Queue(threads).run(end_ns), found, seed, tasks)

    def equal(self, wanted, found, seed, tasks):
        for at, (want, have) in enumerate(zip(wanted, found)):
            near = abs(want[0] - have[0]) <= 2 and abs(want[1] - have[1]) <= 2
            self.assertTrue(want[2] == have[2] and near,
                            f"seed {seed}, stretch {at}: model {want}, server {have}; "
                            f"before: {wanted[max(0, at - 3):at]}; {tasks}")
        self.assertEqual(len(wanted), len(found))

    def test_random_cases(self):
        for seed in range(CASES):
            with self.subTest(seed=seed):
                self.compare(random_case, seed, 150_000_000)

    def test_weights_slices_and_classes_that_change(self):
        for seed in range(CASES):
            with self.subTest(seed=seed):
                self.compare(changing_case, seed, 150_000_000)

    def test_threads_bound_to_one_of_several_cpus(self):
        for seed in range(CASES // 3):
            with self.subTest(seed=seed):
                cpus = list(pinned_cases(seed))
                tasks = {name: task for each, _ in cpus for name, task in each.items()}
                found = self.simulated(tasks, len(cpus), 100_000_000)
                for (mine, threads), have in zip(cpus, found):
                    self.equal(Queue(threads).run(100_000_000), have, seed, mine)


if __name__ == "__main__":
    unittest.main()
