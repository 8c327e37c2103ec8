# SPDX-License-Identifier: BSD-2-Clause
"""Build directories: where they are, configuring and compiling them."""

import contextlib
import fcntl
import json
import os
import subprocess

from term import Failure, run_with_progress, say

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CROSS_FILE = "boards/cross/aarch64-linux-gnu.ini"
RELEASE = ["-Dbuildtype=release", "-Doptimization=2"]


class BuildDir:
    """One Meson build directory.  `kind`: "host" or "coverage" (host), "release" or "debug" (target)."""

    NAMES = {"host": "build", "coverage": "build-coverage", "release": "build-virt",
             "debug": "build-virt-debug"}

    def __init__(self, kind, board="qemu-virt"):
        self.kind = kind
        self.board = board
        base = os.environ.get("BATON_BUILD_DIR") or ROOT
        self.path = os.path.join(os.path.abspath(base), self.NAMES[kind])

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def setup_arguments(self):
        if self.kind == "host":
            return ["--buildtype=debugoptimized"]
        if self.kind == "coverage":
            return ["--buildtype=debug", "-Doptimization=1", "-Db_coverage=true"]
        options = ["--cross-file", os.path.join(ROOT, CROSS_FILE), f"-Dboard={self.board}"]
        if self.kind == "release":
            return options + RELEASE
        return options + ["--buildtype=debugoptimized"]

    def configured_for(self):
        """The source tree this directory was configured for, or None."""
        try:
            with open(self.file("meson-info", "meson-info.json"), encoding="utf-8") as file:
                info = json.load(file)
            if info.get("error") or not os.path.exists(self.file("build.ninja")):
                return None
            return info["directories"]["source"]
        except (OSError, ValueError, KeyError):
            return None

    def option(self, name):
        """What a configured directory has for it."""
        try:
            with open(self.file("meson-info", "intro-buildoptions.json"), encoding="utf-8") as file:
                return next(each["value"] for each in json.load(file) if each["name"] == name)
        except (OSError, ValueError, KeyError, StopIteration):
            return None

    @contextlib.contextmanager
    def locked(self):
        """Two front doors may be open at once; a build directory takes one at a time."""
        try:
            os.makedirs(self.path, exist_ok=True)
        except OSError as error:
            raise Failure(f"{self.path}: {error.strerror} (BATON_BUILD_DIR names another place to build "
                          "in)") from None
        with open(self.file(".front-door.lock"), "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another command to finish with {self.path}")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def configure(self):
        source = self.configured_for()
        if source and os.path.realpath(source) == os.path.realpath(ROOT):
            if self.kind == "release" and self.option("buildtype") != "release":
                say(f"{self.path} was set up without --buildtype=release: making it a release build")
                run_build(["meson", "configure", *RELEASE, self.path],
                          f"configuring {os.path.basename(self.path)}")
            return
        wipe = ["--wipe"] if source else []
        command = ["meson", "setup", *wipe, *self.setup_arguments(), self.path, ROOT]
        run_build(command, f"configuring {os.path.basename(self.path)}")

    def compile(self, *targets):
        """Configure if that was not done, then compile (all, or some targets)."""
        with self.locked():
            self.configure()
            run_build(["ninja", "-C", self.path, *targets],
                      f"building {os.path.basename(self.path)}")

    def has_target(self, target):
        """Whether the configured build knows the file `target` (a path inside the directory)."""
        with open(self.file("build.ninja"), encoding="utf-8") as file:
            return any(line.startswith(f"build {target}:") for line in file)

    def tests(self):
        """The (name, suites) of every test that is defined."""
        done = subprocess.run(["meson", "introspect", "--tests", self.path], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failure(f"meson introspect failed in {self.path}: {done.stderr.strip()}")
        return [(test["name"], [suite.split(":")[-1] for suite in test["suite"]])
                for test in json.loads(done.stdout)]


def run_build(command, what):
    """Run a build command; its output is shown only if it fails."""
    status, output = run_with_progress(command, what)
    if status != 0:
        raise Failure(f"{what} failed:\n{output}\n(command: {' '.join(command)})")


def commit():
    """The commit of the tree, "-dirty" if changed since; "unknown" outside a repository."""
    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        head = git("rev-parse", "--short=12", "HEAD")
        if head.returncode != 0:
            return "unknown"
        dirty = git("status", "--porcelain", "--untracked-files=no").stdout.strip()
    except OSError:
        return "unknown"
    return head.stdout.strip() + ("-dirty" if dirty else "")
