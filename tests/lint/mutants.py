# SPDX-License-Identifier: BSD-2-Clause
"""tests/mutants/ and the models: the text of every seeded bug stands exactly once in its file."""

import ast

TABLES = ("tests/model/protocol/mutants.py", "tests/mutants/table.py",
          "tests/mutants/table_fastpath.py", "tests/mutants/table_groups.py",
          "tests/mutants/table_kernel.py", "tests/mutants/table_machine.py",
          "tests/mutants/table_sched.py", "tests/mutants/table_servers.py")


def rows(source):
    """(line, file, text) of each seeded bug."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "MUTANTS":
            for row in node.value.elts:
                path, text = (ast.literal_eval(each) for each in row.elts[:2])
                yield row.lineno, path, text


def check(tree):
    for table in TABLES:
        if table in tree.paths:
            yield from check_table(tree, table)


def check_table(tree, table):
    for line, path, text in rows(tree.text(table)):
        if path not in tree.paths:
            yield table, line, f"there is no file {path}"
        elif tree.text(path).count(text) != 1:
            yield table, line, f"{path} has {tree.text(path).count(text)} times {text!r}"
