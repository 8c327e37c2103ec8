# SPDX-License-Identifier: BSD-2-Clause
"""Which Debian packages a command needs, which are missing, and how they get installed."""

import os
import shutil
import subprocess
import sys

from term import Failure, has_person, run_with_progress, say

SPECS = "/usr/lib/picolibc/aarch64-linux-gnu/picolibc.specs"

# package → probe: "command" is looked up in PATH, "/file" must exist, "pc:NAME" asks pkg-config.
BUILD = {
    "meson": "meson",
    "ninja-build": "ninja",
    "git": "git",
}
HOST = {
    **BUILD,
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdio.h",
    "pkgconf": "pkg-config",
    "libcriterion-dev": "pc:criterion",
    "libjson-c-dev": "pc:json-c",
    "libfdt-dev": "/usr/include/libfdt.h",
    "device-tree-compiler": "dtc",
}
TARGET = {
    **BUILD,
    "gcc-aarch64-linux-gnu": "aarch64-linux-gnu-gcc",
    "picolibc-aarch64-linux-gnu": SPECS,
}
EMULATOR = {"qemu-system-arm": "qemu-system-aarch64"}
LINT = {"clang": "clang", "clang-format": "clang-format"}
COVERAGE = {"gcovr": "gcovr"}
STATIC = {"clang-tidy": "clang-tidy", "cppcheck": "cppcheck"}
FUZZ = {
    "clang": "clang",
    "libclang-rt-14-dev": "/usr/lib/llvm-14/lib/clang/14.0.6/include/fuzzer/FuzzedDataProvider.h",
}
DEBUGGER = {"gdb-multiarch": "gdb-multiarch"}


def present(probe):
    if probe.startswith("/"):
        return os.path.exists(probe)
    if probe.startswith("pc:"):
        found = shutil.which("pkg-config")
        return bool(found) and subprocess.run(
            [found, "--exists", probe[3:]], check=False).returncode == 0
    return shutil.which(probe) is not None


def missing(*groups):
    wanted = {}
    for group in groups:
        wanted.update(group)
    return sorted(name for name, probe in wanted.items() if not present(probe))


def apt_get(arguments):
    """The command line of apt-get, through sudo where this is not root; None if neither will do."""
    command = ["apt-get", *arguments]
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive", *command]
    if not shutil.which("sudo"):
        return None
    ask = [] if has_person() else ["-n"]
    return ["sudo", *ask, "env", "DEBIAN_FRONTEND=noninteractive", *command]


def run_apt(arguments, what):
    """Whether apt-get did it, and what it said."""
    stdin = None if has_person() else subprocess.DEVNULL
    status, output = run_with_progress(apt_get(arguments), what, stdin)
    return status == 0, output


def install(names):
    options = ["-y", "-q", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", *names]
    by_hand = "apt-get install --no-install-recommends " + " ".join(names)
    if not shutil.which("apt-get"):
        raise Failure(f"missing packages: {' '.join(names)}. This is no Debian system (no apt-get): "
                      "install what corresponds to them, then try again")
    if apt_get([]) is None:
        raise Failure(f"not root, and there is no sudo. As root: {by_hand}")
    # The package lists are fetched only when those at hand do not do.
    known, _ = run_apt(["install", "-s", *options], "asking apt")
    if known and run_apt(["install", *options], "installing packages")[0]:
        return
    done, output = run_apt(["update", "-q"], "fetching the lists of packages")
    if not done:
        raise Failure(f"apt-get update failed; is the network reachable? It said:\n{output}")
    done, output = run_apt(["install", *options], "installing packages")
    if not done:
        raise Failure(f"apt-get could not install them. By hand: {by_hand}. It said:\n{output}")


def agreed(names, assume_yes):
    say(f"missing packages: {' '.join(names)}")
    if assume_yes or not has_person():
        return True
    print("Install them with apt now? [Y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def require(*groups, assume_yes=False):
    """Make sure that the packages of all groups are there; raises Failure if they cannot be."""
    names = missing(*groups)
    if not names:
        return
    if not agreed(names, assume_yes):
        raise Failure("nothing installed. By hand: apt-get install --no-install-recommends "
                      + " ".join(names))
    install(names)
    left = missing(*groups)
    if left:
        raise Failure(f"installed, but still not found: {' '.join(left)}; is PATH complete?")
