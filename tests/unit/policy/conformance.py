#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite as a table: every policy times every scenario.

usage: conformance.py TEST_POLICY_CONFORMANCE BATON_SIM [--update]

The scenarios of one queue are those of test_conformance.c, with check() after each step; a row "+offers"
is the policy asked for a wake filter and a successor with each decision, and the simulated kernel heeding
them.  Those of a machine are the workloads of tests/sim/golden, simulated with the invariant checker after
each decision, free of costs and with the usual ones.  A cell is the number of steps that were checked
(queue) or "ok"; DIFF: the schedule is not the one that is written down in conformance.txt or
tests/sim/golden; FAIL: a rule was broken, or the policy crashed; new: nothing is written down; "-": not for
this policy, or not tried because one above it failed.  Exit status 0 if there is no DIFF and no FAIL.
--update writes the schedules of queues down.
"""

import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "conformance.txt")
sys.path.insert(0, os.path.join(HERE, "..", "..", "sim"))
import golden  # noqa: E402


def queues(program):
    """{(row, scenario): (steps, digest), None if it failed}, scenarios and policies in order, what went
    wrong."""
    done = subprocess.run([program, "--filter", "conformance/*"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    cells, scenarios, policies = {}, [], []
    for line in done.stdout.splitlines():
        kind, *words = line.split() or [""]
        if kind not in ("play", "cell"):
            continue
        result = (int(words.pop(2)), words.pop(2)) if kind == "cell" else None
        policy, scenario, *offers = words
        row = policy + (" +offers" if offers else "")
        cells[row, scenario] = result
        if row not in policies:
            policies.append(row)
        if scenario not in scenarios:
            scenarios.append(scenario)
    return cells, sorted(scenarios), policies, done.stderr if done.returncode != 0 else ""


def written():
    with open(GOLDEN, encoding="utf-8") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    return {(policy, scenario): digest for policy, scenario, digest in rows}


def update(cells):
    with open(GOLDEN, "w", encoding="utf-8") as file:
        file.write("# SPDX-License-Identifier: BSD-2-Clause\n"
                   "# Schedules of test_conformance.c: policy, scenario, digest of every pick.\n")
        for (row, scenario), result in sorted(cells.items()):
            if "+" not in row and result is not None:
                file.write(f"{row} {scenario} {result[1]}\n")


def queue_cell(cells, goldens, row, scenario):
    policy = row.split()[0]
    if (row, scenario) not in cells:
        return "-"
    if cells[row, scenario] is None:
        return "FAIL"
    steps, digest = cells[row, scenario]
    if (policy, scenario) not in goldens:
        return "new"
    return str(steps) if goldens[policy, scenario] == digest else "DIFF"


def machine_cell(tool, row, column):
    """A row without "+offers" of a policy that makes some is the kernel that asks for none."""
    policy, *offers = row.split()
    name, costs = column.split(".")
    off = policy in golden.OFFERING and not offers
    if off and costs == "usual":
        costs = "off"
    for case in golden.CASES:
        if (case[0], case[1], case[3]) != (name, policy, costs):
            continue
        try:
            found = golden.schedule(tool, *case, *(golden.OFF if off else []))
        except subprocess.CalledProcessError:
            return "FAIL"
        with open(golden.path_of(*case), encoding="utf-8") as file:
            return "ok" if file.read() == found else "DIFF"
    return "-"


def show(columns, rows):
    for number, column in enumerate(columns, 1):
        print(f"{number:3} {column}")
    print("\n" + " " * 14 + "".join(f"{number:>7}" for number in range(1, len(columns) + 1)))
    for row, cells in rows.items():
        print(f"{row:14}" + "".join(f"{cell:>7}" for cell in cells))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("sim")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    cells, scenarios, policies, wrong = queues(args.program)
    if args.update:
        update(cells)
    goldens = written()
    machines = list(dict.fromkeys(f"{name}.{costs}" for name, _, _, costs in golden.CASES
                                  if costs != "off"))
    rows = {row: [queue_cell(cells, goldens, row, scenario) for scenario in scenarios] +
                 [machine_cell(args.sim, row, column) for column in machines]
            for row in policies}
    show(scenarios + machines, rows)
    bad = [cell for row in rows.values() for cell in row if cell in ("FAIL", "DIFF")]
    if wrong:
        print(wrong, file=sys.stderr)
    print(f"\n{len(rows)} rows, {sum(len(row) for row in rows.values())} cells, {len(bad)} bad")
    return 1 if bad or wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
