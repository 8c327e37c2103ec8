# SPDX-License-Identifier: BSD-2-Clause
"""Locks of the portable kernel, by clang's thread safety analysis of the annotations of
<kern/lock_check.h>: who needs a lock is called with it, who takes one gives it back."""

import os
import re
import subprocess
import tempfile

CLANG = "clang"
INCLUDES = ["kernel/uapi", "libsys", "kernel/include", "kernel/include_lock/claim",
            "kernel/include_lock/validate"]
MACHINE = ("kernel/arch/", "kernel/drv/")
FOUND = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: (?:warning|error|fatal error): (?P<what>.*)$",
                   re.MULTILINE)


def kernel_sources(tree):
    return [path for path in tree.ending(".c")
            if path.startswith("kernel/") and not path.startswith(MACHINE)]


def analyse(tree, path, generated):
    command = [CLANG, "-fsyntax-only", "-std=gnu17", "-DKERNEL_DEBUG=1", "-Wthread-safety",
               "-fno-color-diagnostics", "-I", generated]
    for folder in INCLUDES:
        command += ["-I", tree.absolute(folder)]
    done = subprocess.run(command + [path], cwd=tree.root, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    yield from ((os.path.relpath(os.path.join(tree.root, found["path"]), tree.root),
                 int(found["line"]), found["what"]) for found in FOUND.finditer(done.stdout))


def check(tree):
    with tempfile.TemporaryDirectory(prefix="baton-lint-") as generated:
        # What the build writes; its value does not matter here.
        with open(os.path.join(generated, "build_info.h"), "w", encoding="utf-8") as file:
            file.write('#define BATON_VERSION ""\n')
        for path in kernel_sources(tree):
            yield from analyse(tree, path, generated)
