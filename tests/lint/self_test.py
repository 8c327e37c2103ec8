#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The checks can fail: each seeded violation in a small tree is found, and the tree without it is clean."""

import os
import shutil
import subprocess
import sys
import tempfile

import acceptance

HERE = os.path.dirname(os.path.abspath(__file__))
C = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
MD = "<!-- SPDX-License-Identifier: BSD-2-Clause -->\n"
ABI = C + '#pragma once\n\n/* X(name, value, meaning) */\n#define ERROR_LIST(X) X(OK, 0, "fine")\n'

CLEAN = {
    "kernel/README.md": MD + "# kernel\n",
    "kernel/core/main.c": C + "#include <kern/main.h>\n\nint kernel_main(void)\n{\n\treturn 0;\n}\n",
    "kernel/uapi/abi/types.h": C + "#pragma once\n",
    "kernel/include/kern/main.h": C + "#pragma once\n\n#include <abi/types.h>\n\n"
                                  "int kernel_main(void);\n",
    "tools/README.md": MD + "# tools\n",
    "tools/gen_abi_docs.py": "# SPDX-License-Identifier: BSD-2-Clause\n",
    "servers/sched/README.md": MD + "# sched\n",
    "servers/sched/policy/rr/rr.c": C + '#include "../policy.h"\n#include <abi/error.h>\n'
                                    "#include <base/list.h>\n",
    "servers/sched/core/server.c": C + '#include "../policy/policy.h"\n#include <libsys/log.h>\n',
    "servers/sched/policy/policy.h": C + "#pragma once\n",
}

# A lock, a function that takes it and one that needs it.
LOCK = ("struct __attribute__((capability(\"lock\"))) lock {\n\tint x;\n} lock;\n"
        "void take(struct lock *l) __attribute__((acquire_capability(*l)));\n"
        "void g(void) __attribute__((requires_capability(lock)));\n")

# The table of scenarios, each shown by a file of the small tree.
ROWS = MD + "".join(f"| {row} | x | host | `kernel/core/case.c` | `case` |\n" for row in acceptance.ROWS)

# A table of seeded bugs with one row.
MUTANTS = '# SPDX-License-Identifier: BSD-2-Clause\nMUTANTS = [("{}", "{}", "", "test")]\n'

