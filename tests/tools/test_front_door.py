#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The front door: options, the filter of the console, digests, results, exit statuses."""

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools", "baton"))

import cli  # noqa: E402
import epitaph  # noqa: E402
import files  # noqa: E402
import packages  # noqa: E402
import run as run_module  # noqa: E402
from build import BuildDir  # noqa: E402
from console import Console, compare_digests  # noqa: E402
from qemu import Board, Guest, emulator_version, end_emulator, warn_if_old  # noqa: E402
from term import EXIT_TIMEOUT, Failure  # noqa: E402
from virtual import virtual_command  # noqa: E402


def baton(*words, **more):
    return subprocess.run([os.path.join(ROOT, "baton"), *words], check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **more)


class FakeMachine(run_module.Machine):
    """A machine that needs no build: the emulator is fake and so is the boot archive."""

    def prepare(self, *groups):
        self.build = BuildDir("debug")
        self.kernel, self.archive = "k", "a"
        self.entries = [("b", b"contents")]


def fake_run(guest, *words, status=0, digest=None):
    """`baton run` in this process; (exit status, standard output, standard error)."""
    environment = {"BATON_QEMU": os.path.join(HERE, "fake_qemu.py"), "FAKE_GUEST": guest,
                   "FAKE_STATUS": str(status),
                   "FAKE_DIGEST": digest or hashlib.sha256(b"contents").hexdigest()}
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, environment), \
            mock.patch.object(run_module, "Machine", FakeMachine), \
            contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = cli.main(["run", *words])
    return result, out.getvalue(), err.getvalue()


