# SPDX-License-Identifier: BSD-2-Clause
"""The front door's commands and their options."""

import argparse
import math
import signal
import subprocess
import sys

from bench import bench
from run import debug, host_tool, run
from soak import ITEMS
from test import CHOICES, test
from trace import trace


BOARD_HELP = "the machine, a folder of boards/ (default qemu-virt)"
POLICY_HELP = "scheduling policy; an unknown one (\"list\") is answered with the known ones"

# Those of baton-sim that take a word: name, its metavar, help.
SIM_OPTIONS = (
    ("--policy", "NAME", POLICY_HELP),
    ("--place", "NAME", "placement policy (default: least_loaded, or the policy's own)"),
    ("--cpus", "N", "number of CPUs (default 4)"),
    ("--workload", "FILE.json", "the rt-app workload"),
    ("--json", "FILE", "write the results as JSON; -: to the standard output"),
    ("--trace", "FILE", "write a timeline, trace-event JSON for Perfetto and chrome://tracing"),
    ("--costs", "none|virtual|KEY=NS,...",
     "what scheduling costs; virtual: as on the virtual clock of a boot. Keys and their defaults: "
     "entry=300, decision=500, ipi=1000, switch=200, call=0; slice_min=20000, the shortest time that a "
     "decision is good for"),
    ("--seed", "S", "put what happens at once into another order (default 0: that of the causes)"),
    ("--duration", "SECONDS", "how long, instead of what the workload says"),
    ("--filter", "on|off", "wake filters (default on)"),
    ("--successor", "on|off", "successors (default on)"),
    ("--again", "on|off", "idling again without asking (default on)"),
)

STEP_OPERATIONS = """\
Prints what the policy decides after each operation, one JSON object a line:
  {"op":..., "pick":TID or null, "v":..., "lags_ns":{"TID": lag, ...},
   "request_done":...}

operations, one a line; # starts a comment:
  enqueue tid=N [weight=1024] [slice_ns=3000000] [lag_ns=0] [new=1]
          [class=normal|background] [priority=50]     background: weight 3
  run tid=N ns=N        the thread picked last ran for that long
  dequeue tid=N         prints the lag that it left with, too
  reweight tid=N weight=N
  slice tid=N slice_ns=N"""


TEST_SUITES = """\
without a SUITE, those that are quick:
  lint      the source tree        unit   portable parts, policies, tools
  model     small protocols, EEVDF against exact arithmetic
  sim       simulated machines     host   the portable kernel on host threads
  boot      the image in the emulator, release and debug build
and, when named:
  static    analysers              fuzz   what reads bytes from outside
  builds    other build options    sweep  one program on every machine
  matrix    machines, seeded bugs  coverage  of lines and branches

Each test has a name: meson test -C build --list tells them, and
meson test -C build NAME runs one; -C build-virt, or -C build-virt-debug,
those that boot.  docs/testing.md tells more."""


def tool_status(name, arguments, assume_yes):
    """Run a host program, compiled now; its exit status.  One that crashes does so in the policy, most
    likely: if it is there with checks too, they tell where."""
    status = subprocess.run([host_tool(name, assume_yes), *arguments], check=False).returncode
    if status >= 0:
        return status
    if -status not in CRASHES:
        return SHELL_SIGNAL - status
    print(f"baton: {name} was ended by {signal.Signals(-status).name}; a mistake in the policy, most likely",
          file=sys.stderr)
    if name in CHECKED:
        print(f"baton: the same with checks on ({name}-checked):", file=sys.stderr, flush=True)
        subprocess.run([host_tool(f"{name}-checked", assume_yes), *arguments],
                       stdout=subprocess.DEVNULL, check=False)
    return 1


def tool_command(name, spell):
    """A command that is a host program."""
    return lambda args: tool_status(name, spell(args), args.yes)


SHELL_SIGNAL = 128  # plus the signal: what a shell says of a program that one has ended
CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTRAP)
CHECKED = ("baton-sim",)  # built without the sanitizers, and once more with them


