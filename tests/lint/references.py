# SPDX-License-Identifier: BSD-2-Clause
"""What texts and comments name exists: files of the tree, and functions.

A file is named by its path, from the root or from the folder of the text, or by the end of its path
(`line/line.h`); a function by its name and `()`.  A name with a part in capital letters stands for any
(`boards/NAME/kernel.ld`).  Data files (.json, .txt) are not looked at: most are the reader's own.

Bad at: a function that is gone while a variable or a parameter still has its name.
"""

import os
import re

C_LIKE = (".c", ".h", ".S", ".ld")
COMMENT = {
    "c": re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL),
    "python": re.compile(r'""".*?"""|(?<![\w"\'])#[^\n]*', re.DOTALL),
    "build": re.compile(r"#[^\n]*"),
    "text": re.compile(r".+", re.DOTALL),
}
FILE = re.compile(r"(?<![\w/.$}{*%\-\"'])<?((?:[\w.-]+/)*[\w-]+\.(?:[chS]|py|md|ini|ld|dts))\b(?![\w*/(])")
FUNCTION = re.compile(r"(?<![\w.>*-])([a-z_]\w+)\(\)")
PLACEHOLDER = re.compile(r"(^|[/_.])[A-Z]+([/_.]|$)")
# What C and POSIX have; what a build makes; any header of a layer (<kern/x.h>); what a tutorial creates.
ELSEWHERE = re.compile(r"(^|/)(x|std\w+|threads|time|string|signal|build_info)\.h$|^sys/\w+\.h$|lifo\.c$")
# Functions made of any name.
NAMELESS = re.compile(r"^(name|x)_")


def language(path):
    if path.endswith(C_LIKE):
        return "c"
    if path.endswith(".py") or path == "baton":
        return "python"
    if path.endswith(("meson.build", "meson_options.txt", ".in")):
        return "build"
    return "text" if path.endswith(".md") else None


def split(tree, path):
    """([(line, text)] of its prose, its code)."""
    text = tree.text(path)
    prose, code, last = [], [], 0
    for found in COMMENT[language(path)].finditer(text):
        prose.append((text.count("\n", 0, found.start()) + 1, found.group()))
        code.append(text[last:found.start()])
        last = found.end()
    return prose, "".join(code) + text[last:]


def path_ends(tree):
    """Every path of the tree and every end of one, at a slash."""
    ends = set()
    for path in tree.paths:
        parts = path.split("/")
        ends.update("/".join(parts[at:]) for at in range(len(parts)))
    return ends


def missing_files(line, folder, ends):
    for found in FILE.finditer(line):
        name = found.group(1)
        beside = os.path.normpath(os.path.join(folder, name))
        if (PLACEHOLDER.search(name) or ELSEWHERE.search(name) or beside in ends
                or os.path.normpath(name) in ends):
            continue
        yield f"there is no file {name}"


def missing_functions(line, words):
    for found in FUNCTION.finditer(line):
        name = found.group(1)
        if name not in words and not NAMELESS.search(name):
            yield f"there is no function {name}()"


def check(tree):
    paths = [path for path in tree.paths if language(path) and tree.is_text(path)]
    parts = {path: split(tree, path) for path in paths}
    words = set()
    for path in paths:
        words.update(re.findall(r"\w+", parts[path][1]))
    ends = path_ends(tree)
    for path in paths:
        for first, text in parts[path][0]:
            for number, line in enumerate(text.split("\n"), first):
                for what in (*missing_files(line, os.path.dirname(path), ends),
                             *missing_functions(line, words)):
                    yield path, number, what