# check, file, text, what the message must contain
SEEDED = [
    ("layers", "kernel/core/x.c", C + "#include <board/board.h>\n", "kernel may not include"),
    ("layers", "kernel/core/x.c", C + "#include <libsys/thread.h>\n", "kernel may not include"),
    ("layers", "kernel/ipc/x.c", C + "#include <string.h>\n", "kernel may not include"),
    ("layers", "kernel/core/x.c", C + '#include "../../servers/sched/policy/policy.h"\n',
     "reaches out"),
    ("layers", "servers/sched/policy/rr/x.c", C + "#include <abi/sched.h>\n", "may not include"),
    ("layers", "servers/sched/policy/rr/x.c", C + "#  include <libsys/log.h>\n", "may not include"),
    ("layers", "servers/sched/policy/rr/x.c", C + '#include "../../core/server.h"\n', "reaches out"),
    ("layers", "libsys/src/x.c", C + "#include <kern/tcb.h>\n", "libsys may not include"),
    ("layers", "kernel/uapi/abi/x.h", C + "#include <base/list.h>\n", "kernel/uapi may not"),
    ("layers", "elsewhere/x.c", C, "no layer"),
    ("license", "kernel/core/x.c", "int x;\n", "SPDX"),
    ("length", "kernel/core/x.c", C + "\n" * 600, "601 lines"),
    ("white_space", "kernel/core/x.c", C + "int x; \n", "end of the line"),
    ("white_space", "kernel/core/x.c", C + "int x;", "end of the file"),
    ("white_space", "tools/x.py", "\tpass\n", "a tab"),
    ("white_space", "kernel/core/x.c", C + "/" * 111 + "\n", "longer than"),
    ("words", "kernel/core/x.c", C + "/* T" + "ODO: later */\n", "loose end"),
    ("words", "docs/x.md", MD + "As /wo" + "rk/x says.\n", "one machine"),
    ("words", "docs/x.md", MD + "See iss" + "ue 12.\n", "number"),
    ("readmes", "servers/mm/main.c", C, "servers/mm:1: no README.md"),
    ("functions", "kernel/core/x.c", C + "int f(void)\n{\n" + "\t;\n" * 60 + "}\n", "f() has 63"),
    ("functions", "tools/x.py", "def f():\n" + "    pass\n" * 60, "f() has 61"),
    ("conditionals", "kernel/core/x.c", C + "#if 0\n#endif\n" * 5, "conditional compilation"),
    ("declarations", "kernel/include/kern/x.h", C, "#pragma once"),
    ("declarations", "kernel/core/x.c", C + "typedef struct x x_t;\n", "typedef"),
    ("format", "kernel/core/x.c", C + "int  f( void ) ;\n", "not formatted"),
    ("acceptance", "docs/acceptance.md", ROWS.replace("M17", "M99"), "row M17 is missing"),
    ("acceptance", "docs/acceptance.md", ROWS.replace("`case`", "`other`"), "has no case other"),
    ("mutants", "tests/mutants/table.py", MUTANTS.format("kernel/core/gone.c", "return 0;"), "no file"),
    ("mutants", "tests/mutants/table.py", MUTANTS.format("kernel/core/main.c", "return 1;"), "0 times"),
    ("mutants", "tests/mutants/table.py", MUTANTS.format("kernel/core/main.c", "n"), "times 'n'"),
    ("mutants", "tests/model/protocol/mutants.py", MUTANTS.format("kernel/core/main.c", "n"), "times 'n'"),
    ("references", "docs/x.md", MD + "See `kernel/core/g" + "one.c`.\n", "no file kernel/core/gone.c"),
    ("references", "kernel/core/x.c", C + "/* As in <kern/g" + "one.h>. */\n", "no file kern/gone.h"),
    ("references", "kernel/core/x.c", C + "/* As gone" + "_by() does. */\n", "no function gone_by()"),
    ("references", "tools/x.py", "# As gone" + "_by() does.\n", "no function gone_by()"),
    ("locks", "kernel/core/x.c", C + LOCK + "void f(void)\n{\n\tg();\n}\n", "requires holding lock"),
    ("locks", "kernel/core/x.c", C + LOCK + "void f(void)\n{\n\ttake(&lock);\n}\n", "still held"),
    ("abi_docs", "kernel/uapi/abi/error.h", ABI.replace("fine", "changed"), "error.md"),
]


# Checks that need a program.
NEEDS = {"format": "clang-format", "locks": "clang"}


def write(root, files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def make_tree(root):
    write(root, CLEAN)
    write(root, {"docs/acceptance.md": ROWS, "kernel/core/case.c": C + "/* case */\n"})
    write(root, {"kernel/uapi/abi/error.h": ABI})
    shutil.copy(os.path.join(HERE, "..", "..", ".clang-format"), root)
    subprocess.run([sys.executable, "-B", os.path.join(HERE, "..", "..", "tools", "gen_abi_docs.py"),
                    "--root", root], check=True)


def lint(root, check):
    done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "lint.py"), "--root", root, check],
                          check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def one_case(check, path, text, message):
    """Clean without the seed, caught with it; a text about what went wrong, or None."""
    with tempfile.TemporaryDirectory(prefix="baton-lint-") as root:
        make_tree(root)
        status, out = lint(root, check)
        if status != 0:
            return f"the clean tree ended with status {status}: {out}"
        write(root, {path: text})
        status, out = lint(root, check)
        if status != 1 or message not in out:
            return f"status {status}, expected 1 and {message!r} in: {out}"
    return None


def main():
    failed = 0
    print(f"1..{len(SEEDED)}")
    for number, (check, path, text, message) in enumerate(SEEDED, 1):
        program = NEEDS.get(check)
        if program and not shutil.which(program):
            print(f"ok {number} - {check}: {path} # SKIP {program} is not installed")
            continue
        problem = one_case(check, path, text, message)
        failed += problem is not None
        print(f"{'not ok' if problem else 'ok'} {number} - {check}: {message}")
        if problem:
            print("# " + problem.replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
