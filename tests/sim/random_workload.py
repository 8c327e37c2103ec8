# SPDX-License-Identifier: BSD-2-Clause
"""Random workloads that end by their duration and never hang: for the invariant checker."""

import random


def random_event(rng, depth):
    """One event, as (key, value); keys get a number behind them to be different."""
    kind = rng.choice(["run"] * 5 + ["sleep", "sleep", "timer", "yield", "runtime", "locked", "pair"])
    if kind == "run":
        return [("run", rng.choice([1, 20, 150, 700, 3000, 9000]))]
    if kind == "runtime":
        return [("runtime", rng.choice([50, 2000]))]
    if kind == "sleep":
        return [("sleep", rng.choice([1, 30, 500, 2000, 7000]))]
    if kind == "timer":
        return [("timer", {"ref": "unique", "period": rng.choice([1000, 4000, 16000])})]
    if kind == "yield":
        return [("yield", "")]
    name = f"m{rng.randint(0, 1)}"
    if kind == "locked" or depth > 0:
        return [("lock", name), ("run", rng.choice([5, 300])), ("unlock", name)]
    return [("lock", name), ("signal", "c"), ("unlock", name)]


def random_params(rng, cpus):
    params = {}
    if rng.random() < 0.3:
        params["priority"] = rng.randint(-15, 15)
    elif rng.random() < 0.3:
        params["weight"] = rng.randint(2, 20000)
    if rng.random() < 0.3:
        params["slice_us"] = rng.choice([100, 500, 10000])
    if rng.random() < 0.25:
        params["cpus"] = sorted(rng.sample(range(cpus), rng.randint(1, cpus)))
    return params


def random_phase(rng, cpus):
    phase = {"loop": rng.randint(1, 30), **random_params(rng, cpus)}
    events = [event for _ in range(rng.randint(1, 5)) for event in random_event(rng, 1)]
    if not any(key in ("run", "runtime") for key, _ in events):
        events.append(("run", 100))
    for number, (key, value) in enumerate(events):
        phase[f"{key}{number}"] = value
    return phase


def random_workload(seed, cpus, seconds=0.3):
    rng = random.Random(seed)
    tasks = {}
    for number in range(rng.randint(1, 3 * cpus)):
        task = {"loop": rng.choice([-1, -1, -1, 3]), "instance": rng.choice([1, 1, 1, 3]),
                **random_params(rng, cpus)}
        if rng.random() < 0.3:
            task["delay"] = rng.randint(0, 100000)
        task["phases"] = {f"p{i}": random_phase(rng, cpus) for i in range(rng.randint(1, 3))}
        tasks[f"t{number}"] = task
    tasks["hog"] = {"loop": -1, "run": 1000, "instance": rng.randint(1, cpus)}
    if rng.random() < 0.5:
        tasks["child"] = {"instance": 0, "loop": 2, "run": 700, "sleep": 300}
        tasks["parent"] = {"loop": 20, "run": 400, "fork": "child", "sleep": 3000}
    return {"global": {"duration": seconds}, "tasks": tasks}
