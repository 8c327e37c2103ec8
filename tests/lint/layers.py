# SPDX-License-Identifier: BSD-2-Clause
"""Who may include what.

The longest matching folder decides.  A word that ends in "/" allows a family of headers, <word...>;
"free" are the headers of a freestanding compiler, "libc" those of the C library, "any" allows all.
An include in quotes must stay inside its own component, the folder in the table, or reach one that
QUOTED_TOO names: the scheduler server uses its policies, and not the other way round.
"""

import os
import re

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')

FREESTANDING = {"float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
                "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h"}
LIBC = {"assert.h", "ctype.h", "errno.h", "inttypes.h", "locale.h", "math.h", "setjmp.h", "signal.h",
        "stdio.h", "stdlib.h", "string.h", "strings.h", "time.h", "wchar.h", "unistd.h"}

SERVERS = ["sched/", "mm/", "proc/"]
KERNEL = ["free", "abi/", "base/", "kern/", "arch/", "build_info.h"]

LAYERS = {
    "kernel/uapi": ["free", "abi/"],
    "kernel": KERNEL,
    "kernel/arch": KERNEL + ["board/", "drv/"],
    "kernel/drv": KERNEL + ["board/", "drv/"],
    "libsys/base": ["free", "abi/", "base/", "string.h"],
    "libsys": ["free", "libc", "abi/", "base/", "libsys/", "sys/", "build_info.h"] + SERVERS,
    "servers/mm": ["free", "libc", "abi/", "base/", "libsys/", "build_info.h"] + SERVERS,
    "servers/proc": ["free", "libc", "abi/", "base/", "libsys/", "build_info.h"] + SERVERS,
    "servers/sched": ["free", "libc", "abi/", "base/", "libsys/", "build_info.h"] + SERVERS,
    "servers/sched/policy": ["free", "base/", "abi/types.h", "abi/error.h"],
    "boards": ["free"],
    "tools": ["any"],
    "tests": ["any"],
    "docs/tutorials": ["any"],
}

QUOTED_TOO = {"servers/sched": ["servers/sched/policy"]}


def component_of(path):
    """The key of LAYERS that governs `path`, or None."""
    fitting = [folder for folder in LAYERS if path.startswith(folder + "/")]
    return max(fitting, key=len, default=None)


def allowed(name, words):
    return any(
        word == "any" or name == word
        or (word == "free" and name in FREESTANDING)
        or (word == "libc" and name in LIBC)
        or (word.endswith("/") and name.startswith(word))
        for word in words)


def check(tree):
    for path in tree.ending(".c", ".h", ".S"):
        component = component_of(path)
        if component is None:
            yield path, 1, "no layer: name its folder in tests/lint/layers.py"
            continue
        for number, line in enumerate(tree.lines(path), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            quote, name = found.groups()
            if quote == '"':
                target = os.path.normpath(os.path.join(os.path.dirname(path), name))
                reachable = [component, *QUOTED_TOO.get(component, [])]
                if "any" not in LAYERS[component] and component_of(target) not in reachable:
                    yield path, number, f'"{name}" reaches out of {component}'
            elif not allowed(name, LAYERS[component]):
                yield path, number, f"{component} may not include <{name}>"
