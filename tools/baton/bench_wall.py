# SPDX-License-Identifier: BSD-2-Clause
"""
Rows that are wall time, every virtual CPU a host thread of its own: from the start of the emulator's
process to the shell's first line, and what pairs that talk get done on two CPUs.  They say something about
the number of CPUs on one host, nothing between hosts.
"""

import statistics
import tempfile

from bench_guest import machine_of, rows_of, words_of
from qemu import Guest
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
    with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
        machine = machine_of(args, cpus, scratch, ",".join(words_of(args, "bench", "wall")),
                             "--clock", "host")
        machine.prepare()
        say(f"measuring with the host's clock on {cpus} CPUs")
        with Guest(machine.command("console"), args.timeout) as guest:
            rows, right = rows_of(guest, "the measurements with the host's clock")
    if not right:
        raise Failure("the guest did not measure with the host's clock")
    return rows


def wall_rows(args):
    rows = guest_rows(args, PAIR_CPUS)
    for cpus in CPUS:
        identity = f"boot_{cpus}_wall"
        if args.only and not identity.startswith(args.only):
            continue
        say(f"measuring the boot of {cpus} CPUs")
        with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
            machine = machine_of(args, cpus, scratch, "shell", "--clock", "host")
            machine.prepare()
            times = [one_boot(machine, args.timeout) for _ in range(1 if args.quick else RUNS)]
        rows.append({"id": identity, "unit": "s", "n": len(times), "min": min(times),
                     "median": statistics.median(times), "max": max(times),
                     "note": "(wall time, the emulator's threads on this host)"})
    return rows
