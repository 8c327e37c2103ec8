# SPDX-License-Identifier: BSD-2-Clause
"""`baton bench`: boots the release image under instruction counting and shows what operations cost.

The guest's program `bench` prints one line for each figure: bench_rows.py.
"""

import json
import tempfile

from bench_count import breakdown
from bench_guest import counting_command, counting_machine, rows_of, words_of
from bench_rows import BOOTS, MODES, ROWS, wanted
from bench_size import UNIT as LINES, size_rows
from bench_wall import wall_rows
from files import check_outputs, write_whole
from qemu import Guest
from term import EXIT_FAILED, Failure, complain, paint, say

WORSE = 1.03
GRAIN = 0.001  # figures below it are taken as equal


# --- Figures ---

def boot(args, cpus, mode):
    """The rows of one boot, the facts about it, and whether all went well."""
    with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
        machine = counting_machine(args, cpus, scratch, mode, words_of(args))
        machine.prepare()
        command = counting_command(machine, scratch)
        facts = machine.facts(command)  # now: the tree may change while the guest runs
        say(f"measuring on {cpus} CPU{'s' if cpus > 1 else ''}{MODES[mode].text}")
        sizes = size_rows(machine) if cpus == 1 and not mode else []
        with Guest(command, args.timeout) as guest:
            rows, right = rows_of(guest, f"the measurements on {cpus} CPUs")
        return sizes + rows, facts, right


# --- Showing and comparing ---

def number(value):
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def table(rows, wanted):
    """Lines: every known row, measured or not."""
    found = {row["id"]: row for row in rows}
    lines = [("id", "unit", "min", "median", "max", "must", "dream", "seL4", "Linux")]
    notes = []
    for known in ROWS:
        got = found.pop(known.id, None)
        if wanted and not known.id.startswith(wanted):
            continue
        if got is None:
            notes.append(f"{known.id}: not measured: see the messages above")
            continue
        lines.append((known.id, got["unit"], number(got["min"]), number(got["median"]),
                      number(got["max"]), known.must, known.dream, known.sel4, known.linux))
        if got.get("note"):
            notes.append(f"{known.id}: {got['note']}")
    for got in found.values():
        lines.append((got["id"], got["unit"], number(got["min"]), number(got["median"]),
                      number(got["max"]), "", "", "", ""))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    shown = ["  ".join(cell.ljust(width) if i < 2 or i > 6 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
             for line in lines]
    return shown + [""] + notes


def is_worse(known, old, new):
    """By more than 3 %: less is better, or, where there is an ideal, nearer to it."""
    if known is not None and known.ideal is not None:
        return abs(new - known.ideal) > abs(old - known.ideal) + (WORSE - 1) * known.ideal
    return new > old * WORSE + GRAIN


def compare(old_rows, new_rows):
    """(lines, ids of rows that got worse)."""
    known = {row.id: row for row in ROWS}
    old = {row["id"]: row for row in old_rows}
    lines, worse = [], []
    for row in new_rows:
        before = old.get(row["id"])
        if before is None:
            lines.append(f"{row['id']:32} {number(row['median']):>12}  (not measured before)")
            continue
        # More lines may be better ones.
        bad = row["unit"] != LINES and is_worse(known.get(row["id"]), before["median"], row["median"])
        ratio = f"{row['median'] / before['median']:.3f}" if before["median"] else "-"
        lines.append(f"{row['id']:32} {number(before['median']):>12} -> {number(row['median']):>12}"
                     f"  x {ratio}" + ("  " + paint("WORSE", "1;31") if bad else ""))
        if bad:
            worse.append(row["id"])
    for identity in old.keys() - {row["id"] for row in new_rows}:
        lines.append(f"{identity:32} not measured this time")
    return lines, worse


def read_results(path):
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        rows = document["rows"]
        for row in rows:
            row["id"], float(row["median"])  # pylint: disable=pointless-statement
        return rows
    except OSError as error:
        raise Failure(f"--compare {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise Failure(f"--compare {path}: no results of baton bench") from None


def write_json(path, run, rows):
    text = json.dumps({"schema": 1, "run": run, "rows": rows}, indent=2) + "\n"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise Failure(f"--json {path}: {error.strerror}") from None


def check_rows(args):
    ids = [known.id for known in ROWS]
    for option, word, fits in (("--only", args.only, str.startswith),
                               ("--breakdown", args.breakdown, str.__eq__)):
        if word is not None and not any(fits(identity, word) for identity in ids):
            raise Failure(f"{option} {word}: no such row; there is: {' '.join(ids)}")


def bench(args):
    check_rows(args)
    check_outputs(("--json", args.json))
    if args.breakdown:
        rows, run = breakdown(args)
        if args.json:
            write_json(args.json, run, rows)
        return 0
    old = read_results(args.compare) if args.compare else None
    rows, run, right = [], {}, True
    for cpus, mode in BOOTS:
        if run and not wanted(args.only, mode):
            continue  # but never the first, which says what machine it is
        got, facts, well = boot(args, cpus, mode)
        rows += got
        run = {**facts, "quick": args.quick, "cpus": sorted({cpus for cpus, _ in BOOTS})} if not run else run
        run.setdefault("commands", {})[f"{cpus} {mode}".strip()] = facts["qemu"]
        right = right and well
    rows += wall_rows(args) if right and wanted(args.only, "wall") else []
    run.pop("qemu", None)
    if args.only:
        rows = [row for row in rows if row["id"].startswith(args.only)]
    for line in table(rows, args.only):
        print(line)
    if args.json:
        write_json(args.json, run, rows)
    worse = []
    if old is not None:
        if args.only:
            old = [row for row in old if row["id"].startswith(args.only)]
        lines, worse = compare(old, rows)
        print("\n".join(lines))
        if worse:
            complain(f"worse by more than 3 %: {', '.join(worse)}")
    return 0 if right and not worse else EXIT_FAILED
