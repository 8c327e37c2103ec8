#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write docs/abi/*.md from the X-macro lists of kernel/uapi/abi/*.h.

The lists in the headers are the contract; the tables are a view of them.  A list is

    /* X(name, value, meaning) */
    #define SOME_LIST(X)          \\
            X(FIRST, 1, "text")   \\
            ...

The comment in front of it names the columns (name, value and meaning if it does not).
`--check` changes nothing and fails when a table is not what the headers say.
"""

import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LICENSE = "<!-- SPDX-License-Identifier: BSD-2-Clause -->"
LIST = re.compile(r"^#define (\w+_LIST)\(X\)((?:.*\\\n)*.*\n)", re.MULTILINE)
COLUMNS = re.compile(r"X\(([^()]*)\)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DEFAULT_COLUMNS = ["name", "value", "meaning"]
TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([(),])|([^\s"(),][^"(),]*)')


class FormatError(Exception):
    """A header is not written the way this program reads it; the text says where."""


def comment_text(comment):
    """The words of a C comment, line by line, without its stars."""
    body = comment[2:-2]
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in body.splitlines()]
    if len(lines) == 1:
        lines = [lines[0].strip()]
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def parse_rows(body, where):
    """The X(...) entries of a list's body, each a list of strings."""
    rows, row, text, depth = [], None, [], 0

    def end_column():
        row.append("".join(text).strip())
        text.clear()

    for string, mark, word in TOKEN.findall(body.replace("\\\n", " ")):
        if row is None:
            if mark == "(":
                row, depth = [], 1
            elif word.strip() != "X":
                raise FormatError(f"{where}: expected X(...), found {(string or mark or word)!r}")
        elif mark == "(":
            depth += 1
            text.append(mark)
        elif mark == ")":
            depth -= 1
            if depth:
                text.append(mark)
            else:
                end_column()
                rows.append(row)
                row = None
        elif mark == "," and depth == 1:
            end_column()
        else:
            text.append(string or mark or word)
    if row is not None:
        raise FormatError(f"{where}: an X(...) is not closed")
    return rows


def columns_before(text, at, where):
    """The column names from the comment that ends in front of position `at`."""
    comments = [found for found in COMMENT.finditer(text, 0, at)]
    if not comments or text[comments[-1].end():at].strip():
        raise FormatError(f"{where}: no comment in front of it names its columns, as X(name, …)")
    named = COLUMNS.findall(comments[-1].group())
    if not named:
        return DEFAULT_COLUMNS
    names = re.sub(r"\s*\n\s*\*?\s*", " ", named[-1])
    return [name.strip() for name in names.split(",")]


def table(columns, rows, where):
    out = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        if len(row) != len(columns):
            raise FormatError(f"{where}: {row[0]} has {len(row)} columns, the comment names "
                              f"{len(columns)}")
        cells = [cell.replace("|", "\\|") for cell in row]
        cells[0] = f"`{cells[0]}`"
        out.append("| " + " | ".join(cells) + " |")
    return out


def document(name, text):
    """The page of one header, or None if it has no list."""
    lists = list(LIST.finditer(text))
    if not lists:
        return None
    out = [LICENSE, "", f"# `<abi/{name}>`", "",
           f"Generated from `kernel/uapi/abi/{name}` by `tools/gen_abi_docs.py`; change the header, "
           "not this page.", ""]
    intro = [comment_text(found.group()) for found in COMMENT.finditer(text)
             if "SPDX" not in found.group() and found.start() < text.find("#pragma once")]
    for lines in intro:
        out += ["```text", *lines, "```", ""]
    for found in lists:
        where = f"{name}: {found.group(1)}"
        columns = columns_before(text, found.start(), where)
        out += [f"## {found.group(1)}", "",
                *table(columns, parse_rows(found.group(2), where), where), ""]
    return "\n".join(out).rstrip() + "\n"


def pages(root):
    """File name → text of every page."""
    source = os.path.join(root, "kernel", "uapi", "abi")
    made = {}
    for name in sorted(os.listdir(source)):
        if not name.endswith(".h"):
            continue
        with open(os.path.join(source, name), encoding="utf-8") as file:
            text = document(name, file.read())
        if text:
            made[name[:-2] + ".md"] = text
    index = [LICENSE, "", "# The ABI in tables", "",
             "Generated from `kernel/uapi/abi/` by `tools/gen_abi_docs.py`. The headers are the contract.",
             "", *(f"- [`<abi/{name[:-3]}.h>`]({name})" for name in made)]
    made["README.md"] = "\n".join(index) + "\n"
    return made


def main(argv):
    parser = argparse.ArgumentParser(description="Write docs/abi/ from the ABI headers.")
    parser.add_argument("--check", action="store_true", help="only compare; fail on a difference")
    parser.add_argument("--root", default=ROOT)
    args = parser.parse_args(argv)
    folder = os.path.join(args.root, "docs", "abi")
    try:
        made = pages(args.root)
    except (FormatError, OSError) as error:
        print(f"gen_abi_docs: {error}", file=sys.stderr)
        return 1
    os.makedirs(folder, exist_ok=True)
    stale = {name for name in os.listdir(folder) if name.endswith(".md")} - set(made)
    for name, text in made.items():
        path = os.path.join(folder, name)
        try:
            with open(path, encoding="utf-8") as file:
                same = file.read() == text
        except FileNotFoundError:
            same = False
        if not same and args.check:
            stale.add(name)
        elif not same:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    if args.check and stale:
        print(f"docs/abi: out of date: {', '.join(sorted(stale))}; run tools/gen_abi_docs.py")
        return 1
    for name in stale:
        os.remove(os.path.join(folder, name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
