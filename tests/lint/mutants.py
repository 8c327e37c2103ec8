# SPDX-License-Identifier: BSD-2-Clause
"""tests/mutants/table.py: the text of every seeded bug stands exactly once in its file."""

import ast

TABLE = "tests/mutants/table.py"


def rows(source):
    """(line, file, text) of each seeded bug."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "MUTANTS":
            for row in node.value.elts:
                path, text = (ast.literal_eval(each) for each in row.elts[:2])
                yield row.lineno, path, text


def check(tree):
    if TABLE not in tree.paths:
        return
    for line, path, text in rows(tree.text(TABLE)):
        if path not in tree.paths:
            yield TABLE, line, f"there is no file {path}"
        elif tree.text(path).count(text) != 1:
            yield TABLE, line, f"{path} has {tree.text(path).count(text)} times {text!r}"