@contextlib.contextmanager
def fake_debugger(script, guest="hang"):
    """`baton debug` with this shell script for gdb, and nothing to build."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gdb-multiarch")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)
        environment = {"BATON_QEMU": os.path.join(HERE, "fake_qemu.py"), "FAKE_GUEST": guest,
                       "PATH": folder + ":" + os.environ["PATH"]}
        with mock.patch.dict(os.environ, environment), \
                mock.patch.object(run_module, "Machine", FakeMachine), \
                contextlib.redirect_stderr(io.StringIO()):
            yield


class Run(unittest.TestCase):
    def test_good_run_shows_console_without_marks(self):
        status, out, err = fake_run("results")
        self.assertEqual(status, 0, err)
        self.assertEqual(out, "hi\nbye\n")
        self.assertIn("same: the SHA-256 of 1 file of the boot archive", err)

    def test_wrong_digest_fails(self):
        status, _, err = fake_run("results", digest="0" * 64)
        self.assertEqual(status, 1)
        self.assertIn("DIFFERENT", err)

    def test_standard_workload_owes_digests(self):
        self.assertEqual(fake_run("quiet")[0], 1)
        self.assertEqual(fake_run("quiet", "--run", "other")[0], 0)

    def test_guest_failure_is_the_command_s(self):
        status, _, err = fake_run("results", status=3)
        self.assertEqual(status, 1)
        self.assertIn("exit status 3", err)

    def test_panic_fails_whatever_the_status(self):
        status, _, err = fake_run("panic", "--run", "other")
        self.assertEqual(status, 1)
        self.assertIn("no initial RAM disk", err)

    def test_a_policy_that_was_given_up_fails_the_workload(self):
        """A program may want that; whoever asks for a policy and a workload does not."""
        status, _, err = fake_run("given_up", "--workload", "w.json")
        self.assertEqual(status, 1)
        self.assertIn("the kernel's rotation stayed in charge", err)
        self.assertEqual(fake_run("given_up", "--run", "other")[0], 0)

    def test_an_epitaph_is_kept_whole(self):
        console = Console()
        for line in ("hi", "", "Baton: the kernel cannot go on (CPU 1)", "PANIC: x",
                     "  at 5 ns, called from 8"):
            console.feed(line)
        self.assertEqual(console.epitaph[0], "Baton: the kernel cannot go on (CPU 1)")
        self.assertEqual(len(console.epitaph), 3)

    def test_a_fault_of_the_scheduler_server_is_kept(self):
        console = Console()
        for line in ("thread tag 0 is a dispatcher: translation fault; w0 = address 8, pc 302ca1c, access 2",
                     "thread tag 7 stopped: translation fault; w0 = address 8, pc 1000, access 2"):
            console.feed(line)
        self.assertEqual(epitaph.named(console.faults, [(0x302ca00, "deep"), (0x302d000, "end")]),
                         ["302ca1c is in deep+0x1c"])

    def test_time_limit_tells_the_last_lines(self):
        # The emulator that hangs is a script, which needs its time to say so on a busy host.
        status, _, err = fake_run("hang", "--timeout", "5")
        self.assertEqual(status, EXIT_TIMEOUT)
        self.assertIn("    partial", err)

    def test_time_limit_of_a_guest_that_is_silent(self):
        status, _, err = fake_run("silent", "--timeout", "0.1", "--cpu", "cortex-a15")
        self.assertEqual(status, EXIT_TIMEOUT)
        self.assertIn("printed nothing; is cortex-a15 a CPU of 64 bits?", err)

    def test_a_time_limit_is_a_number(self):
        for words in (("run", "--timeout"), ("bench", "--timeout"), ("test", "--rounds")):
            for value in ("nan", "inf", "-1", "soon"):
                with self.subTest(words=words, value=value), contextlib.redirect_stderr(io.StringIO()) as err:
                    with self.assertRaises(SystemExit) as caught:
                        cli.make_parser().parse_args([*words, value])
                    self.assertEqual(caught.exception.code, 2)
                    self.assertIn(words[1], err.getvalue())

    def test_results_are_merged_with_facts(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "r.json")
            self.assertEqual(fake_run("results", "--json", path, "--cpus", "2")[0], 0)
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
        run = document["run"]
        self.assertEqual((document["schema"], run["policy"], run["cpus"], run["board"], run["build"]),
                         (1, "x", 2, "qemu-virt", "release"))
        self.assertIn("-smp", run["qemu"])
        self.assertTrue(run["commit"])

    def test_cut_results_fail(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "r.json")
            status, _, err = fake_run("cut", "--run", "x", "--json", path)
            self.assertFalse(os.path.exists(path))
        self.assertEqual(status, 1)
        self.assertIn("inside its results", err)

    def test_options_become_arguments(self):
        _, _, err = fake_run("results", "--show-command", "--policy", "rr", "--place", "home",
                             "--boot-arg", "loglevel=3", "--gic", "2", "--el2", "--cpu", "max",
                             "--", "-d", "int")
        for part in ("-append 'sched=rr place=home loglevel=3'", "gic-version=2,virtualization=on",
                     "-cpu max", "-d int", "-initrd a"):
            self.assertIn(part, err)

    def test_a_workload_may_name_its_program(self):
        self.assertEqual(fake_run("quiet", "--run", "workload", "--workload", "w")[0], 0)

    def test_refused_options(self):
        for words, text in ((("--cpus", "0"), "1 to 256"), (("--cpus", "257"), "1 to 256"),
                            (("--cpus", "9", "--gic", "2"), "with GICv2"),
                            (("--gic", "4"), "versions 2, 3"), (("--policy", "a b"), "white space"),
                            (("--policy", "nosuch"), "eevdf rr fifo"), (("--place", "nosuch"), "home"),
                            (("--run", ""), "name of a program"), (("--workload", ""), "name of a file"),
                            (("--run", "hog,1", "--workload", "w"), "leave out --run or --workload"),
                            (("--trace", "/nonexistent/t"), "written"),
                            (("--json", "/nonexistent/r.json"), "written"), (("--json", ROOT), "written"),
                            (("--board", "toaster"), "there is: qemu-virt"),
                            (("--boot-arg", "x"), "KEY=VALUE"), (("--shell", "--json", "x"), "alone")):
            with self.assertRaises(Failure) as caught:
                fake_run("results", *words)
            self.assertIn(text, str(caught.exception))


class Debug(unittest.TestCase):
    def test_options_do_for_a_machine(self):
        """debug has fewer options than run; the machine must not ask for one that is missing."""
        args = cli.make_parser().parse_args(["debug", "--cpus", "2", "--policy", "rr"])
        args.clock = "host"
        machine = run_module.Machine(args, "scratch")
        self.assertEqual((machine.cpus, machine.bootargs), (2, "sched=rr"))

    def test_an_interrupt_is_the_debuggers(self):
        """Ctrl-C stops the guest; gdb, and with it the session, goes on."""
        with fake_debugger("kill -INT $PPID; exit 7"):
            self.assertEqual(cli.main(["debug"]), 7)
        with self.assertRaises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

    def test_an_emulator_that_ends_at_once(self):
        with fake_debugger("exit 0", guest="quiet"), self.assertRaises(Failure) as caught:
            cli.main(["debug"])
        self.assertIn("did not start", str(caught.exception))


class Pieces(unittest.TestCase):
    def test_digest_of_an_unknown_file(self):
        self.assertIn("no such file", compare_digests([("no", "00")], [("b", b"")])[0])

    def test_two_result_blocks_keep_the_last(self):
        console = Console()
        for line in ("@@BATON-JSON-BEGIN", "{", "@@BATON-JSON-END", "@@BATON-JSON-BEGIN\r", '{"a":1}',
                     "@@BATON-JSON-END"):
            self.assertIsNone(console.feed(line))
        self.assertEqual(console.results()[0], {"a": 1})

    def test_guest_is_not_left_behind(self):
        with Guest(["sleep", "600"], 5) as guest:
            process = guest.process
        self.assertIsNotNone(process.returncode)

    def test_the_emulator_is_asked_before_it_is_killed(self):
        """It has set the terminal, and only it can set that back."""
        script = ("import signal, sys\n"
                  "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(5))\n"
                  "print('ready', flush=True)\n"
                  "signal.pause()")
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as emulator:
            emulator.stdout.readline()
            end_emulator(emulator)
        self.assertEqual(emulator.returncode, 5)

    def test_board_leaves_out_what_is_not_there(self):
        command = Board(ROOT, "qemu-virt").command({"kernel": "k"})
        self.assertNotIn("-initrd", command)
        self.assertNotIn("-append", command)

    def test_an_old_emulator_is_told(self):
        program = os.path.join(HERE, "fake_qemu.py")
        for version, told in (("5.2.0", True), ("7.1.9", True), ("7.2.0", False), ("10.0.1", False),
                              ("of its own", False)):
            emulator_version.cache_clear()
            with self.subTest(version=version), mock.patch.dict(os.environ, {"FAKE_VERSION": version}), \
                    contextlib.redirect_stderr(io.StringIO()) as err:
                warn_if_old(program)
                self.assertEqual("tested with 7.2" in err.getvalue(), told)
        emulator_version.cache_clear()

    def test_a_machine_that_the_emulator_refuses(self):
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.dict(os.environ, {"BATON_QEMU": "/bin/false"}), \
                self.assertRaises(Failure) as caught:
            virtual_command(Board(ROOT, "qemu-virt"), {"kernel": "k"}, (), (), folder)
        self.assertIn("refuses this machine: exit status 1", str(caught.exception))

    def test_addresses_of_an_epitaph_get_names(self):
        table = [(0xffffffffc0000000, "start"), (0xffffffffc0000100, "one"), (0xffffffffc0000200, "two"),
                 (0xffffffffc0000300, "text_end")]
        lines = ["  pc  ffffffffc0000108  pstate 800003c5  esr 86000005  far ffffffffc0000110",
                 "PANIC: synchronous exception of kernel at ffffffffc0000108, syndrome 1",
                 "  at 344341632 ns, called from ffffffffc0000200",
                 "  stack: ffffffffc0000204",
                 "  stack: ffffffffc0000300",
                 "  CPU 0: online, thread 8 tag 1 pc 000000000302a074 sp 8 x8 ffffffffc0000120"]
        self.assertEqual(epitaph.named(lines, table),
                         ["ffffffffc0000108 is in one+0x8", "ffffffffc0000200 is in one+0xfc",
                          "ffffffffc0000204 is in two+0x0", "ffffffffc0000300 is in two+0xfc"])
        self.assertEqual(epitaph.named(lines, []), [])
        self.assertEqual(epitaph.symbols("/nonexistent"), [])

    def test_turns_of_the_virtual_clock_by_the_emulators_version(self):
        for said, pace_us in (("QEMU emulator version 7.2.19 (Debian)", 10), ("nothing", 10),
                              ("QEMU emulator version 8.0.5", 10), ("QEMU emulator version 8.1.0", 140),
                              ("QEMU emulator version 10.0.13", 140)):
            with tempfile.TemporaryDirectory() as scratch:
                program = os.path.join(scratch, "qemu")
                with open(program, "w", encoding="utf-8") as file:
                    file.write(f"#!/bin/sh\necho '{said}'\n")
                os.chmod(program, 0o755)
                with mock.patch.dict(os.environ, {"BATON_QEMU": program}):
                    command = Board(ROOT, "qemu-virt").command({"kernel": "k", "cpus": 7}, clock="virtual")
            self.assertIn(f"filter-buffer,id=pacer,netdev=pace,interval={pace_us}", command)


class AddedFiles(unittest.TestCase):
    def test_names(self):
        for word, spec in (("a/b", "b=a/b"), ("b", "b=b"), ("n=a/b", "n=a/b")):
            self.assertEqual(run_module.added_file(word), spec)

    def test_replaced_and_added(self):
        with tempfile.TemporaryDirectory() as scratch:
            source = os.path.join(scratch, "new")
            with open(source, "wb") as file:
                file.write(b"NEW")
            machine = run_module.Machine.__new__(run_module.Machine)
            machine.scratch, machine.entries = scratch, [("a", b"1"), ("b", b"2")]
            machine.pack([f"b={source}", f"c={source}"])
            with open(machine.archive, "rb") as file:
                found = {name: data for name, data, _ in run_module.mkarchive.parse(file.read())}
            self.assertEqual(found, {"a": b"1", "b": b"NEW", "c": b"NEW"})
            for specs, text in (([f"b={source}", f"b={source}"], "twice"),
                                (["b=/nonexistent"], "/nonexistent")):
                with self.assertRaises(Failure) as caught:
                    machine.pack(specs)
                self.assertIn(text, str(caught.exception))


class Packages(unittest.TestCase):
    def test_missing_is_named_and_installed_without_asking(self):
        there = set()
        ran = []

        def fake_apt(arguments, _):
            ran.append(arguments[0])
            if "update" in ran and arguments[0] == "install" and "-s" not in arguments:
                there.add("b")
                return True, ""
            return arguments[0] == "update", "cannot"

        with mock.patch.object(packages, "present", lambda probe: probe in there), \
                mock.patch.object(packages, "run_apt", fake_apt), \
                mock.patch.object(packages, "apt_get", lambda arguments: arguments), \
                mock.patch.object(packages.shutil, "which", lambda name: name), \
                mock.patch.object(packages, "has_person", lambda: False), \
                contextlib.redirect_stderr(io.StringIO()) as err:
            packages.require({"package-b": "b"})
        self.assertIn("package-b", err.getvalue())
        self.assertEqual(ran, ["install", "update", "install"])

    def test_person_may_refuse(self):
        with mock.patch.object(packages, "has_person", lambda: True), \
                mock.patch.object(packages.sys, "stdin", io.StringIO("n\n")), \
                contextlib.redirect_stderr(io.StringIO()), self.assertRaises(Failure) as caught:
            packages.require({"package-b": "/nonexistent"})
        self.assertIn("apt-get install", str(caught.exception))


class Outputs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "out")

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read()

    def test_what_cannot_be_written_whole_stays_as_it_was(self):
        files.write_whole(self.path, b"old")
        with mock.patch.object(files.os, "replace", side_effect=OSError(28, "no room")), \
                self.assertRaises(OSError):
            files.write_whole(self.path, b"new")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["out"])
        self.assertEqual(self.read(), "old")

    def test_a_link_stays_one(self):
        files.write_whole(self.path, b"old")
        os.symlink(self.path, self.path + ".link")
        files.write_whole(self.path + ".link", b"new")
        self.assertTrue(os.path.islink(self.path + ".link"))
        self.assertEqual(self.read(), "new")

    def test_a_device_is_written_to_not_replaced(self):
        reader, terminal = os.openpty()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, terminal)
        name = os.ttyname(terminal)
        files.check_outputs(("--json", name), ("--trace", name))
        files.write_whole(name, b"text")
        self.assertEqual(os.read(reader, 100), b"text")
        self.assertFalse(os.path.isfile(name))

    def test_one_file_for_two_things_is_refused(self):
        files.check_outputs(("--json", self.path), ("--trace", self.path + "2"),
                            inputs=(("--workload", "w"),))
        files.write_whole(self.path, b"old")
        os.symlink(self.path, self.path + ".link")
        for trace, workload, other in ((self.path, None, "--json"), (self.path + ".link", None, "--json"),
                                       (None, self.path, "--workload")):
            with self.assertRaises(Failure) as caught:
                files.check_outputs(("--json", self.path), ("--trace", trace),
                                    inputs=(("--workload", workload),))
            self.assertIn(f"the file of {other}", str(caught.exception))

    def test_run_does_not_overwrite_its_workload(self):
        with self.assertRaises(Failure) as caught:
            fake_run("results", "--workload", self.path, "--json", self.path)
        self.assertIn("the file of --workload", str(caught.exception))


class ReadOnlyTree(unittest.TestCase):
    def test_outputs_that_nobody_asked_for_are_not_looked_at(self):
        with mock.patch.object(files.os, "access", lambda path, mode: False):
            files.check_outputs(("--json", None))
            with self.assertRaises(Failure):
                files.check_outputs(("--json", "x"))

    def test_the_way_out_is_named(self):
        with mock.patch.dict(os.environ, {"BATON_BUILD_DIR": "/dev/null/x"}), \
                self.assertRaises(Failure) as caught:
            BuildDir("host").compile()
        self.assertIn("BATON_BUILD_DIR", str(caught.exception))


class Tools(unittest.TestCase):
    """A host program that crashes is a failure, told of, and run again with checks."""

    def run_tool(self, name, script):
        with tempfile.TemporaryDirectory() as folder:
            for tool in (name, f"{name}-checked"):
                path = os.path.join(folder, tool)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"#!/bin/sh\n{script if tool == name else 'echo checked $1 >&2'}\n")
                os.chmod(path, 0o755)
            words = ["python3", "-B", "-c", f"""
