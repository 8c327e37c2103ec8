# SPDX-License-Identifier: BSD-2-Clause
"""`baton run`: build, boot, show, and judge what the guest did.  `baton debug` shares the first half."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import epitaph
import packages
import trace
from build import ROOT, BuildDir, commit
from console import Console, compare_digests
from files import check_outputs, write_whole
from qemu import Board, Guest, describe_status, end_emulator, warn_if_old
from term import EXIT_FAILED, EXIT_TIMEOUT, Failure, complain, not_built_yet, paint, say
from virtual import virtual_command

sys.path.insert(0, os.path.join(ROOT, "tools"))
import mkarchive  # noqa: E402  (a sibling program, not a module of this package)

KERNEL_IMAGE = "kernel/Image"
KERNEL_ELF = "kernel/kernel.elf"
SCHED_ELF = "servers/sched/sched"
BOOT_ARCHIVE = "boards/boot.cpio"
RECORDING = "recording.trace"
WORKLOAD_PROGRAM = "workload"
GDB_SOCKET = "gdb"
END_OF_INPUT = b"\x04"
STANDARD_TIMEOUT_S = 300
SOCKET_POLL_S = 0.02


def names_in(path, pattern):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return re.findall(pattern, file.read())


def check_names(args):
    """Names that the guest would replace by its defaults, with a line that scrolls away."""
    folder = "servers/sched/policy/"
    for option, name, known in (
            ("--policy", args.policy, names_in(folder + "registry.h", r"\bX\(([a-z]\w*)\)") + ["none"]),
            ("--place", args.place, names_in(folder + "place/place.c", r'\.name = "(\w+)"'))):
        if name is not None and name not in known:
            raise Failure(f"{option} {name}: unknown; known are: {' '.join(known)}")
    if args.program == "":
        raise Failure("--run wants the name of a program")
    if args.workload == "":
        raise Failure("--workload wants the name of a file")
    if args.workload and args.program and args.program.split(",")[0] != WORKLOAD_PROGRAM:
        raise Failure(f"--run {args.program}: {WORKLOAD_PROGRAM} is the program that runs the workload; "
                      "leave out --run or --workload")


def boot_arguments(args, scratch):
    """The boot arguments that the options ask for; they are listed in servers/proc/README.md."""
    words = []
    for key, value in (("sched", args.policy), ("place", args.place)):
        if value is not None:
            words.append(f"{key}={value}")
    program = "shell" if args.shell else args.program
    if program:
        words.append(f"run={program}")
    if getattr(args, "trace", None):
        words.append(f"trace={os.path.join(scratch, RECORDING)}")
    words += args.boot_arg
    for word in words:
        if any(character.isspace() for character in word) or "=" not in word:
            raise Failure(f"{word!r} is no boot argument: expected KEY=VALUE without white space")
    check_names(args)
    return " ".join(words)


def count(number, thing):
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def count_cpus(cpus):
    return count(cpus, "CPU")


def added_file(word):
    """--add: NAME=FILE, or FILE, which keeps its own name."""
    return word if "=" in word else f"{os.path.basename(word)}={word}"


class Machine:
    """A built image and boot archive, ready to be booted with the options of one command."""

    def __init__(self, args, scratch):
        self.args = args
        self.board = Board(ROOT, args.board)
        self.defaults = self.board.data["defaults"]
        self.cpus = args.cpus if args.cpus is not None else self.defaults["cpus"]
        self.gic = args.gic if args.gic is not None else self.defaults["gic"]
        self.board.check(self.cpus, self.gic)
        self.kind = "debug" if args.debug else "release"
        self.scratch = scratch
        self.bootargs = boot_arguments(args, scratch)

    def prepare(self, *groups):
        """Install, configure, compile, pack."""
        packages.require(packages.TARGET, packages.EMULATOR, *groups, assume_yes=self.args.yes)
        self.build = BuildDir(self.kind, self.args.board)
        self.build.compile()
        self.kernel = self.build.file(KERNEL_IMAGE)
        if not os.path.exists(self.kernel):
            raise not_built_yet(f"the kernel image ({KERNEL_IMAGE})")
        self.archive = self.build.file(BOOT_ARCHIVE)
        with open(self.archive, "rb") as file:
            self.entries = [(name, data) for name, data, _ in mkarchive.parse(file.read())]
        warn_if_old(self.board.emulator())
        specs = [added_file(word) for word in self.args.add]
        if self.args.workload:
            specs.append(f"workload.bwl={self.compile_workload()}")
        if specs:
            self.pack(specs)

    def compile_workload(self):
        """The workload file in the form that the guest reads."""
        source = os.path.abspath(self.args.workload)
        if not os.path.isfile(source):
            raise Failure(f"{self.args.workload}: no such file")
        compiler = host_tool("baton-workload", assume_yes=self.args.yes)
        compiled = os.path.join(self.scratch, "workload.bwl")
        done = subprocess.run([compiler, source, "-o", compiled, "--cpus", str(self.cpus)],
                              check=False)
        if done.returncode != 0:
            raise Failure(f"{self.args.workload}: not a workload that Baton can run on "
                          f"{count_cpus(self.cpus)} (see above)")
        return compiled

    def pack(self, specs):
        """Boot from a copy of the archive in which the files of `specs` are replaced or added."""
        try:
            self.entries = mkarchive.replace(self.entries, mkarchive.load_pairs(specs))
            self.archive = os.path.join(self.scratch, "boot.cpio")
            mkarchive.write_whole(self.archive, mkarchive.build(self.entries))
        except mkarchive.ArchiveError as error:
            raise Failure(f"boot archive: {error}") from None
        except OSError as error:
            raise Failure(f"boot archive: {error.filename}: {error.strerror}") from None

    def command(self, *sections):
        values = {
            "cpus": self.cpus, "gic": self.gic, "cpu": self.args.cpu,
            "virtualization": "on" if self.args.el2 else None,
            "kernel": self.kernel, "archive": self.archive, "bootargs": self.bootargs,
            "gdb_socket": os.path.join(self.scratch, GDB_SOCKET),
        }
        if self.args.clock == "virtual":
            return virtual_command(self.board, values, sections, self.args.qemu, self.scratch)
        return self.board.command(values, sections, self.args.qemu)

    def facts(self, command):
        """What the host knows about the run, for the results."""
        return {"commit": commit(), "board": self.args.board, "build": self.kind, "cpus": self.cpus,
                "clock": self.args.clock, "qemu": command}


def host_tool(name, assume_yes=False):
    """The path of a host program, compiled now; Failure if this version does not have it."""
    packages.require(packages.HOST, assume_yes=assume_yes)
    build = BuildDir("host")
    with build.locked():
        build.configure()
    folder = name.removeprefix("baton-").removesuffix("-checked")
    for target in (f"tools/{name}", f"tools/{folder}/{name}"):
        if build.has_target(target):
            build.compile(target)
            return build.file(target)
    raise not_built_yet(name)


def show(line):
    print(line, flush=True)


def follow(guest, console):
    for line in guest.lines():
        shown = console.feed(line)
        if shown is not None:
            show(shown)


def report_timeout(guest, args):
    over = f"the guest did not finish within {args.timeout:g} s and was ended (--timeout changes the limit). "
    if guest.tail:
        complain(over + "Its last lines:")
    else:
        complain(over + "It printed nothing"
                 + (f"; is {args.cpu} a CPU of 64 bits?" if args.cpu else ""))
    for line in guest.tail:
        print(f"    {line}", file=sys.stderr)


def check_digests(machine, console, wanted):
    """Compare the guest's digests; False if one differs, or if none came though one was wanted."""
    wrong = compare_digests(console.digests, machine.entries)
    for text in wrong:
        say(f"{paint('DIFFERENT', '1;31')}  {text}")
    if wanted and not console.digests:
        complain("the standard workload printed no digest of the files that it read")
        return False
    if console.digests and not wrong:
        say(f"{paint('same', '32')}: the SHA-256 of {count(len(console.digests), 'file')} of the boot "
            "archive, in the guest and on the host")
    return not wrong


