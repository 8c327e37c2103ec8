# SPDX-License-Identifier: BSD-2-Clause
"""Shape of the code: length of functions, conditional compilation, typedefs, guards, formatting."""

import ast
import re
import shutil
import subprocess

FUNCTION_LINES_MAX = 60
CONDITIONALS_PER_1000_MAX = 4
CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b")
TYPEDEF = re.compile(r"^\s*typedef\s+(struct|union)\b")
FORMAT_BATCH = 40


def c_functions(lines):
    """(line of the name, length in lines, name) of each C function, in this tree's brace style."""
    opened = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            opened = number
        elif line.startswith("}") and opened is not None:
            head = opened - 1
            while head > 1 and not re.match(r"\w", lines[head - 1]):
                head -= 1
            named = re.search(r"(\w+)\(", lines[head - 1])
            yield head, number - head + 1, named.group(1) if named else "?"
            opened = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1, node.name


def functions(tree):
    for path in tree.ending(".c", ".h"):
        for found in c_functions(tree.lines(path)):
            yield path, *found
    for path in tree.ending(".py"):
        for found in python_functions(tree.text(path)):
            yield path, *found


def check_functions(tree):
    lengths = []
    for path, number, length, name in functions(tree):
        lengths.append(length)
        if length > FUNCTION_LINES_MAX:
            yield path, number, f"{name}() has {length} lines; {FUNCTION_LINES_MAX} are allowed"
    if lengths:
        lengths.sort()
        print(f"{len(lengths)} functions, 90th percentile {lengths[len(lengths) * 9 // 10]} lines, "
              f"longest {lengths[-1]}")


def check_conditionals(tree):
    """Files are chosen in Meson, not by the preprocessor."""
    total, places = 0, []
    for path in tree.ending(".c", ".h", ".S"):
        lines = tree.lines(path)
        total += len(lines)
        places += [(path, number) for number, line in enumerate(lines, 1)
                   if CONDITIONAL.match(line)]
    # A tree of less than 1,000 lines may have as many as one of 1,000.
    rate = 1000 * len(places) / max(total, 1000)
    print(f"{len(places)} conditionals in {total} lines")
    if rate > CONDITIONALS_PER_1000_MAX:
        for path, number in places:
            yield path, number, f"conditional compilation ({rate:.1f} in 1,000 lines)"


def check_declarations(tree):
    for path in tree.ending(".c", ".h"):
        lines = tree.lines(path)
        if path.endswith(".h") and "#pragma once" not in lines:
            yield path, 1, "no #pragma once"
        for number, line in enumerate(lines, 1):
            if TYPEDEF.match(line):
                yield path, number, "a typedef of a struct"


def check_format(tree):
    if not shutil.which("clang-format"):
        raise FileNotFoundError("clang-format is not installed")
    paths = tree.ending(".c", ".h")
    for start in range(0, len(paths), FORMAT_BATCH):
        done = subprocess.run(
            ["clang-format", "--dry-run", "-Werror", "--style=file",
             *paths[start:start + FORMAT_BATCH]],
            cwd=tree.root, check=False, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for path, number in sorted(set(re.findall(r"^(\S+?):(\d+):\d+: error", done.stdout,
                                                  re.MULTILINE))):
            yield path, int(number), "not formatted: clang-format -i mends it"
        if done.returncode != 0 and "error" not in done.stdout:
            yield paths[start], 1, f"clang-format failed: {done.stdout.strip()}"
