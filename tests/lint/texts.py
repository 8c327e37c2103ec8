# SPDX-License-Identifier: BSD-2-Clause
"""What a file must look like before anyone reads it: licence, length, white space, words."""

import re

LICENSE = "SPDX-License-Identifier: BSD-2-Clause"
LINES_MAX = 600
COLUMNS_MAX = 110  # of any text; clang-format holds C code below 100
TAB_COLUMNS = 8

# Formats that have no comments, or are the licence itself.
NO_LICENSE = ("LICENSE", ".json", ".golden", ".bin", ".dtb", ".cpio", ".tsv", ".bwl")
LONG_MAY_BE = (".md", ".dts", ".json", ".golden", ".tsv", ".txt", "LICENSE")
NO_TABS = (".py", ".md", "meson.build", "meson_options.txt", ".ini", ".json")
COLUMNS_COUNT = (".c", ".h", ".S", ".py", ".ld", "meson.build", ".sh")

# The texts speak of the project alone: no machine's paths, no trackers, no loose ends.  (The letters
# in brackets keep this list from finding itself.)
WORDS = [(re.compile(pattern), why) for pattern, why in (
    (r"/[w]ork/|/[h]ome/\w|/[r]oot/|/tmp/[b]aton", "a path of one machine"),
    (r"\b[dD]eb\.debian\.org|\b[r]egistry\.npmjs|\b[p]ypi\.org", "the host of a package registry"),
    (r"\b[iI][s]sue #?\d|\bGH-[0-9]|\b([fF]ixes|[cC]loses|[sS]ee) #\d", "the number of an issue"),
    (r"\b[T]ODO\b|\b[F]IXME\b|\b[X]XX\b", "a loose end"),
    (r"\b([sS]ub-?)?[aA][g]ents?\b|\b[cC][o]lleagues?\b|\b[lL]anguage [m]odel", "who wrote it"),
)]


def check_license(tree):
    for path in tree.paths:
        if path.endswith(NO_LICENSE) or not tree.is_text(path):
            continue
        if not any(LICENSE in line for line in tree.lines(path)[:3]):
            yield path, 1, f"the first lines have no {LICENSE}"


def check_length(tree):
    for path in tree.paths:
        if not path.endswith(LONG_MAY_BE) and tree.is_text(path):
            count = len(tree.lines(path))
            if count >= LINES_MAX:
                yield path, LINES_MAX, f"{count} lines; below {LINES_MAX} are allowed"


def check_white_space(tree):
    for path in tree.paths:
        if not tree.is_text(path):
            continue
        text = tree.text(path)
        if text and not text.endswith("\n"):
            yield path, text.count("\n") + 1, "no line end at the end of the file"
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield path, number, "white space at the end of the line"
            if "\t" in line and path.endswith(NO_TABS):
                yield path, number, "a tab"
            if path.endswith(COLUMNS_COUNT) and len(line.expandtabs(TAB_COLUMNS)) > COLUMNS_MAX:
                yield path, number, f"longer than {COLUMNS_MAX} columns"


def check_words(tree):
    for path in tree.paths:
        if not tree.is_text(path):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            for pattern, why in WORDS:
                found = pattern.search(line)
                if found:
                    yield path, number, f"{found.group()!r}: {why}"


def check_readmes(tree):
    """A README.md in each top folder of code, each server and each kind of test."""
    known = set(tree.paths)
    wanted = set()
    for path in tree.paths:
        parts = path.split("/")
        depth = 2 if parts[0] in ("servers", "tests") else 1
        if len(parts) > depth and not parts[0].startswith(".") and parts[0] != "docs":
            wanted.add("/".join(parts[:depth]))
    for folder in sorted(wanted):
        if f"{folder}/README.md" not in known:
            yield folder, 1, "no README.md"
