#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Static analysis of the sources: `static.py [--root DIR] [--build DIR] PROFILE`.

  cppcheck   the whole tree; known wrong findings with their reasons: cppcheck.txt
  tidy       clang-tidy over what the host build compiles (--build DIR); the profile is .clang-tidy
  analyzer   gcc -fanalyzer over the portable kernel, the policies and the pure readers

Each first finds a seeded bug, so that a profile that sees nothing fails.  Status 1: something was
found; 77 (skipped): the program is not installed.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXIT_SKIPPED = 77
INCLUDES = ["kernel/uapi", "libsys", "kernel/include", "kernel/include_lock/claim",
            "kernel/include_lock/validate", "kernel/arch/aarch64/include",
            "kernel/drv/include", "boards/qemu-virt/include", "libsys/include",
            "servers/sched/include", "servers/mm/include", "servers/proc/include"]
PROGRAMS = {"cppcheck": "cppcheck", "tidy": "clang-tidy", "analyzer": "gcc"}
SEEDED = """/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
int seeded(int wrong);
int seeded(int wrong)
{
\tint *pointer = wrong ? NULL : malloc(sizeof(*pointer));
\t*pointer = 1;
\tfree(pointer);
\treturn *pointer;
}
"""
FINDING = re.compile(r"^\S+:\d+(:\d+)?: (warning|error|performance|portability): ")
# gcc 12 does not see what a function of another file promises.
ANALYZER_WRONG = {
    "kernel/dispatch/decision.c": "a look-up that ends with ERR_OK has set the thread",
    "libsys/base/cpio.c": "hex_read() sets each field, or ends it",
}


def run(command, root):
    done = subprocess.run(command, cwd=root, check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return [line for line in done.stdout.splitlines() if FINDING.match(line)]


def tracked(root, folders):
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files"] + folders, check=True,
                          text=True, stdout=subprocess.PIPE)
    return [path for path in done.stdout.split() if path.endswith(".c")]


def includes(root):
    return [f"-I{os.path.join(root, folder)}" for folder in INCLUDES]


def cppcheck(root, _build, files=None):
    files = files or ["kernel", "servers", "libsys/src", "libsys/base", "libsys/include", "tools"]
    yield from run(["cppcheck", "--quiet", "-j2", "--language=c", "--std=c11", "--inline-suppr",
                    "--enable=warning,performance,portability", "-DKERNEL_DEBUG=1",
                    "-D__attribute__(x)=", f"--suppressions-list={HERE}/cppcheck.txt",
                    "--template={file}:{line}: {severity}: {message} [{id}]"]
                   + includes(root) + files, root)


def compiled(root, build):
    """What the build compiles outside of the tests, each source once for each set of definitions."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    tests = os.path.join(os.path.realpath(root), "tests") + os.sep
    found = {}
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        defined = frozenset(re.findall(r"-D\S+", entry["command"]))
        if path.endswith(".c") and not path.startswith(tests):
            found.setdefault((path, defined), dict(entry, file=path))
    return list(found.values())


def tidied(root, commands):
    """Lines of clang-tidy, which runs for two of these at a time."""
    config = f"--config-file={os.path.join(root, '.clang-tidy')}"
    running = []
    while commands or running:
        while commands and len(running) < 2:
            running.append(subprocess.Popen(["clang-tidy", "--quiet", config] + commands.pop(), cwd=root,
                                            text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        out, _ = running[0].communicate()
        running.pop(0)
        yield from (line for line in out.splitlines() if FINDING.match(line))


def tidy(root, build, files=None):
    """clang-tidy runs for every entry that a source has in the database: so one without repetitions."""
    if files:
        yield from tidied(root, [[path, "--"] for path in files])
        return
    entries = compiled(root, build)
    with tempfile.TemporaryDirectory(prefix="baton-static-") as folder:
        with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(entries, file)
        yield from tidied(root, [[path, "-p", folder, "--extra-arg=-Wno-unknown-warning-option"]
                                 for path in sorted({entry["file"] for entry in entries})])


def portable(root):
    return [path for path in tracked(root, ["kernel", "servers/sched/policy", "libsys/base"])
            if not path.startswith(("kernel/arch/", "kernel/drv/"))]


def analyzer(root, _build, files=None):
    with tempfile.TemporaryDirectory(prefix="baton-static-") as generated:
        with open(os.path.join(generated, "build_info.h"), "w", encoding="utf-8") as file:
            file.write('#define BATON_VERSION ""\n')
        for path in files or portable(root):
            if path not in ANALYZER_WRONG:
                yield from run(["gcc", "-c", "-o", "/dev/null", "-O1", "-std=gnu17", "-DKERNEL_DEBUG=1",
                                "-fanalyzer", "-I", generated] + includes(root) + [path], root)


PROFILES = {"cppcheck": cppcheck, "tidy": tidy, "analyzer": analyzer}


def finds_seeded(profile, root, build):
    with tempfile.TemporaryDirectory(prefix="baton-static-") as folder:
        path = os.path.join(folder, "seeded.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SEEDED)
        return any(PROFILES[profile](root, build, [path]))


def main(argv):
    parser = argparse.ArgumentParser(description="Static analysis of the sources.")
    parser.add_argument("--root", default=ROOT)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("profile", choices=sorted(PROFILES))
    args = parser.parse_args(argv)
    if not shutil.which(PROGRAMS[args.profile]):
        print(f"{PROGRAMS[args.profile]} is not installed: ./baton test static installs it")
        return EXIT_SKIPPED
    if not finds_seeded(args.profile, args.root, args.build):
        print(f"{args.profile}: did not find the seeded bug, so finding nothing says nothing")
        return 1
    found = list(dict.fromkeys(PROFILES[args.profile](args.root, args.build)))  # headers: once
    print("\n".join(found) if found else f"{args.profile}: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
