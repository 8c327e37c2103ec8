# SPDX-License-Identifier: BSD-2-Clause
"""
`baton test --soak`: what takes hours.  Many short runs, one after another, each counted; a run that
fails shows its output and how to repeat it.  --rounds F multiplies every count (0.01 for a look).

  M16_boots       1,000 boots of the console's first program on 1, 2, 3, 4 and 8 CPUs
  guest_storms    the program t_storm as often and as long as its rows say, on 1, 2, 3, 4 and 8 CPUs
  M28_storms      the host kernel under the race detector, 10^7 rounds in all, a new seed each time
  M28_interleavings  100,000 seeds that hold CPUs at atomic operations; a failure is made small
                  (the first seed of both is the time in seconds: each soak has others)
  Z24_protocols   every interleaving, the long scenarios included
  P06_eevdf       100 seeds of 10^6 random operations against the exact model
  fuzz            half an hour on each fuzz target; the next soak goes on from what was found
"""

import glob
import os
import subprocess
import sys
import time

import packages
from build import ROOT, BuildDir
from term import EXIT_FAILED, say

CPUS = (1, 2, 3, 4, 8)
BOOTS = 1000
STORM_DECISIONS = 1_000_000
STORM_MS = 15_000
STORM_WAKES = 1_000_000
STORM_ROUNDS = 10_000_000
STORM_ROUNDS_EACH = 100_000
STORM_SEEDS = 100_000
STORM_SEEDS_EACH = 1000
EEVDF_SEEDS = 100
EEVDF_OPERATIONS = 1_000_000
FUZZ_SECONDS = 1800
SAY_EVERY_S = 20
RUN_LIMIT_S = 3600


def boots(rounds):
    runner = [os.path.join(ROOT, "baton"), "run", "--yes", "--run", "hello", "--timeout", "120"]
    for i in range(max(1, int(BOOTS * rounds))):
        clock = "virtual" if i // len(CPUS) % 2 else "host"
        yield runner + ["--cpus", str(CPUS[i % len(CPUS)]), "--clock", clock]


def guest_storms(rounds):
    for cpus in CPUS:
        counts = (STORM_DECISIONS, STORM_MS, STORM_WAKES // cpus)
        storm = ",".join(["t_storm", *(str(max(1, int(count * rounds))) for count in counts)])
        yield [os.path.join(ROOT, "baton"), "run", "--yes", "--run", storm, "--cpus", str(cpus),
               "--clock", "virtual", "--timeout", str(RUN_LIMIT_S)]


def storms(rounds):
    storm = BuildDir("host").file("tests", "host_kernel", "storm", "test_storm_race")
    first = int(time.time())
    for seed in range(first, first + max(1, int(STORM_ROUNDS * rounds) // STORM_ROUNDS_EACH)):
        yield [storm, str(STORM_ROUNDS_EACH), str(seed)]


def interleavings(rounds):
    storm = BuildDir("host").file("tests", "host_kernel", "storm", "test_storm_seeded")
    start = int(time.time())
    for first in range(start, start + max(1, int(STORM_SEEDS * rounds)), STORM_SEEDS_EACH):
        yield [storm, "--seeds", str(first), str(first + STORM_SEEDS_EACH - 1)]


def protocols(_rounds):
    yield [BuildDir("host").file("tests", "model", "protocol", "protocol"), "--all"]


def eevdf(rounds):
    random = BuildDir("host").file("tests", "model", "eevdf", "eevdf-random")
    for seed in range(EEVDF_SEEDS):
        yield [random, "1", str(max(1000, int(EEVDF_OPERATIONS * rounds))), str(seed), "exact"]


def fuzz(rounds):
    folder = os.path.join(ROOT, "tests", "fuzz")
    for source in sorted(glob.glob(os.path.join(folder, "fuzz_*.c"))):
        target = os.path.basename(source)[len("fuzz_"):-len(".c")]
        yield [sys.executable, "-B", os.path.join(folder, "run.py"), "--build", BuildDir("host").path,
               "--soak", "--seconds", str(max(1, int(FUZZ_SECONDS * rounds))), target]


ITEMS = {"M16_boots": boots, "guest_storms": guest_storms, "M28_storms": storms,
         "M28_interleavings": interleavings, "Z24_protocols": protocols, "P06_eevdf": eevdf,
         "fuzz": fuzz}


def run_all(name, commands, failures):
    """Run them one after another; how many passed."""
    commands = list(commands)
    passed = 0
    said = time.monotonic()
    say(f"{name}: {len(commands)} runs")
    for number, command in enumerate(commands, 1):
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                                  timeout=RUN_LIMIT_S)
            status, output = done.returncode, done.stdout
        except subprocess.TimeoutExpired:
            status, output = "none in an hour", ""
        if status == 0:
            passed += 1
        else:
            failures.append(f"{name}: status {status}: {' '.join(command)}")
            print(output[-4000:], flush=True)
        if time.monotonic() - said > SAY_EVERY_S:
            said = time.monotonic()
            say(f"{name}: {number} of {len(commands)}, {number - passed} failed")
    return passed


def soak(args):
    packages.require(packages.HOST, packages.TARGET, packages.EMULATOR, packages.FUZZ, assume_yes=args.yes)
    for kind in ("host", "release"):
        BuildDir(kind).compile()
    failures = []
    passed = 0
    wanted = args.suites or list(ITEMS)
    for name in wanted:
        passed += run_all(name, ITEMS[name](args.rounds or 1.0), failures)
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{passed} passed, {len(failures)} failed", flush=True)
    return EXIT_FAILED if failures or not passed else 0