def write_results(machine, console, command, path):
    document, problem = console.results()
    if problem:
        complain(f"{problem}; {path} was not written")
        return False
    document.setdefault("schema", 1)
    run = document.setdefault("run", {})
    for key, value in machine.facts(command).items():
        if key != "cpus" or key not in run:
            run[key] = value
    text = json.dumps(document, indent=2) + "\n"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise Failure(f"--json {path}: {error.strerror}") from None
    return True


def name_addresses(machine, lines, elf):
    for text in epitaph.named(lines, epitaph.symbols(machine.build.file(elf))):
        print(f"    {text}", file=sys.stderr)


def judge(machine, guest, console, command):
    """The exit status of the command: 0 only if everything asked for happened."""
    args = machine.args
    standard = not (args.workload or args.program)
    if guest.timed_out:
        report_timeout(guest, args)
        return EXIT_TIMEOUT
    right = True
    if guest.status != 0:
        complain(f"the guest failed: {describe_status(guest.status)}")
        right = False
    if console.panics:
        complain(f"the kernel panicked: {console.panics[0]}")
        name_addresses(machine, console.epitaph, KERNEL_ELF)
        right = False
    if console.faults:
        complain("the scheduler server faulted:")
        name_addresses(machine, console.faults, SCHED_ELF)
    if console.given_up and not args.program:
        complain("the kernel's rotation stayed in charge: the policy failed too often (see above), and the "
                 "figures are not its own")
        right = False
    right = check_digests(machine, console, wanted=standard and right) and right
    if args.json:
        right = write_results(machine, console, command, args.json) and right
    if right:
        say(f"{paint('finished', '32')} after {guest.wall_s():.1f} s: the guest ended with status 0")
    return 0 if right else EXIT_FAILED


