#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The archive builder: alignment, order, replacement, refusal of what is no archive of ours."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))

import mkarchive  # noqa: E402

FILES = [("a", b"x" * 10000), ("dir/b", b"1"), ("empty", b""), ("elf", b"\x7fELF" + bytes(4092)),
         ("name-" + "n" * 200, b"long name")]


class MakeArchive(unittest.TestCase):
    def test_round_trip_keeps_order_and_aligns_data(self):
        found = list(mkarchive.parse(mkarchive.build(FILES)))
        self.assertEqual([(name, data) for name, data, _ in found], FILES)
        for name, _, offset in found:
            self.assertEqual(offset % 4096, 0, name)

    def test_same_input_gives_same_bytes(self):
        self.assertEqual(mkarchive.build(FILES), mkarchive.build(FILES))

    def test_every_length_up_to_two_pages(self):
        for length in range(0, 8200, 7):
            blob = mkarchive.build([("a", b"z" * length), ("b", b"y")])
            found = list(mkarchive.parse(blob))
            self.assertEqual([len(data) for _, data, _ in found], [length, 1])
            self.assertEqual(found[1][2] % 4096, 0)

    def test_replace_and_append(self):
        changed = mkarchive.replace(FILES, [("dir/b", b"22"), ("new", b"3")])
        self.assertEqual(dict(changed)["dir/b"], b"22")
        self.assertEqual([name for name, _ in changed], [name for name, _ in FILES] + ["new"])

    def test_refuses_what_is_no_archive(self):
        whole = mkarchive.build(FILES)
        for blob in (b"", b"junk" * 100, whole[:5000], whole.replace(b"070701", b"070702")):
            with self.assertRaises(mkarchive.ArchiveError):
                list(mkarchive.parse(blob))

    def test_refuses_bad_names(self):
        for name in ("", "TRAILER!!!", "a\0b"):
            with self.assertRaises(mkarchive.ArchiveError):
                mkarchive.build([(name, b"")])

    def test_command_line_reports_a_missing_file(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out.cpio")
            done = subprocess.run([sys.executable, "-B", mkarchive.__file__, "create", "-o", out,
                                   "a=/nonexistent"], stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("/nonexistent", done.stderr)
            self.assertFalse(os.path.exists(out))

    @unittest.skipUnless(shutil.which("cpio"), "cpio is not installed")
    def test_cpio_lists_it(self):
        done = subprocess.run(["cpio", "-t", "--quiet"], input=mkarchive.build(FILES),
                              stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout.decode().split(), [name for name, _ in FILES])


if __name__ == "__main__":
    unittest.main()
