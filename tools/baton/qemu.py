# SPDX-License-Identifier: BSD-2-Clause
"""The emulator: its arguments from the board's data file, and a running guest as a stream of lines."""

import collections
import functools
import json
import os
import re
import selectors
import signal
import subprocess
import time

from term import Failure, say

TAIL_LINES = 30
# What the emulator says about the pacer of the virtual clock: a port without a cable is meant.
PACER_WARNING = re.compile(rb"warning: (hub port|netdev) pace has no peer")


# How long the virtual clock's turns are.  From 8.1 on the emulator divides the time until its next timer
# among all its CPUs, those that are off too; with so much for each, threads on several CPUs meet as often.
PACE_US = 10
PACE_SHARED_SINCE = (8, 1)
PACE_SHARED_US = 20
TESTED_SINCE = (7, 2)
VERSION_TIMEOUT_S = 10
END_TIMEOUT_S = 2


@functools.lru_cache(maxsize=None)
def emulator_version(program):
    """(major, minor); (0, 0) if it does not say."""
    try:
        said = subprocess.run([program, "--version"], check=False, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=VERSION_TIMEOUT_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"version (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class Board:
    """The data file of one board, boards/NAME/qemu.json."""

    def __init__(self, root, name):
        path = os.path.join(root, "boards", name, "qemu.json")
        try:
            with open(path, encoding="utf-8") as file:
                self.data = json.load(file)
        except FileNotFoundError:
            known = sorted(entry for entry in os.listdir(os.path.join(root, "boards"))
                           if os.path.exists(os.path.join(root, "boards", entry, "qemu.json")))
            raise Failure(f"there is no board {name!r}; there is: {', '.join(known)}") from None
        self.name = name

    def check(self, cpus, gic):
        most = self.data["cpus_max"]
        if not 1 <= cpus <= most:
            raise Failure(f"--cpus {cpus}: {self.name} has 1 to {most} CPUs")
        if gic not in self.data["gic_versions"]:
            raise Failure(f"--gic {gic}: {self.name} has versions "
                          f"{', '.join(map(str, self.data['gic_versions']))}")
        if cpus > self.data["gic_cpus_max"].get(str(gic), most):
            raise Failure(f"--cpus {cpus}: with GICv{gic} {self.name} has 1 to "
                          f"{self.data['gic_cpus_max'][str(gic)]} CPUs")

    def clock(self, clock, cpus):
        """
        The emulator's arguments for a clock.  host: the host's time; virtual CPUs run side by side.
        virtual: one guest instruction is one ns of guest time, whatever else the host does, so figures are
        exact and repeatable.  With several CPUs a periodic virtual timer makes the emulator share
        its time evenly among them; without it they starve each other.
        """
        if clock != "virtual" or cpus == 1:
            return self.data["clock"][clock]
        return [word.format(pace_us=self.pace_us(cpus)) for word in self.data["clock"]["virtual_several"]]

    def emulator(self):
        return os.environ.get("BATON_QEMU") or self.data["emulator"]

    def pace_us(self, cpus):
        shared = emulator_version(self.emulator()) >= PACE_SHARED_SINCE
        return PACE_SHARED_US * cpus if shared else PACE_US

    def command(self, values, sections=("console",), extra=(), clock="host"):
        """The command line.  `values` fills the data file's placeholders; None leaves a section out."""
        values = {**self.data["defaults"],
                  **{key: value for key, value in values.items() if value is not None}}
        template = list(self.data["arguments"]) + self.clock(clock, int(values["cpus"]))
        for section, key in (("archive", "archive"), ("bootargs", "bootargs")):
            if values.get(key):
                template += self.data[section]
        for section in sections:
            template += self.data[section]
        filled = [word.format(**values) for word in template]
        return [self.emulator(), *filled, *extra]


def warn_if_old(program):
    """A line if the emulator is older than those that boots were tested with; its own errors do not tell."""
    version = emulator_version(program)
    if (0, 0) < version < TESTED_SINCE:
        say(f"{program} is QEMU {version[0]}.{version[1]}; boots were tested with "
            f"{TESTED_SINCE[0]}.{TESTED_SINCE[1]} and later")


def end_emulator(process):
    """Ask first: one that is killed leaves the terminal as it had set it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


class Guest:
    """A running guest.  Iterate over lines(); afterwards `status` is the emulator's exit status."""

    def __init__(self, command, timeout_s=None):
        self.command = command
        self.deadline = time.monotonic() + timeout_s if timeout_s else None
        self.timed_out = False
        self.status = None
        self.tail = collections.deque(maxlen=TAIL_LINES)
        self.started = time.monotonic()
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as error:
            raise Failure(f"cannot start {command[0]}: {error.strerror}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def left_s(self):
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def wall_s(self):
        return time.monotonic() - self.started

    def lines(self):
        """Each console line, without its end; ends when the guest does or its time is over."""
        pending = b""
        pipe = self.process.stdout
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while not self.timed_out:
                if not ready.select(self.left_s()):
                    self.timed_out = True
                    break
                chunk = os.read(pipe.fileno(), 65536)
                if not chunk:
                    break
                *whole, pending = (pending + chunk).split(b"\n")
                for raw in whole:
                    if not PACER_WARNING.search(raw):
                        yield self.keep(raw)
                # A guest that never stops printing must not escape its time limit.
                self.timed_out = self.left_s() == 0.0
        if pending:
            yield self.keep(pending)
        self.finish()

    def keep(self, raw):
        line = raw.decode("utf-8", "replace").rstrip("\r")
        self.tail.append(line)
        return line

    def finish(self):
        if self.timed_out:
            self.kill()
            return
        try:
            self.status = self.process.wait(self.left_s())
        except subprocess.TimeoutExpired:
            self.timed_out = True
            self.kill()

    def kill(self):
        end_emulator(self.process)
        self.status = self.process.returncode
        self.process.stdout.close()


def describe_status(status):
    """The emulator's exit status in words."""
    if status is None:
        return "still running"
    if status < 0:
        return f"the emulator was ended by {signal.Signals(-status).name}"
    return f"exit status {status}"