def type_all(source, guest):
    """Type what `source` holds into the guest's console, then the end of the input (Ctrl-D)."""
    with contextlib.suppress(OSError):
        while chunk := os.read(source, 4096):
            os.write(guest, chunk)
        os.write(guest, END_OF_INPUT)


def interactive(command):
    """The console belongs to the person; nothing is filtered and nothing limits the time."""
    say("console: Ctrl-A X ends the machine, Ctrl-A C is the emulator's monitor")
    try:
        # The emulator does not pass on the end of its input, so what is no terminal is typed in.
        typed = None if packages.has_person() else subprocess.PIPE
        with subprocess.Popen(command, stdin=typed) as guest:
            try:
                if typed:
                    threading.Thread(target=type_all, args=(0, guest.stdin.fileno()),
                                     daemon=True).start()
                status = guest.wait()
            finally:
                end_emulator(guest)
    except OSError as error:
        raise Failure(f"cannot start {command[0]}: {error.strerror}") from None
    if status != 0:
        complain(f"the guest failed: {describe_status(status)}")
        return EXIT_FAILED
    return 0


def keep_trace(machine, names):
    """Turn the recording into the file that was asked for, also of a guest that failed."""
    path = machine.args.trace
    try:
        timeline = trace.read(os.path.join(machine.scratch, RECORDING), names)
        trace.write(timeline, path)
    except Failure as failure:
        complain(f"--trace {path}: {failure}")
        return EXIT_FAILED
    print("\n".join(trace.summary(timeline)))
    say(f"wrote {path}: open it at https://ui.perfetto.dev or chrome://tracing")
    return 0


def run(args):
    if args.shell and (args.json or args.workload or args.program):
        raise Failure("--shell is the console alone: it goes with neither --json, --workload nor --run")
    check_outputs(("--json", args.json), ("--trace", args.trace), inputs=(("--workload", args.workload),))
    if args.timeout is None:
        args.timeout = STANDARD_TIMEOUT_S
    with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
        args.clock = args.clock or ("host" if args.shell else "virtual")
        machine = Machine(args, scratch)
        machine.prepare()
        command = machine.command("console_interactive" if args.shell else "console")
        say(f"booting {args.board}: {count_cpus(machine.cpus)}, GICv{machine.gic}, {machine.kind} build"
            + (f", boot arguments: {machine.bootargs}" if machine.bootargs else ""))
        if args.show_command:
            say(shlex.join(command))
        if args.shell:
            status = interactive(command)
            return status or (keep_trace(machine, {}) if args.trace else 0)
        console = Console()
        with Guest(command, args.timeout) as guest:
            follow(guest, console)
            status = judge(machine, guest, console, command)
        if args.trace:
            status = keep_trace(machine, console.threads) or status
        return status


def wait_for_gdb_socket(emulator, path):
    """Until it is there; Failure if the emulator ends instead (it has said why)."""
    while not os.path.exists(path):
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise Failure(f"the emulator did not start: {describe_status(emulator.wait(SOCKET_POLL_S))}")


@contextlib.contextmanager
def interrupts_for_the_child():
    """Ctrl-C reaches everybody at the terminal; a debugger stops the guest by it, and is not to end by it."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def debug(args):
    """The emulator stopped at its first instruction, and gdb attached to it."""
    commands = os.path.join(ROOT, "tools", "gdb", "baton.py")
    if not os.path.exists(commands):
        raise not_built_yet("debug")
    if not shutil.which("gdb-multiarch"):
        packages.require(packages.DEBUGGER, assume_yes=args.yes)
    args.debug = True
    args.clock = args.clock or "host"
    with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
        machine = Machine(args, scratch)
        machine.prepare(packages.DEBUGGER)
        log, socket = os.path.join(scratch, "console.log"), os.path.join(scratch, GDB_SOCKET)
        command = machine.command("stopped") + ["-serial", f"file:{log}"]
        say(f"the guest's console is in {log}; `help baton` lists the kernel-aware commands")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as emulator:
            try:
                wait_for_gdb_socket(emulator, socket)
                with interrupts_for_the_child():
                    return subprocess.run(
                        ["gdb-multiarch", "-q", machine.build.file(KERNEL_ELF),
                         "-ex", f"target remote {socket}", "-x", commands],
                        check=False).returncode
            finally:
                end_emulator(emulator)
