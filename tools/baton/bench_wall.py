# SPDX-License-Identifier: BSD-2-Clause
"""
Rows that are wall time: from the start of the emulator's process to the shell's first line, every
virtual CPU a host thread of its own.  Says something about the number of CPUs on one host, nothing
between hosts.
"""

import statistics
import tempfile

from qemu import Guest
from run import Machine
from term import Failure, say

PROMPT = 'Baton shell; "help" lists the commands'
CPUS = (64, 128)
RUNS = 5


def one_boot(machine, timeout):
    """Seconds to the prompt."""
    with Guest(machine.command("console"), timeout) as guest:
        for line in guest.lines():
            if PROMPT in line:
                return guest.wall_s()
        last = "".join(list(guest.tail)[-1:])
    raise Failure(f"{machine.cpus} CPUs did not come to the prompt; the last line: {last}")


def wall_rows(args):
    from cli import make_parser  # it imports us

    rows = []
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
