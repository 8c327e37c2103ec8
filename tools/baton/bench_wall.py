# SPDX-License-Identifier: BSD-2-Clause
"""
Rows that are wall time, every virtual CPU a host thread of its own: from the start of the emulator's
process to the shell's first line, and what pairs that talk get done on two CPUs.  They say something about
the number of CPUs on one host, nothing between hosts.
"""

import statistics
import tempfile

from bench_rows import parse_line
from qemu import Guest
from run import Machine
from term import Failure, say

PROMPT = 'Baton shell; "help" lists the commands'
CPUS = (64, 128)
PAIR_CPUS = 2
RUNS = 5


def one_boot(machine, timeout):
    """Seconds to the prompt."""
    with Guest(machine.command("console"), timeout) as guest:
        for line in guest.lines():
            if PROMPT in line:
                return guest.wall_s()
        last = "".join(list(guest.tail)[-1:])
    raise Failure(f"{machine.cpus} CPUs did not come to the prompt; the last line: {last}")


def guest_rows(args, cpus):
    """The rows that the program in the guest measures with the host's clock."""
    from cli import make_parser  # it imports us

    words = ["bench", "wall"] + (["quick"] if args.quick else []) + (
        [f"only={args.only.split('.')[0]}"] if args.only else [])
    defaults = make_parser().parse_args(["run", "--board", args.board, "--cpus", str(cpus), "--clock", "host",
                                         "--run", ",".join(words)])
    defaults.yes = args.yes
    rows = []
    with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
        machine = Machine(defaults, scratch)
        machine.prepare()
        say(f"measuring with the host's clock on {cpus} CPUs")
        with Guest(machine.command("console"), args.timeout) as guest:
            for line in guest.lines():
                found = parse_line(line)
                if found:
                    rows.append(found)
            if guest.timed_out or guest.status != 0:
                raise Failure(f"the measurements with the host's clock ended early; the last line: "
                              f"{''.join(list(guest.tail)[-1:])}")
    return rows


def wall_rows(args):
    from cli import make_parser  # it imports us

    rows = guest_rows(args, PAIR_CPUS)
    for cpus in CPUS:
        identity = f"boot_{cpus}_wall"
        if args.only and not identity.startswith(args.only):
            continue
        say(f"measuring the boot of {cpus} CPUs")
        defaults = make_parser().parse_args(["run", "--board", args.board, "--cpus", str(cpus), "--clock",
                                             "host", "--run", "shell"])
        defaults.yes = args.yes
        with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
            machine = Machine(defaults, scratch)
            machine.prepare()
            times = [one_boot(machine, args.timeout) for _ in range(1 if args.quick else RUNS)]
        rows.append({"id": identity, "unit": "s", "n": len(times), "min": min(times),
                     "median": statistics.median(times), "max": max(times),
                     "note": "(wall time, the emulator's threads on this host)"})
    return rows
