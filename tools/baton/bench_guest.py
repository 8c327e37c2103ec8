# SPDX-License-Identifier: BSD-2-Clause
"""The machine that runs the guest's program `bench`, and the rows that it prints."""

from bench_rows import parse_line
from qemu import describe_status
from run import Machine
from term import complain
from virtual import virtual_command

CLOCK_NODE = "/pl031"  # the device whose interrupt is measured


def words_of(args, *more):
    """What the program in the guest is told."""
    return [*more, *(["quick"] if args.quick else []),
            *([f"only={args.only.split('.')[0]}"] if args.only else [])]


def machine_of(args, cpus, scratch, run, *more):
    """A machine of the release build, as `baton run --run RUN MORE...` makes it; not prepared yet."""
    from cli import make_parser  # it imports us

    options = make_parser().parse_args(["run", "--board", args.board, "--cpus", str(cpus), "--run", run,
                                        *more])
    options.yes = args.yes
    return Machine(options, scratch)


def counting_machine(args, cpus, scratch, words):
    """One whose program is told `words`; "asked": without successors, so every block asks the dispatcher."""
    return machine_of(args, cpus, scratch, ",".join(["bench", *words]),
                      "--boot-arg", f"device=bench:{CLOCK_NODE}",
                      *(["--boot-arg", "sched.successor=off"] if "asked" in words else []))


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