def option(name, value):
    return [name, str(value)] if value is not None else []


def spell_sim(args):
    words = [word for name, _, _ in SIM_OPTIONS for word in option(name, getattr(args, name[2:]))]
    return (words + (["--schedule"] if args.schedule else [])
            + ([f"--check={args.check}" if args.check else "--check"] if args.check is not None else [])
            + args.rest)


def seconds(text):
    value = float(text)
    if value < 0 or not math.isfinite(value):
        raise argparse.ArgumentTypeError("a time limit is 0 (none) or a number of seconds")
    return value


def times(text):
    value = float(text)
    if value <= 0 or not math.isfinite(value):
        raise argparse.ArgumentTypeError("how often is more than 0")
    return value


def add_machine_options(parser):
    parser.add_argument("--board", default="qemu-virt", metavar="NAME", help=BOARD_HELP)
    parser.add_argument("--cpus", type=int, metavar="N", help="number of CPUs (default 4)")
    parser.add_argument("--policy", metavar="NAME", help=POLICY_HELP + " (boot argument sched=)")
    parser.add_argument("--place", metavar="NAME", help="placement policy (boot argument place=)")
    parser.add_argument("--workload", metavar="FILE.json", help="run this rt-app workload")
    parser.add_argument("--run", dest="program", metavar="PROGRAM[,ARG...]",
                        help="run this program of the boot archive first, and end with its status")
    parser.add_argument("--add", action="append", default=[], metavar="[NAME=]FILE",
                        help="put this file into the boot archive too, or in another's place; "
                        "may be given more than once")
    parser.add_argument("--boot-arg", action="append", default=[], metavar="KEY=VALUE",
                        help="another boot argument, see servers/proc/README.md; may be given more than once")
    parser.add_argument("--gic", type=int, metavar="2|3", help="interrupt controller (default 3)")
    parser.add_argument("--cpu", metavar="MODEL", help="the emulator's CPU model")
    parser.add_argument("--el2", action="store_true", help="start the machine at EL2")
    parser.add_argument("--clock", choices=["virtual", "host"],
                        help="virtual: one instruction is 1 ns of guest time, so that figures are exact "
                        "and repeatable whatever the host does (the default for workloads); host: "
                        "the host's time, CPUs in parallel (the default for --shell and debug)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--release", dest="debug", action="store_false",
                      help="release build (the default)")
    kind.add_argument("--debug", dest="debug", action="store_true", help="build with assertions")
    parser.set_defaults(debug=False, qemu=[], shell=False)


def add_run(commands):
    parser = commands.add_parser("run", help="build, boot, run a workload",
                                 epilog="Words after -- go to the emulator as they are.")
    add_machine_options(parser)
    parser.add_argument("--shell", action="store_true", help="an interactive console instead")
    parser.add_argument("--trace", metavar="FILE",
                        help="record the schedule: trace-event JSON for Perfetto and chrome://tracing "
                        "goes to FILE, a summary to the terminal; nothing is lost, but a recorded "
                        "switch takes a bit longer (docs/tracing.md)")
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON")
    parser.add_argument("--timeout", type=seconds, metavar="S",
                        help="end the guest after so many seconds (default 300, 0: never)")
    parser.add_argument("--show-command", action="store_true", help="print the emulator's command")
    parser.set_defaults(action=run)
    return parser


