#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boot an image in the emulator and turn what it says into TAP.

TAP lines on the guest's console ("1..N", "ok", "not ok", "Bail out!", "#") become the test's TAP lines,
numbered anew; other console lines become comments.  The runner adds cases of its own, one for each
boot: that the guest kept its plan and ended with the expected status, and, where asked, that a text
was on the console.  A kernel panic that was not expected, and a guest that does not finish, fail.

Bad at: telling a hang from slowness.  The time limit is for both.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "baton"))

from console import MISUSE, PANIC  # noqa: E402
from qemu import Board, Guest, describe_status  # noqa: E402
from virtual import virtual_command  # noqa: E402
from term import Failure  # noqa: E402

PLAN = re.compile(r"^1\.\.(\d+)\b")
CASE = re.compile(r"^(not ok|ok)(?:\s+\d+)?(?:\s+(?:-\s*)?(.*))?$")
# A CPU in user mode sees no kernel memory through gdb: choose one that is in the kernel.
KERNEL_THREAD = ("[[t.switch() for t in gdb.selected_inferior().threads() if t.num == n] for n in "
                 "[t.num for t in gdb.selected_inferior().threads() "
                 "if t.switch() or gdb.selected_frame().pc() >> 63][:1]]")
BAIL_OUT = re.compile(r"^Bail out!")


def status_right(status, wanted):
    """`wanted`: a number, several of them, or "fail"."""
    if wanted == "fail":
        return status != 0
    return status in wanted if isinstance(wanted, tuple) else status == int(wanted)


class Tap:
    """Prints TAP on standard output, numbered through all boots of this test."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def case(self, right, name):
        self.count += 1
        self.failed += not right
        print(f"{'ok' if right else 'not ok'} {self.count} - {name}", flush=True)

    def comment(self, text):
        print(f"# {text}", flush=True)

    def bail_out(self, why):
        print(f"Bail out! {why}", flush=True)

    def plan(self):
        print(f"1..{self.count}", flush=True)


class Boot:
    """One boot: reads the console, then judges the whole."""

    def __init__(self, args, tap):
        self.args = args
        self.tap = tap
        self.planned = None
        self.seen = 0
        self.bailed_out = None
        self.panics = []
        self.misuses = []
        self.texts = {text: False for text in args.expect_text}

    def feed(self, line):
        # A loader or the kernel may have left the cursor in mid-line; control characters are noise.
        line = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]", "", line)
        for text in self.texts:
            self.texts[text] = self.texts[text] or re.search(text, line) is not None
        plan = PLAN.match(line)
        case = CASE.match(line)
        if plan:
            self.planned = int(plan.group(1))
        elif case:
            self.seen += 1
            self.tap.case(case.group(1) == "ok", case.group(2) or "(no name)")
        elif BAIL_OUT.match(line):
            self.bailed_out = line
            self.tap.comment(line)
        else:
            if PANIC.match(line):
                self.panics.append(line)
            if MISUSE.search(line):
                self.misuses.append(line)
            self.tap.comment(line)

    def conclude(self, guest, label):
        """The runner's own cases.  False if the guest did not end by itself."""
        for text, found in self.texts.items():
            self.tap.case(found, f"{label}: console shows /{text}/")
        # Of a bail-out that was asked for there is nothing to count.
        wanted = self.bailed_out and any(re.search(text, self.bailed_out) for text in self.texts)
        if not wanted and (self.args.tap or self.planned is not None or self.seen):
            self.tap.case(self.seen == self.planned and not self.bailed_out,
                          f"{label}: {self.seen} cases ran, {self.planned} planned"
                          + (f", {self.bailed_out}" if self.bailed_out else ""))
        if self.panics and not self.args.expect_panic:
            self.tap.case(False, f"{label}: no kernel panic ({self.panics[0]})")
        if self.misuses and not self.args.expect_misuse:
            self.tap.case(False, f"{label}: no lock is misused ({self.misuses[0]})")
        if guest.timed_out:
            self.tap.comment("the last lines were:")
            for line in guest.tail:
                self.tap.comment(f"    {line}")
            self.tap.case(False, f"{label}: finished within {self.args.timeout:g} s")
            return False
        self.tap.case(status_right(guest.status, self.args.expect_exit),
                      f"{label}: {describe_status(guest.status)}, "
                      f"expected {self.args.expect_exit}")
        return True


