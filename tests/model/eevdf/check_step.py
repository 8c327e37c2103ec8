#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""baton-step against the exact model: the same random operations, the same decisions.

usage: check_step.py BATON_STEP [--seeds N] [--operations N] [--first SEED] [--long]

Every pick and every "request done" must be the same, V and each lag equal to a millionth of a
nanosecond.  The failing seed and operation are printed.
--long: for traces of any length, against the model with 256 fraction bits.
"""

import argparse
import json
import random
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from exact import LongQueue, Queue  # noqa: E402

NICE = [88761, 71755, 29154, 9548, 3121, 1277, 1024, 1024, 1024, 820, 335, 110, 36, 15, 3, 2]
SLICES = [3000000, 3000000, 3000000, 100000, 700000, 1000001, 12345678, 100000000]
TOLERANCE_NS = 1e-6


def operations(rng, count, queue):
    """Yields (text, model result) pairs; the model chooses who may run."""
    known = 0
    for _ in range(count):
        done, left = False, None
        tids = list(queue.threads)
        kind = rng.random()
        if not tids or (kind < 0.12 and len(tids) < 12):
            known += 1
            weight, slice_ns = rng.choice(NICE), rng.choice(SLICES)
            lag = rng.choice([0, 0, 0, rng.randint(-3000000, 3000000), 1, -1])
            new = rng.random() < 0.2
            text = f"enqueue tid={known} weight={weight} slice_ns={slice_ns} lag_ns={lag}"
            text += " new=1" if new else ""
            queue.enqueue(known, weight, slice_ns, lag, new)
        elif kind < 0.80:
            tid = queue.pick()
            ns = rng.choice([rng.randint(1, 4000000), queue.left_ns(tid),
                             queue.threads[tid].slice_ns, 1, 1500000])
            text = f"run tid={tid} ns={ns}"
            done = queue.run(tid, ns)
        elif kind < 0.88:
            tid = rng.choice(tids)
            text = f"dequeue tid={tid}"
            left = queue.dequeue(tid)
        elif kind < 0.94:
            tid, weight = rng.choice(tids), rng.choice(NICE)
            text = f"reweight tid={tid} weight={weight}"
            queue.reweight(tid, weight)
        else:
            tid, slice_ns = rng.choice(tids), rng.choice(SLICES)
            text = f"slice tid={tid} slice_ns={slice_ns}"
            queue.slice(tid, slice_ns)
        yield text, {"pick": queue.pick(), "v": queue.v_ns(), "lags": queue.lags(), "done": done,
                     "left": left}


def close(a, b):
    return abs(a - float(b)) <= TOLERANCE_NS + abs(float(b)) * 1e-14


def differs(got, want):
    if got["pick"] != want["pick"]:
        return f"pick {got['pick']}, should be {want['pick']}"
    if got["request_done"] != want["done"]:
        return f"request_done {got['request_done']}, should be {want['done']}"
    if not close(got["v"], want["v"]):
        return f"v {got['v']}, should be {float(want['v'])}"
    if want["left"] is not None and not close(got["lag_ns"], want["left"]):
        return f"left with {got['lag_ns']}, should be {float(want['left'])}"
    lags = {int(tid): lag for tid, lag in got["lags_ns"].items()}
    if lags.keys() != want["lags"].keys():
        return f"threads {sorted(lags)}, should be {sorted(want['lags'])}"
    for tid, lag in lags.items():
        if not close(lag, want["lags"][tid]):
            return f"lag of {tid} {lag}, should be {float(want['lags'][tid])}"
    return None


def run_seed(step, seed, count, long):
    pairs = list(operations(random.Random(seed), count, LongQueue() if long else Queue()))
    text = "".join(line + "\n" for line, _ in pairs)
    result = subprocess.run([step, "--policy", "eevdf", "-"], input=text, text=True,
                            capture_output=True, check=False)
    lines = result.stdout.splitlines()
    for number, (line, want) in enumerate(pairs, 1):
        if number > len(lines):
            return f"line {number} ({line}): no answer; {result.stderr.strip()}"
        wrong = differs(json.loads(lines[number - 1]), want)
        if wrong:
            return f"line {number} ({line}): {wrong}"
    return None if result.returncode == 0 else result.stderr.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("step")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--operations", type=int, default=150)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--long", action="store_true")
    args = parser.parse_args()
    for seed in range(args.first, args.first + args.seeds):
        wrong = run_seed(args.step, seed, args.operations, args.long)
        if wrong:
            print(f"seed {seed}: {wrong}", file=sys.stderr)
            return 1
    print(f"{args.seeds} seeds of {args.operations} operations: same decisions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