import sys
sys.path.insert(0, {os.path.join(ROOT, 'tools', 'baton')!r})
import cli
cli.host_tool = lambda name, assume_yes: {folder!r} + "/" + name
sys.exit(cli.tool_status({name!r}, ["word"], True))"""]
            return subprocess.run(words, capture_output=True, text=True, check=False)

    def test_its_status_is_ours(self):
        done = self.run_tool("baton-sim", "exit 2")
        self.assertEqual((done.returncode, done.stderr), (2, ""))

    def test_a_crash_is_told_of_and_shown(self):
        done = self.run_tool("baton-sim", "kill -FPE $$")
        self.assertEqual(done.returncode, 1)
        self.assertIn("SIGFPE", done.stderr)
        self.assertIn("checked word", done.stderr)

    def test_whom_others_end_has_not_crashed(self):
        for name in ("PIPE", "TERM"):
            done = self.run_tool("baton-sim", f"kill -{name} $$")
            self.assertEqual(done.returncode, 128 + getattr(signal, f"SIG{name}"))
            self.assertEqual(done.stderr, "")

    def test_not_all_are_there_with_checks(self):
        done = self.run_tool("baton-step", "kill -SEGV $$")
        self.assertEqual(done.returncode, 1)
        self.assertIn("SIGSEGV", done.stderr)
        self.assertNotIn("checked word", done.stderr)


class Command(unittest.TestCase):
    def test_no_room_for_what_it_prints(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "empty.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write('{"traceEvents": []}')
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([os.path.join(ROOT, "baton"), "trace", path], check=False, text=True,
                                      stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "baton: the standard output: No space left on device\n")

    def test_closed_streams(self):
        """None of them is a Python error, or lent to the next file that is opened."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "empty.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write('{"traceEvents": []}')
            door = os.path.join(ROOT, "baton")
            for words, status, says in (
                    (f"trace {path} >&-", 1, "baton: the standard output: Bad file descriptor\n"),
                    ("--help >&-", 1, "baton: the standard output: Bad file descriptor\n"),
                    (f"trace {path} <&-", 0, ""), (f"trace {path} 2>&-", 0, ""),
                    ("trace nonexistent >&- <&-", 1, "baton: nonexistent: No such file or directory\n"),
                    ("trace nonexistent 2>&-", 1, ""), ("trace --what >&- 2>&- <&-", 2, "")):
                done = subprocess.run(["bash", "-c", f"{door} {words}"], check=False, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertEqual((done.returncode, done.stderr), (status, says), words)

    def test_a_tool_cannot_read_or_print_where_its_caller_closed_that(self):
        script = ("import os, subprocess, streams; streams.open_missing()\n"
                  "print(subprocess.run(['sh', '-c', 'cat >&2; echo $? >&2; echo y; echo $? >&2'],"
                  " stderr=subprocess.PIPE, text=True).stderr, file=open('out', 'w'))")
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "tools", "baton")}
            subprocess.run(["bash", "-c", f'{sys.executable} -B -c "$0" <&- >&- 2>&-', script], check=True,
                           cwd=folder, env=environment)
            with open(os.path.join(folder, "out"), encoding="utf-8") as file:
                said = [line for line in file.read().split() if line.isdigit()]
        self.assertNotIn("0", said)
        self.assertEqual(len(said), 2)

    def test_rounds_without_soak(self):
        done = baton("test", "--rounds", "2", "lint")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--soak", done.stderr)

    def test_unknown_suite_is_named(self):
        done = baton("test", "nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nonsense", done.stderr)

    def test_a_reader_that_goes_away_ends_the_tests_quietly(self):
        """The program would complain in its own words when it can no longer print."""
        program = [sys.executable, "-c", "while True: print('line')"]
        ours = ("import os, sys; sys.path.insert(0, sys.argv[1]); from test import run_showing\n"
                "try: run_showing(sys.argv[2:])\n"
                "except BrokenPipeError: os.write(2, b'gone')\n"
                "os._exit(0)")
        with subprocess.Popen([sys.executable, "-B", "-c", ours, os.path.join(ROOT, "tools", "baton"),
                               *program],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "line\n")
            process.stdout.close()
            self.assertEqual(process.stderr.read(), "gone")

    def test_an_unknown_soak_is_named_as_that(self):
        with self.assertRaises(Failure) as caught:
            cli.main(["test", "--soak", "sim"])
        self.assertIn("test --soak sim: no such suite", str(caught.exception))

    def test_help_fits_a_terminal(self):
        with mock.patch.dict(os.environ, {"COLUMNS": "80"}):
            for command in ("run", "test", "bench", "sim", "step", "trace", "debug"):
                with contextlib.redirect_stdout(io.StringIO()) as out, self.assertRaises(SystemExit):
                    cli.main([command, "--help"])
                for line in out.getvalue().splitlines():
                    self.assertLessEqual(len(line), 80, f"{command}: {line}")

    def test_help_without_reader(self):
        done = subprocess.run(["bash", "-c", f"set -o pipefail; '{ROOT}/baton' --help | true"],
                              check=False, stderr=subprocess.PIPE, text=True)
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
