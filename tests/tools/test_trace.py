#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`baton trace`: what recordings mean, what is lost, damaged ones, and the way through JSON and back."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "baton"))

import cli  # noqa: E402
import trace  # noqa: E402
from term import Failure  # noqa: E402

SWITCH, UPCALL, IDLE, READY, SYSCALL = trace.SWITCH, trace.UPCALL, trace.IDLE, trace.READY, 1
NAMES = {5: "a", 6: "b"}


def chunk(cpu, first, records):
    return (trace.CHUNK.pack(trace.MAGIC, cpu, first, len(records))
            + b"".join(trace.RECORD.pack(*record) for record in records))


def rebuild(*chunks):
    return trace.Rebuild(*trace.read_records(b"".join(chunks)), NAMES).timeline


# CPU 0: a runs, is preempted, b runs; a goes to CPU 1, which idled.
CPU0 = [(1000, READY, 5, 0), (1100, UPCALL, 1, 1), (1300, SWITCH, 5, 9), (4000, READY, 6, 0),
        (5000, READY, 5, 0), (5100, UPCALL, 4, 2), (5300, SWITCH, 6, 9), (9300, UPCALL, 2, 1),
        (9400, IDLE, 1, 0)]
CPU1 = [(500, IDLE, 1, 0), (5900, IDLE, 0, 0), (6000, UPCALL, 1, 1), (6100, SWITCH, 5, 9),
        (8000, SYSCALL, 3, 3), (8100, UPCALL, 2, 1), (8200, IDLE, 1, 0), (9400, IDLE, 0, 0)]


class Recording(unittest.TestCase):
    def test_stretches_waits_and_migrations(self):
        timeline = rebuild(chunk(0, 0, CPU0), chunk(1, 0, CPU1))
        runs = [(cpu, start, end, name) for cpu, start, end, kind, name in timeline.stretches
                if kind == trace.RUN]
        self.assertEqual(sorted(runs), [(0, 1300, 5000, "a"), (0, 5300, 9300, "b"), (1, 6100, 8100, "a")])
        self.assertEqual(timeline.waits, {"a": [300, 1100], "b": [1300]})
        self.assertEqual(timeline.migrations, [(6100, 0, 1, "a")])
        self.assertEqual([name for _, _, name in timeline.wakes], ["a", "b"])
        self.assertEqual((timeline.records, timeline.lost, timeline.cpus), (17, 0, 2))

    def test_who_goes_on_after_a_decision_has_not_waited(self):
        timeline = rebuild(chunk(0, 0, [(10, SWITCH, 5, 9), (50, READY, 5, 0), (60, UPCALL, 4, 1),
                                        (90, SWITCH, 5, 9), (200, UPCALL, 2, 1)]))
        self.assertEqual(timeline.waits, {})
        self.assertEqual([each[0] for each in trace.runs_of(timeline)], [True, False])

    def test_idling_begins_a_new_run(self):
        timeline = rebuild(chunk(0, 0, [(10, SWITCH, 5, 9), (50, UPCALL, 2, 1), (60, IDLE, 1, 0),
                                        (9000, IDLE, 0, 0), (9010, UPCALL, 1, 1), (9100, SWITCH, 5, 9),
                                        (9200, IDLE, 1, 0)]))
        self.assertEqual([each[0] for each in trace.runs_of(timeline)], [True, True])

    def test_names_of_those_that_have_none(self):
        balancer = 5120 - 2 * 256 + 3  # of CPU 3, first instance
        timeline = rebuild(chunk(0, 0, [(10, SWITCH, balancer, 9), (20, SWITCH, 9, 9), (30, IDLE, 1, 0)]))
        self.assertEqual([each[4] for each in timeline.stretches], ["balancer-3", "thread 9"])

    def test_records_that_come_twice_count_once(self):
        again = rebuild(chunk(0, 0, CPU0[:6]), chunk(0, 4, CPU0[4:]), chunk(1, 0, CPU1))
        self.assertEqual(again.stretches, rebuild(chunk(0, 0, CPU0), chunk(1, 0, CPU1)).stretches)
        self.assertEqual((again.records, again.lost), (17, 0))

    def test_a_gap_is_counted(self):
        self.assertEqual(rebuild(chunk(0, 256, CPU0[:3]), chunk(0, 266, CPU0[3:])).lost, 7)

    def test_damage_is_told(self):
        good = chunk(0, 0, CPU0)
        for data in (good[:-1], good + b"x", good + bytes(32), b"BtnTrac1" + bytes([255]) * 24,
                     chunk(2**40, 0, CPU0)):
            with self.subTest(size=len(data)), self.assertRaises(Failure):
                trace.read_records(data)


