#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The boot runner: a guest that fails, hangs, panics or stops early must not pass."""

import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RUNNER = os.path.join(HERE, "..", "boot", "run_boot.py")


def boot(guest, *options, status=0):
    environment = {**os.environ, "BATON_QEMU": os.path.join(HERE, "fake_qemu.py"),
                   "FAKE_GUEST": guest, "FAKE_STATUS": str(status)}
    done = subprocess.run([sys.executable, "-B", RUNNER, "--kernel", "k", *options],
                          env=environment, stdout=subprocess.PIPE, text=True, check=False,
                          timeout=60)
    cases = [line for line in done.stdout.splitlines() if line.startswith(("ok", "not ok"))]
    return done.returncode, cases, done.stdout


class RunBoot(unittest.TestCase):
    def failing(self, cases, text):
        """Exactly one failing case, and it says `text`."""
        bad = [case for case in cases if case.startswith("not ok")]
        self.assertEqual(len(bad), 1, bad)
        self.assertIn(text, bad[0])

    def test_good_guest_passes_and_keeps_directives(self):
        status, cases, out = boot("good", "--tap")
        self.assertEqual(status, 0)
        self.assertIn("ok 2 - b # SKIP not here", cases)
        self.assertIn("1..4", out.splitlines())

    def test_failing_case(self):
        status, cases, _ = boot("failing")
        self.assertEqual(status, 1)
        self.failing(cases, "2 - b")

    def test_plan_not_kept(self):
        self.failing(boot("short")[1], "1 cases ran, 3 planned")

    def test_bail_out(self):
        self.failing(boot("bail")[1], "Bail out! no memory")
        cases = boot("bail", "--expect-text=^Bail out! no time")[1]
        self.assertTrue([case for case in cases if case.startswith("not ok") and "planned" in case])
        cases = boot("bail", "--expect-text=^Bail out! no mem")[1]
        self.assertFalse([case for case in cases if "planned" in case])

    def test_no_plan_where_one_is_due(self):
        self.assertEqual(boot("quiet")[0], 0)
        self.failing(boot("quiet", "--tap")[1], "None planned")

    def test_panic(self):
        self.failing(boot("panic")[1], "no kernel panic")

    def test_exit_status(self):
        self.failing(boot("quiet", status=3)[1], "exit status 3")
        self.assertEqual(boot("quiet", "--expect-exit", "3", status=3)[0], 0)
        self.failing(boot("quiet", "--expect-exit", "3")[1], "expected 3")

    def test_expected_failure(self):
        options = ("--expect-panic", "--expect-exit", "fail", "--expect-text", "initial RAM disk")
        self.assertEqual(boot("panic", *options, status=1)[0], 0)
        self.failing(boot("panic", *options)[1], "expected fail")
        self.failing(boot("quiet", *options, status=1)[1], "initial RAM disk")

    def test_time_limit(self):
        for guest in ("hang", "endless"):
            status, cases, out = boot(guest, "--timeout", "1", "--repeat", "3")
            self.assertEqual(status, 1)
            self.failing(cases, "finished within 1 s")
        self.assertIn("#     spam", out)

    def test_every_boot_is_repeated(self):
        self.assertEqual(len(boot("good", "--repeat", "3")[1]), 12)

    def test_missing_emulator(self):
        done = subprocess.run([sys.executable, "-B", RUNNER, "--kernel", "k"],
                              env={**os.environ, "BATON_QEMU": "/nonexistent"},
                              stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Bail out!", done.stdout)


if __name__ == "__main__":
    unittest.main()
