# SPDX-License-Identifier: BSD-2-Clause
"""Run baton-sim and judge its schedule from outside: fluid shares, lags, latencies."""

import json
import os
import subprocess
import tempfile

MS = 1_000_000
SECOND = 1_000_000_000


class Result:
    """One run: the JSON, and the schedule by task."""

    def __init__(self, text):
        self.text = text
        self.json = json.loads(text)
        self.run = self.json["run"]
        self.tasks = {task["name"]: task for task in self.json["tasks"]}
        self.cpus = self.json["cpus"]
        for cpu in self.cpus:
            spent_ns = cpu["busy_ns"] + cpu["idle_ns"] + cpu["dispatcher_ns"]
            if spent_ns != self.wall_ns:
                raise AssertionError(f"CPU {cpu['cpu']} spent {spent_ns} ns of {self.wall_ns}")

    @property
    def wall_ns(self):
        return self.run["wall_ns"]

    def stretches(self, name):
        return [(s["start_ns"], s["end_ns"], s["cpu"]) for s in self.json["schedule"]
                if s["task"] == name]

    def migrations(self):
        return sum(task["migrations"] for task in self.tasks.values())

    def migrations_late(self, since_ns):
        """How often a task ran on another CPU than before, after `since_ns`."""
        where, count = {}, 0
        for s in self.json["schedule"]:
            if s["task"] in where and where[s["task"]] != s["cpu"] and s["start_ns"] >= since_ns:
                count += 1
            where[s["task"]] = s["cpu"]
        return count


def simulate(tool, workload, *arguments):
    """Run the tool on a workload (a dict, or the name of a file); the Result."""
    with tempfile.TemporaryDirectory() as folder:
        path = workload
        if isinstance(workload, dict):
            path = os.path.join(folder, "workload.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(workload, file)
        done = subprocess.run(
            [tool, "--workload", path, "--json", "-", *[str(word) for word in arguments]],
            check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    if done.returncode != 0:
        raise AssertionError(f"baton-sim failed ({done.returncode}): {done.stderr}")
    return Result(done.stdout)


def hogs(count, seconds, **more):
    return {"global": {"duration": seconds},
            "tasks": {"hog": {"instance": count, "loop": -1, "run": 1000000, **more}}}


def weighted(weights, seconds):
    return {"global": {"duration": seconds},
            "tasks": {f"t{i}": {"weight": weight, "loop": -1, "run": 1000000}
                      for i, weight in enumerate(weights)}}


def water_fill(weights, cpus):
    """rate_i = min(1, w_i lambda), the rates summing to min(n, CPUs)."""
    if len(weights) <= cpus:
        return [1.0] * len(weights)
    full = set()
    while True:
        rest = sum(w for i, w in enumerate(weights) if i not in full)
        level = (cpus - len(full)) / rest
        more = {i for i, w in enumerate(weights) if i not in full and w * level > 1}
        if not more:
            return [1.0 if i in full else w * level for i, w in enumerate(weights)]
        full |= more


def f1_ns(result, rates):
    """The largest |fluid service - service| of any task: extremes are where stretches begin, end."""
    worst = 0.0
    for name, rate in rates.items():
        served = 0
        for start, end, _ in result.stretches(name):
            worst = max(worst, abs(rate * start - served))
            served += end - start
            worst = max(worst, abs(rate * end - served))
        worst = max(worst, abs(rate * result.wall_ns - served))
    return worst


def f2(result, rates):
    """The worst relative error of a share."""
    return max(abs(result.tasks[name]["cpu_ns"] / (rate * result.wall_ns) - 1)
               for name, rate in rates.items())


def judge(result, rates):
    """All the figures of eevdf.md, "Several CPUs"."""
    cpus = result.run["cpus"]
    return {
        "F1_ms": f1_ns(result, rates) / MS if "schedule" in result.json else None,
        "F2": f2(result, rates) if rates else None,
        "W1": result.run["unserved_idle_ns"] / (result.wall_ns * cpus),
        "W2_us": result.run["unserved_idle_max_ns"] / 1000,
        "F3": result.migrations() / (result.wall_ns / SECOND) / cpus,
    }
