# SPDX-License-Identifier: BSD-2-Clause
"""What the front door says to the person: messages, colour, progress."""

import os
import re
import subprocess
import sys
import time

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 2
EXIT_TIMEOUT = 124


class Failure(Exception):
    """What was asked for did not happen.  The text names the cause and the way out."""

    def __init__(self, text, status=EXIT_FAILED):
        super().__init__(text)
        self.status = status


def not_built_yet(what):
    return Failure(f"{what}: not built yet in this version of Baton", EXIT_UNAVAILABLE)


def has_person():
    """Whether somebody can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def wants_colour(stream):
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text, code, stream=sys.stderr):
    return f"\033[{code}m{text}\033[0m" if wants_colour(stream) else text


def say(text):
    """A line of the front door's own, kept apart from what the guest prints on standard output."""
    sys.stdout.flush()
    print(f"{paint('baton:', '1')} {text}", file=sys.stderr, flush=True)


def complain(text):
    sys.stdout.flush()
    print(f"{paint('baton:', '1;31')} {text}", file=sys.stderr, flush=True)


class Progress:
    """One line about work that takes longer than two seconds; nothing about quicker work."""

    QUIET_S = 2.0
    PLAIN_EVERY_S = 10.0

    def __init__(self, what):
        self.what = what
        self.started = time.monotonic()
        self.shown_at = None
        self.live = sys.stderr.isatty()

    def update(self, detail):
        now = time.monotonic()
        if now - self.started < self.QUIET_S:
            return
        if self.live:
            print(f"\r\033[K{paint('baton:', '1')} {self.what} {detail}", end="", file=sys.stderr,
                  flush=True)
        elif self.shown_at is None or now - self.shown_at >= self.PLAIN_EVERY_S:
            say(f"{self.what} {detail}".rstrip())
        else:
            return
        self.shown_at = now

    def finish(self, right):
        if self.shown_at is None:
            return
        if self.live:
            print("\r\033[K", end="", file=sys.stderr)
        say(f"{self.what} {'done' if right else 'failed'} after "
            f"{time.monotonic() - self.started:.0f} s")


def run_with_progress(command, what, stdin=subprocess.DEVNULL):
    """Run a command without showing what it prints; (exit status, its last lines)."""
    progress = Progress(what)
    kept = []
    with subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace") as process:
        for line in process.stdout:
            kept = kept[-199:] + [line]
            step = re.match(r"\[(\d+/\d+)\]", line)
            progress.update(step.group(1) if step else "")
    progress.finish(process.returncode == 0)
    return process.returncode, "".join(kept).rstrip()