class WatchedGuest(Guest):
    """A guest whose state is printed with gdb before it is ended for taking too long."""

    def __init__(self, args, tap, command):
        self.args = args
        self.tap = tap
        self.directory = tempfile.TemporaryDirectory() if args.gdb else None
        if args.gdb:
            self.socket = os.path.join(self.directory.name, "gdb")
            command = [*command, "-gdb", f"unix:{self.socket},server=on,wait=off"]
        super().__init__(command, args.timeout)

    def finish(self):
        if self.timed_out and self.args.gdb:
            self.show()
        super().finish()

    def show(self):
        symbols = os.path.join(os.path.dirname(self.args.kernel), "kernel.elf")
        words = ["gdb-multiarch", "-batch", "-nx", symbols, "-ex", "set pagination off",
                 "-ex", f"target remote {self.socket}", "-ex", "info threads",
                 "-ex", f"source {os.path.join(ROOT, 'tools', 'gdb', 'baton.py')}",
                 "-ex", f"python {KERNEL_THREAD}"]
        for command in ("print derivation", "baton cpus", "baton threads", "baton events", "baton trace",
                        "thread apply all bt 12"):
            words += ["-ex", command]
        if not shutil.which(words[0]):
            self.tap.comment("gdb-multiarch is not installed: the state is lost")
            return
        try:
            shown = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, timeout=60, check=False).stdout
        except subprocess.TimeoutExpired as late:
            shown = (late.stdout or b"") + b"\ngdb did not end"
        for line in shown.decode("utf-8", "replace").splitlines():
            self.tap.comment(f"gdb: {line}")

    def __exit__(self, *why):
        super().__exit__(*why)
        if self.directory:
            self.directory.cleanup()


def make_command(args, scratch):
    board = Board(ROOT, args.board)
    board.check(args.cpus, args.gic)
    values = {
        "cpus": args.cpus, "gic": args.gic, "cpu": args.cpu, "memory": args.memory,
        "virtualization": "on" if args.el2 else None,
        "kernel": args.kernel, "archive": args.archive, "bootargs": " ".join(args.boot_arg),
    }
    if args.clock == "virtual":
        return virtual_command(board, values, ("console",), args.qemu, scratch)
    return board.command(values, extra=args.qemu)


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description="Boot in the emulator; report as TAP.")
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--archive", help="boot archive; left out: boot without one")
    parser.add_argument("--board", default="qemu-virt")
    parser.add_argument("--cpus", type=int, default=4)
    parser.add_argument("--gic", type=int, default=3)
    parser.add_argument("--cpu")
    parser.add_argument("--memory")
    parser.add_argument("--el2", action="store_true", help="start the machine at EL2")
    parser.add_argument("--clock", choices=["virtual", "host"], default="virtual",
                        help="virtual: exact guest time, CPUs take turns; host: CPUs in parallel")
    parser.add_argument("--boot-arg", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--timeout", type=float, default=60, metavar="S", help="for each boot")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="boot N times")
    parser.add_argument("--keep-going", action="store_true",
                        help="with --repeat: go on after a boot that did not finish")
    parser.add_argument("--gdb", action="store_true",
                        help="print what every CPU and thread does when a boot does not finish")
    parser.add_argument("--tap", action="store_true", help="the guest must print a TAP plan")
    parser.add_argument("--expect-exit", default="0", metavar="N|fail",
                        help="the guest's exit status; fail: any but 0")
    parser.add_argument("--expect-text", action="append", default=[], metavar="REGEX",
                        help="must match a console line; may be given more than once")
    parser.add_argument("--expect-misuse", action="store_true",
                        help="locks of the kernel that are misused are no failure")
    parser.add_argument("--expect-panic", action="store_true", help="a kernel panic is no failure")
    parser.add_argument("qemu", nargs="*", help="more arguments for the emulator, after --")
    return parser.parse_args(argv)


def main(argv):
    args = parse_arguments(argv)
    with tempfile.TemporaryDirectory() as scratch:
        return boot_repeatedly(args, scratch)


def boot_repeatedly(args, scratch):
    tap = Tap()
    try:
        command = make_command(args, scratch)
        tap.comment(" ".join(command))
        hangs, seconds = 0, []
        for number in range(1, args.repeat + 1):
            boot = Boot(args, tap)
            label = f"boot {number} of {args.repeat}" if args.repeat > 1 else "boot"
            with WatchedGuest(args, tap, command) as guest:
                for line in guest.lines():
                    boot.feed(line)
                hangs += not boot.conclude(guest, label)
                seconds.append(guest.wall_s())
            if hangs and not args.keep_going:
                break
        if args.repeat > 1:
            tap.comment(f"{len(seconds)} boots, {hangs} did not finish, {tap.failed} cases failed; "
                        f"the fastest took {min(seconds):.1f} s, the slowest {max(seconds):.1f} s")
    except Failure as failure:
        tap.bail_out(str(failure))
        return 1
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