class File(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def path(self, name, data=None):
        path = os.path.join(self.directory.name, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def run_trace(self, *words):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            status = cli.main(["trace", *words])
        return status, out.getvalue()

    def test_recording_to_json_and_back_says_the_same(self):
        recording = self.path("r", chunk(0, 0, CPU0) + chunk(1, 0, CPU1))
        status, first = self.run_trace(recording, "--output", self.path("out.json"))
        self.assertEqual(status, 0)
        with open(self.path("out.json"), encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
        self.assertEqual(sum(e["ph"] == "X" and e["cat"] == "run" for e in events), 3)
        status, second = self.run_trace(self.path("out.json"))
        self.assertEqual((status, second), (0, first))
        self.assertIn("17 records, 0 lost", first)

    def test_the_summary_is_aligned(self):
        _, text = self.run_trace(self.path("r", chunk(0, 0, CPU0) + chunk(1, 0, CPU1)))
        for head in ("  task", "  cpu"):
            lines = text[text.index(head):].split("\n\n")[0].rstrip("\n").split("\n")
            self.assertEqual(len({len(line) for line in lines}), 1, lines)

    def test_what_is_no_trace(self):
        for data, words in ((b"", "nothing was recorded"), (b"x", "neither"), (b"[1]", "no trace"),
                            (b'{"traceEvents": 3}', "no trace")):
            with self.subTest(data=data), self.assertRaises(Failure) as caught:
                self.run_trace(self.path("t", data))
            self.assertIn(words, str(caught.exception))
        with self.assertRaises(Failure) as caught:
            self.run_trace(self.path("deep", b"[" * 100000))
        self.assertIn("neither", str(caught.exception))
        with self.assertRaises(Failure) as caught:
            self.run_trace(self.path("missing"))
        self.assertIn("No such file", str(caught.exception))

    def test_the_event_that_is_wrong_is_told(self):
        good = {"ph": "X", "cat": "run", "pid": 0, "tid": 0, "name": "a", "ts": 1.5, "dur": 2}
        wake = {"ph": "i", "cat": "wake", "tid": 0, "ts": 1, "args": {"task": "a"}}
        move = {"ph": "i", "cat": "migrate", "tid": 0, "ts": 1, "args": {"task": "a", "from": 1}}
        text = json.dumps({"traceEvents": [good, wake, move]}).encode()
        self.assertEqual(self.run_trace(self.path("t", text))[0], 0)
        for wrong in (5, {"ph": "X"}, {**good, "tid": "0"}, {**good, "tid": -1}, {**good, "tid": 10**22},
                      {**good, "tid": 256}, {**good, "ts": float("nan")}, {**good, "ts": -1},
                      {**good, "dur": float("inf")}, {**good, "dur": None}, {**good, "name": []},
                      {**good, "cat": None}, {**wake, "args": {}}, {**wake, "args": 5},
                      {**move, "args": {"task": "a", "from": "b"}}):
            text = json.dumps({"traceEvents": [good, wrong]}).encode()
            with self.subTest(wrong=wrong), self.assertRaises(Failure) as caught:
                self.run_trace(self.path("t", text))
            self.assertIn("traceEvents[1] is not", str(caught.exception))
        for other in (5, {"records": "x"}, {"waits_ns": {"a": 5}}, {"waits_ns": {"a": ["b"]}}):
            text = json.dumps({"traceEvents": [good], "otherData": other}).encode()
            with self.subTest(other=other), self.assertRaises(Failure) as caught:
                self.run_trace(self.path("t", text))
            self.assertIn("otherData is not", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
