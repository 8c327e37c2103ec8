#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`baton bench --breakdown`: what belongs to an operation, what an instruction is, what a file stands for."""

import collections
import os
import sys
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools", "baton"))

import bench_count  # noqa: E402
from term import Failure  # noqa: E402

BEGIN, END = f"{0x100:016x}", f"{0x200:016x}"


def address(number):
    return f"{number:016x}"


def counted(text):
    """Operations after a text of addresses: B and E are the marks, digits other addresses."""
    found = bench_count.Operations({BEGIN}, {END})
    for word in text:
        found.step({"B": BEGIN, "E": END}.get(word) or address(int(word)))
    return found


class Windows(unittest.TestCase):
    def test_only_what_is_between_counts(self):
        found = counted("1B22E3B2E4")
        self.assertEqual(found.windows, 2)
        self.assertEqual(found.counts, collections.Counter({address(2): 3}))

    def test_a_second_begin_starts_anew(self):
        self.assertEqual(counted("B111B2E").counts, collections.Counter({address(2): 1}))

    def test_an_end_without_a_begin_is_nothing(self):
        self.assertEqual(counted("1E1E").windows, 0)

    def test_average_of_windows_with_one_operation_or_all(self):
        row = {"id": "r", "n": 3}
        average, _, count = bench_count.per_operation(counted("B1122EB1122EB1122E"), [row])
        self.assertEqual((average, count), ({1: 2.0, 2: 2.0}, 3))
        average, _, count = bench_count.per_operation(counted("B111222E"), [row])
        self.assertEqual((average, count), ({1: 1.0, 2: 1.0}, 3))

    def test_rare_instructions_are_left_out(self):
        average, _, _ = bench_count.per_operation(counted("B" + "1" * 100 + "2E"), [{"id": "r", "n": 100}])
        self.assertEqual(average, {1: 1.0})

    def test_no_row_or_no_marks_is_an_error(self):
        for rows, text in (([], "B1E"), ([{"id": "a", "n": 1}, {"id": "b", "n": 1}], "B1E"),
                           ([{"id": "a", "n": 1}], "11")):
            with self.assertRaises(Failure):
                bench_count.per_operation(counted(text), rows)

    def test_a_program_without_marks_is_an_error(self):
        with self.assertRaises(Failure):
            bench_count.marks(types.SimpleNamespace(path="p", text={0: "nop", 4: "hint #0x50"}))
        self.assertEqual(bench_count.marks(types.SimpleNamespace(
            path="p", text={0x100: "hint\t#0x50", 0x200: "hint\t#0x51", 0x300: "hint\t#0x510"})),
            [{BEGIN}, {END}])


class Instructions(unittest.TestCase):
    def test_counters(self):
        texts = {0: "msr\tttbr0_el1, x1", 4: "isb", 8: "dsb\tish", 12: "ldaxr\tw1, [x2]",
                 16: "stlxr\tw0, w1, [x2]", 20: "casal\tw1, w2, [x3]", 24: "ldar\tx1, [x2]",
                 28: "stlr\tx1, [x2]", 64: "tlbi\tvmalle1", 68: "msr\tcntv_cval_el0, x1",
                 72: "mrs\tx1, cntvct_el0", 76: "udiv\tx1, x2, x3", 80: "eret",
                 84: "msr\tdaifclr, #0x2", 88: "msr\telr_el1, x3", 92: "stp\tx1, x2, [sp]"}
        found = dict(bench_count.counters({each: 2.0 for each in texts}, texts))
        self.assertEqual(found, {
            "exception returns": 2, "writes of TTBR0": 2, "writes of the timer": 2,
            "reads of the counter": 2, "other system registers written": 2, "TLB invalidations": 2,
            "instruction barriers (ISB)": 2, "data barriers (DMB, DSB)": 2, "atomic updates": 4,
            "load-acquire, store-release": 4, "divisions": 2, "cache lines of instructions": 2})

    def test_parts(self):
        for path, part in (("/x/baton/build-virt/../kernel/dispatch/event.c", "kernel/dispatch/event.c"),
                           ("../servers/sched/policy/eevdf/pick.c", "servers/sched/policy"),
                           ("../servers/sched/core/event.c", "servers/sched/core"),
                           ("../libsys/programs/bench/ipc.c", "the measured program"),
                           ("??", "?")):
            self.assertEqual(bench_count.part_of(path), part)

    def test_code_from_a_header_belongs_to_who_includes_it(self):
        chain = ["inner", "/b/kernel/include/kern/list.h:3", "event_post", "/b/kernel/dispatch/event.c:9"]
        self.assertEqual(bench_count.outermost(chain), ("event_post", "/b/kernel/dispatch/event.c"))
        self.assertEqual(bench_count.outermost(["f", "a.h:3"]), ("f", "a.h"))


if __name__ == "__main__":
    unittest.main()
