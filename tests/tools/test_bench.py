#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`baton bench`: reading the guest's lines, the table, comparing, the device tree, exit statuses."""

import contextlib
import io
import json
import os
import struct
import sys
import tempfile
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools", "baton"))

import bench  # noqa: E402
import bench_guest  # noqa: E402
import bench_rows  # noqa: E402
import bench_size  # noqa: E402
import virtual  # noqa: E402
import cli  # noqa: E402
from term import Failure  # noqa: E402


class FakeBuild:
    def file(self, *_):
        return "kernel.elf"


class FakeMachine(bench_guest.Machine):
    """A machine that needs no build; its emulator is fake."""

    def prepare(self, *_):
        self.kernel, self.archive, self.build = "k", "a", FakeBuild()


def fake_bench(*words, guest="bench", status=0):
    """`baton bench` in this process; (exit status, standard output, standard error)."""
    environment = {"BATON_QEMU": os.path.join(HERE, "fake_qemu.py"), "FAKE_GUEST": guest,
                   "FAKE_STATUS": str(status)}
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, environment), \
            mock.patch.object(bench_guest, "Machine", FakeMachine), \
            mock.patch.object(bench, "BOOTS", ((1, ""),)), \
            mock.patch.object(bench, "wall_rows", lambda _: []), \
            mock.patch.object(bench_size, "text_bytes", lambda _: 30000), \
            contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = cli.main(["bench", *words])
    return result, out.getvalue(), err.getvalue()


def figures(identity, median):
    return {"id": identity, "unit": "insns", "n": 1, "min": median, "median": median, "max": median}


class Lines(unittest.TestCase):
    def test_a_figure(self):
        self.assertEqual(bench_rows.parse_line("@@BATON-BENCH a.b us 7 1.5 2.0 3.0 (so)\r"),
                         {"id": "a.b", "unit": "us", "n": 7, "min": 1.5, "median": 2.0, "max": 3.0,
                          "note": "(so)"})
        self.assertNotIn("note", bench_rows.parse_line("@@BATON-BENCH a us 7 1 2 3 "))

    def test_others(self):
        self.assertIsNone(bench_rows.parse_line("proc: ready"))
        self.assertIsNone(bench_rows.parse_line("@@BATON-BENCH a us x 1 2 3"))


class Compare(unittest.TestCase):
    def test_three_percent(self):
        old = [figures("ipc_call_0", 1000)]
        for median, worse in ((1030, []), (1031, ["ipc_call_0"]), (500, [])):
            self.assertEqual(bench.compare(old, [figures("ipc_call_0", median)])[1], worse)

    def test_a_ratio_has_an_ideal(self):
        old = [figures("nice_0_5", 3.05)]
        self.assertEqual(bench.compare(old, [figures("nice_0_5", 3.06)])[1], [])
        self.assertEqual(bench.compare(old, [figures("nice_0_5", 2.5)])[1], ["nice_0_5"])
        self.assertEqual(bench.compare(old, [figures("nice_0_5", 3.5)])[1], ["nice_0_5"])

    def test_zero_before(self):
        lines, worse = bench.compare([figures("x", 0)], [figures("x", 0)])
        self.assertEqual((len(lines), worse), (1, []))
        self.assertEqual(bench.compare([figures("x", 0)], [figures("x", 1)])[1], ["x"])

    def test_rows_that_come_and_go(self):
        lines, worse = bench.compare([figures("gone", 1)], [figures("new", 1)])
        self.assertEqual(worse, [])
        self.assertIn("not measured before", lines[0])
        self.assertIn("not measured this time", lines[1])


class Table(unittest.TestCase):
    def test_every_known_row_is_there_or_explained(self):
        text = "\n".join(bench.table([figures("null_syscall", 124), figures("other", 1)], None))
        for known in bench.ROWS:
            self.assertIn(known.id, text)
        self.assertIn("other", text)
        self.assertIn("irq_user: not measured", text)

    def test_ids_are_unique(self):
        ids = [known.id for known in bench.ROWS]
        self.assertEqual(len(ids), len(set(ids)))