def add_tools(commands):
    sim = commands.add_parser("sim", help="run a workload in the simulator")
    for name, metavar, text in SIM_OPTIONS:
        sim.add_argument(name, metavar=metavar, help=text, required=name in ("--policy", "--workload"))
    sim.add_argument("--schedule", action="store_true", help="add every stretch of running to --json")
    sim.add_argument("--check", nargs="?", const="", metavar="DECISIONS",
                     help="look at the invariants after every so many decisions (16; without --check "
                     "now and then)")
    sim.set_defaults(action=tool_command("baton-sim", spell_sim))
    step = commands.add_parser(
        "step", help="feed one run queue operations from a file",
        formatter_class=argparse.RawDescriptionHelpFormatter, description=STEP_OPERATIONS)
    step.add_argument("--policy", metavar="NAME", required=True, help=POLICY_HELP)
    step.add_argument("--dump", action="store_true",
                      help="after each operation how the policy describes its queue, on the standard error")
    step.add_argument("file", metavar="FILE", help="the operations; -: from the standard input")
    step.set_defaults(action=tool_command(
        "baton-step", lambda args: ["--policy", args.policy, *(["--dump"] if args.dump else []), args.file,
                                    *args.rest]))
    traces = commands.add_parser(
        "trace", help="convert and summarise a recorded trace",
        description="Shows what each task and CPU did: runs, run time, how long a task waited from "
        "when it could run until it did, migrations; and of each CPU how long it ran tasks, the "
        "scheduler, nothing.")
    traces.add_argument("file", help="a trace of `run --trace` or `sim --trace`, or the guest's own "
                        "recording")
    traces.add_argument("--output", "-o", metavar="FILE.json",
                        help="write it as trace-event JSON for Perfetto and chrome://tracing")
    traces.set_defaults(action=trace)
    return [sim, step, traces]


def make_parser():
    parser = argparse.ArgumentParser(
        prog="baton", description="Build, run and test Baton.",
        epilog="./baton COMMAND --help tells the options of one command.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    every = [add_run(commands)]
    tests = commands.add_parser(
        "test", help="run the tests: everything that is quick, or suites", epilog=TEST_SUITES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    tests.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(CHOICES))
    tests.add_argument("--soak", action="store_true",
                       help="the runs that take hours instead; SUITE is then one of: "
                       + ", ".join(ITEMS))
    tests.add_argument("--rounds", type=times, metavar="F",
                       help="with --soak: do F times as much (0.01 for a look; default 1)")
    tests.set_defaults(action=test)
    benches = commands.add_parser("bench", help="measure")
    benches.add_argument("--json", metavar="FILE", help="write the figures as JSON")
    benches.add_argument("--compare", metavar="OLD.json",
                         help="show what changed; fail if a row got worse by more than 3 %%")
    lengths = benches.add_mutually_exclusive_group()
    lengths.add_argument("--quick", action="store_true", help="one short run of each row")
    lengths.add_argument("--long", action="store_true",
                         help="one run of each row, thread_metric over 30 s of virtual time each")
    benches.add_argument("--only", metavar="ID", help="only rows whose id begins so")
    benches.add_argument("--breakdown", metavar="ID",
                         help="of one row (1 CPU): instructions by part of the system, barriers, atomics, "
                         "system registers, cache lines of code in one operation")
    benches.add_argument("--board", default="qemu-virt", metavar="NAME", help=BOARD_HELP)
    benches.add_argument("--timeout", type=seconds, default=1200, metavar="S",
                         help="end a boot after so many seconds (default 1200)")
    benches.set_defaults(action=bench)
    every += [tests, benches, *add_tools(commands)]
    debugger = commands.add_parser("debug", help="boot under gdb, stopped at the first instruction")
    add_machine_options(debugger)
    debugger.set_defaults(action=debug)
    every.append(debugger)
    for each in every:
        each.add_argument("--yes", "-y", action="store_true",
                          help="install missing packages without asking")
    return parser


def main(argv):
    """Split off what belongs to another program (after --), then do the command."""
    rest = []
    if "--" in argv:
        at = argv.index("--")
        argv, rest = argv[:at], argv[at + 1:]
    parser = make_parser()
    args = parser.parse_args(argv)
    args.rest = rest
    if hasattr(args, "qemu"):
        args.qemu = rest
    elif rest and args.command not in ("sim", "step", "trace"):
        parser.error(f"{args.command} takes nothing after --")
    return args.action(args)
