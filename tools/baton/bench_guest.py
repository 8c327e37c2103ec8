# SPDX-License-Identifier: BSD-2-Clause
"""The machine that runs the guest's program `bench`, and the rows that it prints."""

from bench_rows import MODES, parse_line
from qemu import describe_status
from run import Machine
from term import complain
from virtual import virtual_command

CLOCK_NODE = "/pl031"  # the device whose interrupt is measured


def words_of(args, *more):
    """What the program in the guest is told."""
    return [*more, *(["quick"] if args.quick else []), *(["long"] if args.long else []),
            *([f"only={args.only.split('.')[0]}"] if args.only else [])]


def machine_of(args, cpus, scratch, run, *more):
    """A machine of the release build, as `baton run --run RUN MORE...` makes it; not prepared yet."""
    from cli import make_parser  # it imports us

    options = make_parser().parse_args(["run", "--board", args.board, "--cpus", str(cpus), "--run", run,
                                        *more])
    options.yes = args.yes
    return Machine(options, scratch)


def counting_machine(args, cpus, scratch, mode, words):
    """One that is booted for the rows of a mode, whose program is told `words`."""
    boot_args = (f"device=bench:{CLOCK_NODE}", *MODES[mode].boot_args)
    return machine_of(args, cpus, scratch, ",".join(["bench", *([mode] if mode else []), *words]),
                      *(word for argument in boot_args for word in ("--boot-arg", argument)))


def counting_command(machine, scratch):
    """The emulator's command for a machine that counts instructions."""
    values = {"cpus": machine.cpus, "memory": "1G", "kernel": machine.kernel,
              "archive": machine.archive, "bootargs": machine.bootargs}
    return virtual_command(machine.board, values, ("console",), (), scratch)


def rows_of(guest, what):
    """(rows that the guest prints, whether it ended well); if it did not, says so of `what`."""
    rows = [found for found in map(parse_line, guest.lines()) if found]
    if not guest.timed_out and guest.status == 0:
        return rows, True
    how = "not finished in time" if guest.timed_out else describe_status(guest.status)
    complain(f"{what} ended early: {how}. The last lines:")
    for line in list(guest.tail)[-5:]:
        complain(f"    {line}")
    return rows, False