class Tree(unittest.TestCase):
    def tree(self, cpus):
        body = b"".join(b"\0\0\0\1cpu@%d\0..device_type..cpu\0" % i for i in range(cpus))
        header = struct.pack(">10I", 0xd00dfeed, 1 << 20, 40, 40 + len(body), 0, 17, 16, 0, 4,
                             len(body))
        return header + body + b"strs" + bytes(1 << 12)

    def test_every_second_cpu_is_hidden(self):
        blob = virtual.tree_hide_cpus(self.tree(3), 3)
        self.assertEqual([blob.count(b"cpu@%d" % i) for i in range(3)], [1, 0, 1])
        self.assertEqual((blob.count(b"..cpu\0"), blob.count(b"..off\0")), (2, 1))
        self.assertEqual(struct.unpack(">10I", blob[:40])[1], len(blob))
        self.assertIn(b"strs", blob)

    def test_more_than_ten(self):
        blob = virtual.tree_hide_cpus(self.tree(15), 15)
        self.assertEqual((blob.count(b"..cpu\0"), blob.count(b"..off\0")), (8, 7))

    def test_another_tree(self):
        with self.assertRaises(Failure):
            virtual.tree_hide_cpus(self.tree(1), 3)


class Elf(unittest.TestCase):
    def test_size_of_text(self):
        names = b"\0.data\0.text\0"
        sections = [(0, 0, 0), (1, 0, 8), (7, 0, 1234), (0, 64, len(names))]
        header = bytearray(b"\x7fELF\x02\x01".ljust(64, b"\0"))
        struct.pack_into("<Q", header, 0x28, 64 + len(names))
        struct.pack_into("<HHH", header, 0x3a, 64, len(sections), 3)
        table = b"".join(struct.pack("<IIQQQQ", name, 1, 0, 0, at, size).ljust(64, b"\0")
                         for name, at, size in sections)
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(header) + names + table)
            file.flush()
            self.assertEqual(bench_size.text_bytes(file.name), 1234)

    def test_no_elf(self):
        with self.assertRaises(Failure):
            bench_size.text_bytes(__file__)


    def test_lines_of_c(self):
        text = """/* one
two */ int a; // three

int b; /* four */
char c = '"', d[] = "/* no comment */";
\t/* five */
"""
        self.assertEqual(bench_size.code_lines(text), 3)

    def test_lines_of_python(self):
        self.assertEqual(bench_size.code_lines("# one\n\na = 1  # two\n  # three\nb = '# four'\n", True), 2)


class Command(unittest.TestCase):
    def test_results_and_comparison(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "r.json")
            status, out, err = fake_bench("--json", path)
            self.assertEqual(status, 0, err)
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
            self.assertEqual(document["schema"], 1)
            self.assertTrue(document["run"]["commit"])
            rows = {row["id"]: row for row in document["rows"]}
            self.assertEqual(set(rows), {"kernel_text", "null_syscall", "sleep_1ms.p50_us",
                                         *(f"code_lines.{part}" for part in bench_rows.PARTS)})
            self.assertGreater(rows["code_lines.kernel"]["median"], 1000)
            self.assertIn("null_syscall", out)
            self.assertEqual(fake_bench("--compare", path)[0], 0)
            rows["null_syscall"]["median"] = 100
            rows["code_lines.kernel"]["median"] = 100
            with open(path, "w", encoding="utf-8") as file:
                json.dump(document, file)
            status, out, err = fake_bench("--compare", path)
        self.assertEqual(status, 1)
        self.assertIn("WORSE", out)
        self.assertIn("null_syscall", err)
        self.assertNotIn("code_lines", err, "more lines are not worse")

    def test_unknown_rows_are_refused(self):
        for words in (("--only", "nosuch"), ("--breakdown", "nosuch"), ("--breakdown", "ipc_call")):
            with self.assertRaises(Failure) as caught:
                fake_bench(*words)
            self.assertIn("there is: null_syscall", str(caught.exception))

    def test_only_a_size(self):
        status, out, err = fake_bench("--only", "kernel_text")
        self.assertEqual(status, 0, err)
        self.assertIn("30000", out)
        self.assertNotIn("not measured", out)

    def test_guest_failure_fails(self):
        status, _, err = fake_bench(status=1)
        self.assertEqual(status, 1)
        self.assertIn("ended early", err)

    def test_no_results_to_compare_with(self):
        for path, text in (("/nonexistent", "No such file"), (__file__, "no results")):
            with self.assertRaises(Failure) as caught:
                fake_bench("--compare", path)
            self.assertIn(text, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
