#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tool: errors and exit status, determinism, outputs, invariants under random workloads."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from random_workload import random_workload
from sim_tool import hogs, simulate

TOOL = sys.argv.pop(1)
CHECKED = sys.argv.pop(1)
RANDOM_CASES = 40


def call(*words, tool=TOOL):
    return subprocess.run([tool, *[str(word) for word in words]], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)


class WithFiles(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def file(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path


class Errors(WithFiles):
    def wrong(self, *words):
        done = call(*words)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_unknown_names_name_the_known_ones(self):
        path = self.file("w.json", hogs(1, 1))
        text = self.wrong("--policy", "cfs", "--workload", path)
        for word in ("cfs", "eevdf", "rr", "fifo"):
            self.assertIn(word, text)
        text = self.wrong("--policy", "eevdf", "--place", "moon", "--workload", path)
        for word in ("moon", "least_loaded", "idle_first", "home"):
            self.assertIn(word, text)

    def test_bad_options(self):
        path = self.file("w.json", hogs(1, 1))
        for words in (["--cpus", "0"], ["--cpus", "257"], ["--cpus", "many"], ["--costs", "free"],
                      ["--costs", "entry=x"], ["--duration", "-1"], ["--seed", "x"], ["--what"],
                      ["word"], ["--costs", ""], ["--costs", "ipi=1,"], ["--costs", "ipi=1,ipi=2"],
                      ["--duration", "1e-12"], ["--duration", "nan"]):
            self.wrong("--policy", "eevdf", "--workload", path, *words)
        self.wrong("--workload", path)
        self.wrong("--policy", "eevdf")

    def test_bad_workloads_give_the_readers_message(self):
        text = self.wrong("--policy", "eevdf", "--workload",
                          self.file("bad.json", '{"tasks":{"t":{"loop":1,\n"rum":5}}}'))
        self.assertIn("rum", text)
        self.assertIn("bad.json", text)
        self.wrong("--policy", "eevdf", "--workload", self.file("no.json", "{"))
        # One line, whatever the key: no line feed, no command for the terminal.
        text = self.wrong("--policy", "eevdf", "--workload",
                          self.file("key.json", '{"tasks":{"t":{"loop":1,\n"ru\nn\x1b[31m\u00e9":5}}}'))
        self.assertIn("key.json:2: tasks.t.ru\\x0an\\x1b[31m\\xc3\\xa9: unknown key", text)
        self.assertEqual(len(text.splitlines()), 1)
        self.wrong("--policy", "eevdf", "--workload", "/nonexistent.json")

    def test_numbers_are_decimal(self):
        path = self.file("w.json", hogs(1, 0.01))
        for cpus, says in (("010", "10 CPUs"), ("0x10", "16 CPUs")):
            self.assertIn(says, call("--policy", "rr", "--workload", path, "--cpus", cpus).stdout)

    def test_outputs_that_cannot_be_are_refused_before_the_work(self):
        path = self.file("w.json", hogs(1, 0.01))
        here = os.path.join(self.folder.name, "out")
        os.symlink(path, here + ".link")
        for words, says in ((["--json", "/nonexistent/x"], "No such file"), (["--json", ""], "is empty"),
                            (["--trace", self.folder.name], "Is a directory"),
                            (["--json", "-", "--trace", "-"], "goes where --json goes"),
                            (["--json", here, "--trace", self.folder.name + "/./out"], "goes where --json"),
                            (["--json", path], "is the workload"),
                            (["--trace", here + ".link"], "is the workload")):
            done = call("--policy", "rr", "--workload", path, *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn(says, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["out.link", "w.json"])
        # What is no file may be both.
        done = call("--policy", "rr", "--workload", path, "--json", "/dev/null", "--trace", "/dev/null")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_an_output_without_room_leaves_the_old_one(self):
        path = self.file("w.json", hogs(1, 1))
        old = self.file("old.json", "old")

        def no_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

        done = subprocess.run([TOOL, "--policy", "rr", "--workload", path, "--json", old], check=False,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                              preexec_fn=no_room)
        self.assertEqual(done.returncode, 1)
        self.assertIn("old.json: File too large", done.stderr)
        with open(old, encoding="utf-8") as file:
            self.assertEqual(file.read(), "old")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["old.json", "w.json"])

    def test_an_output_takes_the_place_of_what_a_link_names(self):
        path = self.file("w.json", hogs(1, 0.01))
        old = self.file("old.json", "old")
        os.symlink(old, old + ".link")
        self.assertEqual(call("--policy", "rr", "--workload", path, "--json", old + ".link").returncode, 0)
        self.assertTrue(os.path.islink(old + ".link"))
        with open(old, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["schema"], 1)

    def test_no_room_for_the_tables(self):
        path = self.file("w.json", hogs(1, 1))
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([TOOL, "--policy", "rr", "--workload", path], check=False, text=True,
                                  stdout=full, stderr=subprocess.PIPE, timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the standard output: No space left", done.stderr)

    def test_a_workload_without_end_gets_one(self):
        path = self.file("w.json", {"tasks": {"t": {"loop": -1, "run": 1000}}})
        done = call("--policy", "rr", "--workload", path)
        self.assertEqual(done.returncode, 0)
        self.assertIn("10.000000 s simulated", done.stdout)
        self.assertIn('task "t" never ends', done.stderr)
        done = call("--policy", "rr", "--workload", path, "--duration", 0.1)
        self.assertEqual(done.returncode, 0)
        self.assertIn("0.100000 s simulated", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_a_deadlock_is_reported(self):
        path = self.file("w.json", {"tasks": {
            "a": {"loop": 1, "lock": "x", "run0": 100, "lock1": "y", "run1": 1, "unlock": "y",
                  "unlock1": "x"},
            "b": {"loop": 1, "lock": "y", "run0": 100, "lock1": "x", "run1": 1, "unlock": "x",
                  "unlock1": "y"}}})
        done = call("--policy", "eevdf", "--cpus", 2, "--workload", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("stands still", done.stderr)
        self.assertIn("2 tasks wait for ever: b (mutex x), a (mutex y)\n", done.stderr)

    def test_few_of_many_who_wait_for_ever_are_named(self):
        path = self.file("w.json", {"tasks": {"a": {"instance": 6, "loop": 1, "suspend": "s", "run": 1}}})
        done = call("--policy", "eevdf", "--workload", path)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"6 tasks wait for ever: (a-\d \(suspension s\)(, )?){4} and 2 more\n")
        path = self.file("w.json", {"tasks": {"a": {"loop": 1, "suspend": "s", "run": 1}}})
        self.assertIn("1 task waits for ever: a (suspension s)\n",
                      call("--policy", "eevdf", "--workload", path).stderr)

    def test_too_many_threads(self):
        path = self.file("w.json", {"tasks": {"a": {"instance": 4096, "run": 1},
                                              "b": {"instance": 4096, "run": 1}}})
        done = call("--policy", "eevdf", "--workload", path, "--duration", 0.001)
        self.assertEqual(done.returncode, 1)
        self.assertIn("instances and forks together; make fewer\n", done.stderr)

    def test_who_unlocks_what_another_holds_is_reported(self):
        path = self.file("w.json", {"tasks": {
            "a": {"loop": 1, "lock": "x", "run": 1000, "unlock": "x"},
            "b": {"loop": 1, "delay": 100, "unlock": "x", "lock": "x", "run": 1, "unlock1": "x"}}})
        done = call("--policy", "eevdf", "--cpus", 2, "--workload", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn('task "b" unlocks "x", which it does not hold', done.stderr)

    def test_a_deadlock_of_tasks_that_loop_for_ever_is_reported(self):
        path = self.file("w.json", {"tasks": {"a": {"run": 100, "suspend": "a"},
                                              "b": {"run": 100, "resume": "a", "suspend": "b"}}})
        done = call("--policy", "eevdf", "--cpus", 2, "--workload", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("2 tasks wait for ever", done.stderr)
        # Whoever says how long it is to last gets that.
        done = call("--policy", "eevdf", "--cpus", 2, "--workload", path, "--duration", 0.1)
        self.assertEqual(done.returncode, 0, done.stderr)


class Waits(WithFiles):
    """How long threads could run and did not; under fifo, on one CPU, the first keeps it."""

    WORKLOAD = {"global": {"duration": 1}, "tasks": {
        "first": {"loop": -1, "run": 1000000},
        "second": {"loop": -1, "run": 1000000, "delay": 100000},
        "late": {"loop": -1, "run": 1000000, "delay": 2000000}}}

    def test_who_never_ran_and_who_waited_longest(self):
        out = os.path.join(self.folder.name, "out.json")
        done = call("--policy", "fifo", "--cpus", 1, "--costs", "none", "--json", out, "--workload",
                    self.file("w.json", self.WORKLOAD))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("waited longest while it could run: second, 900.000 ms\n", done.stdout)
        self.assertIn("never ran, though it could: second\n", done.stdout)
        with open(out, encoding="utf-8") as file:
            waits = {task["name"]: task["wait_max_ns"] for task in json.load(file)["tasks"]}
        # `late` is not there yet.
        self.assertEqual(waits["second"], 900_000_000)
        self.assertEqual(waits["late"], 0)

    def test_waits_end_when_a_thread_runs(self):
        done = call("--policy", "rr", "--cpus", 1, "--costs", "none", "--workload",
                    self.file("w.json", hogs(3, 1)))
        self.assertNotIn("never ran", done.stdout)
        # Two turns of the others, of 3 ms each.
        self.assertRegex(done.stdout, r"waited longest while it could run: hog-\d, 6\.0")

    def test_many_are_counted(self):
        done = call("--policy", "fifo", "--cpus", 1, "--workload", self.file("w.json", hogs(12, 1)))
        self.assertIn("hog-8 and 3 more\n", done.stdout)


class AsRtApp(WithFiles):
    """Files as rt-app's users write them, and what rt-app would do with them."""

    def tasks(self, text, cpus=2, *more):
        out = os.path.join(self.folder.name, "out.json")
        done = call("--policy", "eevdf", "--cpus", cpus, "--costs", "none", "--json", out, "--workload",
                    self.file("w.json", text), *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out, encoding="utf-8") as file:
            return {task["name"]: task for task in json.load(file)["tasks"]}

    def test_repeated_events_comments_and_commas(self):
        # A lock held over a run, a signal before the wait that is lost, a suspend without its value.
        tasks = self.tasks("""{
            /* the mixer
             * wakes the player */
            "tasks" : {
                "mixer" : { "loop" : 1, "priority" : -5, "cpus" : [ 0 ],
                    "phases" : {
                        "warm" : { "sleep" : 5000, },
                        "mix" : { "loop" : 6, "lock" : "m", "run" : 1000, "signal" : "c", "run" : 2000,
                                  "unlock" : "m", "run" : 3000, "resume" : "player",
                                  "timer" : { "ref" : "tick", "period" : 20000 } }, // six times
                    } },
                "player" : { "loop" : 2, "cpus" : [ 1 ], "lock" : "m",
                    "wait" : { "ref" : "c", "mutex" : "m" }, "unlock" : "m", "run" : 1500,
                    "suspend", "run" : 500, },
            },
            "resources" : { "m" : { "type" : "mutex" }, },
            "global" : { "calibration" : "CPU0", "ftrace" : "main,loop", "gnuplot" : true, "frag" : 1, }
        }""")
        self.assertEqual(tasks["mixer"]["cpu_ns"], 6 * 6000000)
        self.assertEqual(tasks["player"]["cpu_ns"], 2 * 2000000)

    def test_events_whose_keys_say_more(self):
        """One holds a mutex for a while and works on; the other comes less often, 100 times."""
        tasks = self.tasks("""{ "resources" : { "m" : { "type" : "mutex" }, },
            "tasks" : {
                "often" : { "loop" : -1, "lock" : "m", "run" : 300, "unlock" : "m", "run_after" : 50,
                            "sleep" : 7650, },
                "seldom" : { "loop" : 100, "lock" : "m", "run" : 4500, "unlock" : "m", "runend" : 500,
                             "sleep" : 25000, },
            },
            "global" : { "default_policy" : "SCHED_OTHER", "duration" : 10, "calibration" : "CPU1", } }""")
        self.assertEqual(tasks["seldom"]["cpu_ns"], 100 * 5000000)
        self.assertGreater(tasks["often"]["cpu_ns"], 1000 * 350000)

    def test_a_timer_counts_over_phases(self):
        text = {"tasks": {"t": {"loop": 5, "cpus": [1], "policy": "SCHED_FIFO", "phases": {
            "wait": {"timer": {"ref": "tick", "period": 120000}}, "work": {"run": 90000}}}}}
        task = self.tasks(text, 2, "--duration", 1)["t"]
        self.assertEqual(task["cpu_ns"], 5 * 90000000)
        # It could use 90 of 120 ms for ever, but waits once more than it works, and ends.
        self.assertAlmostEqual(task["ideal_share"], 450 / 690, delta=1e-6)
        self.assertAlmostEqual(task["share"], task["ideal_share"], delta=1e-6)
        # One after the other, each with its own grid: 10 of 30 ms, ten times, then 20 of 30 ms.
        text = {"tasks": {"t": {"loop": 1, "phases": {
            "light": {"loop": 10, "run": 10000, "timer": {"ref": "unique", "period": 30000}},
            "heavy": {"loop": 10, "run": 20000, "timer": {"ref": "unique", "period": 30000}}}}}}
        task = self.tasks(text, 1)["t"]
        self.assertEqual(task["cpu_ns"], 300000000)
        self.assertAlmostEqual(task["ideal_share"], 0.5, delta=1e-6)

    def test_ideal_shares_of_who_ends_and_who_changes(self):
        # 1 s of 10 s is all that one wants; the others have what it leaves.
        text = {"global": {"duration": 10}, "tasks": {"ends": {"loop": 1, "run": 1000000},
                                                      "stays": {"instance": 2, "run": 1000}}}
        tasks = self.tasks(text, 2)
        for name, share in (("ends", 0.1), ("stays-0", 0.95), ("stays-1", 0.95)):
            self.assertAlmostEqual(tasks[name]["ideal_share"], share, delta=1e-6)
            self.assertAlmostEqual(tasks[name]["share"], share, delta=0.002)
        # Nice 5 after its first millisecond.
        text = {"global": {"duration": 10}, "tasks": {
            "other": {"run": 1000},
            "changes": {"phases": {"first": {"loop": 1, "run": 1000},
                                   "then": {"loop": -1, "priority": 5, "run": 1000}}}}}
        tasks = self.tasks(text, 1)
        self.assertAlmostEqual(tasks["changes"]["ideal_share"], 335 / 1359, delta=1e-6)
        self.assertAlmostEqual(tasks["changes"]["share"], 335 / 1359, delta=0.002)

    def test_two_wake_each_other_until_the_end(self):
        text = {"tasks": {"a": {"loop": -1, "run": 4000, "resume": "b", "suspend": "a"},
                          "b": {"loop": -1, "suspend": "b", "run": 4000, "resume": "a"}}}
        tasks = self.tasks(text)
        for task in tasks.values():
            self.assertAlmostEqual(task["share"], 0.5, delta=0.001)

    def test_sync_hands_the_turn_to_and_fro(self):
        """A client and a server, twice a round, and what suspends without saying whom."""
        tasks = self.tasks("""{ "tasks" : {
            "client" : { "loop" : 50, "lock" : "m", "run" : 1000,
                         "sync" : { "ref" : "turn", "mutex" : "m" }, "run" : 2000,
                         "sync" : { "ref" : "turn", "mutex" : "m" }, "unlock" : "m", "resume" : "end" },
            "server" : { "delay" : 10, "loop" : -1, "lock" : "m", "wait" : { "ref" : "turn", "mutex" : "m" },
                         "run" : 500, "signal" : "turn", "unlock" : "m", },
            "starter" : { "loop" : -1, "sleep" : 200, "lock" : "m", "signal" : "turn", "unlock" : "m" },
            "end" : { "loop" : 25, "suspend", "run" : 100, "suspend", "run" : 100, } },
            "global" : { "duration" : 1 } }""")
        self.assertEqual(tasks["client"]["cpu_ns"], 50 * 3000000)
        self.assertEqual(tasks["end"]["cpu_ns"], 50 * 100000)

    def test_a_signal_wakes_who_is_suspended_under_its_name(self):
        text = {"tasks": {"a": {"loop": 20, "suspend": "c", "run": 1000},
                          "b": {"loop": 20, "delay": 100, "lock": "c", "signal": "c", "unlock": "c",
                                "sleep": 4000}}}
        self.assertEqual(self.tasks(text)["a"]["cpu_ns"], 20 * 1000000)

    def test_calls_take_a_threads_own_time(self):
        text = {"tasks": {"t": {"loop": 10, "lock": "m", "run": 1000, "unlock": "m", "sleep": 3000,
                                "yield": "", "runtime": 500}}}
        for costs, call in (("call=700", 700), ("none", 0), ("virtual", 1100)):
            task = self.tasks(text, 1, "--costs", costs)["t"]
            self.assertEqual(task["cpu_ns"], 10 * (1500000 + 2 * call))

    def test_a_timer_without_a_period_takes_no_time(self):
        text = {"tasks": {"t": {"loop": 10, "run": 1000, "sleep": 3000,
                                "timer": {"ref": "unique", "period": 0}}}}
        task = self.tasks(text)["t"]
        self.assertEqual(task["cpu_ns"], 10 * 1000000)
        self.assertAlmostEqual(task["ideal_share"], 0.25, delta=1e-6)

    def test_barriers_keep_step(self):
        text = {"global": {"duration": 5}, "tasks": {
            "a": {"runtime1": 1000, "sleep1": 2000, "barrier1": "B", "runtime2": 2000, "barrier2": "C"},
            "b": {"runtime1": 2000, "barrier1": "B", "runtime2": 500, "sleep2": 2500, "barrier2": "C"}}}
        tasks = self.tasks(text)
        # A round: 3 ms to the first, then 3 ms to the second.
        self.assertAlmostEqual(tasks["a"]["share"], 3 / 6, delta=0.001)
        self.assertAlmostEqual(tasks["b"]["share"], 2.5 / 6, delta=0.001)

    def test_phases_go_from_cpu_to_cpu(self):
        phases = {"x": {"cpus": [0], "run": 1500}, "y": {"cpus": [1], "run": 2500}, "z": {"run": 500}}
        out = os.path.join(self.folder.name, "out.json")
        path = self.file("w.json", {"global": {"duration": 9},
                                    "tasks": {"t": {"cpus": [2], "phases": phases}}})
        call("--policy", "eevdf", "--cpus", 3, "--costs", "none", "--workload", path, "--json", out)
        with open(out, encoding="utf-8") as file:
            busy = [cpu["busy_ns"] for cpu in json.load(file)["cpus"]]
        for cpu, share in enumerate((3, 5, 1)):
            self.assertAlmostEqual(busy[cpu] / 1e9, share, delta=0.01)

    def test_what_is_not_done_is_refused_with_its_place(self):
        for key, value, says in (("mem", 1000, "rt-app's"), ("iorun", 1, "rt-app's"),
                                 ("dl-runtime", 5, "slice_us"),
                                 ("sync", {"ref": "c", "mutex": "m"}, "never locks the mutex"),
                                 ("mem1", 1000, "but run"), ("membind_nodes", [0], '"membind_nodes";'),
                                 ("policy", "SCHED_DEADLINE", "slice_us and period_us under the policy edf"),
                                 ("taskgroup", "tg", 'begins with "/"'), ("util_min", 1, "rt-app's"),
                                 ("exec", 5000, "unknown key"), ("external_workload0", {}, "rt-app's")):
            path = self.file("w.json", {"tasks": {"t": {"loop": 1, "phases": {"p": {"run": 1, key: value}}}}})
            done = call("--policy", "eevdf", "--workload", path)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"w.json:1: tasks.t.phases.p.{key}: ", done.stderr)
            self.assertIn(says, done.stderr)


class Outputs(WithFiles):
    def test_same_arguments_same_bytes(self):
        workload = random_workload(5, 4)
        for seed in (0, 1, 77):
            runs = [simulate(TOOL, workload, "--policy", "eevdf", "--cpus", 4, "--seed", seed,
                             "--schedule").text for _ in range(2)]
            self.assertEqual(runs[0], runs[1])

    def test_json_has_what_the_design_says(self):
        result = simulate(TOOL, hogs(3, 0.1), "--policy", "eevdf", "--cpus", 2, "--seed", 9)
        self.assertEqual(result.json["schema"], 1)
        for key in ("policy", "place", "cpus", "wall_ns", "seed", "commit", "board", "build"):
            self.assertIn(key, result.run)
        self.assertEqual(result.run["seed"], 9)
        self.assertEqual(result.wall_ns, 100000000)
        self.assertEqual(list(result.tasks), ["hog-0", "hog-1", "hog-2"])
        for task in result.tasks.values():
            for key in ("cpu_ns", "share", "runs", "preemptions", "migrations", "wakes"):
                self.assertIn(key, task)
            self.assertAlmostEqual(task["ideal_share"], 2 / 3, places=6)
            self.assertEqual(set(task["wake_ns"]), {"p50", "p99", "max"})
        for cpu in result.cpus:
            for key in ("busy_ns", "idle_ns", "switches", "entries", "ipis_sent",
                        "stale_decisions", "fallback_ns"):
                self.assertIn(key, cpu)
        self.assertNotIn("schedule", result.json)

    def test_the_schedule_adds_up(self):
        result = simulate(TOOL, random_workload(3, 4), "--policy", "eevdf", "--cpus", 4,
                          "--schedule")
        for name, task in result.tasks.items():
            stretches = result.stretches(name)
            self.assertEqual(sum(end - start for start, end, _ in stretches), task["cpu_ns"])
            for before, after in zip(stretches, stretches[1:]):
                self.assertLessEqual(before[1], after[0], f"{name} is on two CPUs at once")
        for cpu in range(4):
            mine = [s for s in result.json["schedule"] if s["cpu"] == cpu]
            for before, after in zip(mine, mine[1:]):
                self.assertLessEqual(before["end_ns"], after["start_ns"])

    def test_percentiles_of_latencies_are_in_order(self):
        # It waits for the end of the other, and once more when it is alone.
        tasks = {"sleeper": {"loop": 2, "sleep": 1000, "run": 10}, "hog": {"loop": 1, "run": 5000}}
        result = simulate(TOOL, {"tasks": tasks}, "--policy", "fifo", "--cpus", 1, "--costs", "none")
        task = result.tasks["sleeper"]
        self.assertEqual(task["wakes"], 2)
        self.assertEqual(task["wake_ns"], {"p50": 0, "p99": 4000000, "max": 4000000})

    def test_idle_beside_one_that_waits_is_counted(self):
        # On its way from the interrupt to the thread a CPU idles for nothing, at each wake.
        tasks = {"a": {"loop": -1, "run": 400, "resume": "b", "suspend": "a"},
                 "b": {"loop": -1, "suspend": "b", "run": 300, "resume": "a"}}
        run = simulate(TOOL, {"global": {"duration": 0.1}, "tasks": tasks}, "--policy", "rr", "--cpus", 2,
                       "--costs", "entry=1000,decision=2000,ipi=500").run
        self.assertLess(run["unserved_idle_max_ns"], 10000)
        # Two on a CPU beside an idle one, and the end comes before anybody moves one.
        run = simulate(TOOL, hogs(2, 0.001), "--policy", "rr", "--cpus", 2, "--place", "home").run
        self.assertGreater(run["unserved_idle_ns"], 900000)
        self.assertEqual(run["unserved_idle_max_ns"], run["unserved_idle_ns"])

    def test_who_waits_for_others_is_succeeded_as_who_sleeps(self):
        tasks = {"a": {"loop": -1, "run": 50, "barrier": "B", "sleep": 700},
                 "b": {"loop": -1, "run": 50, "barrier": "B", "sleep": 3000}}
        cpu = simulate(TOOL, {"global": {"duration": 0.1}, "tasks": tasks}, "--policy", "eevdf", "--cpus", 1,
                       "--costs", "virtual").cpus[0]
        self.assertGreater(cpu["successions"], 20)

    def test_trace_is_a_timeline(self):
        trace = os.path.join(self.folder.name, "trace.json")
        done = call("--policy", "eevdf", "--workload", self.file("w.json", hogs(5, 0.1)),
                    "--trace", trace)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(trace, encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
        self.assertTrue(any(e["ph"] == "X" and e["name"] == "hog-0" for e in events))
        self.assertTrue(any(e.get("cat") == "migrate" for e in events))

    def test_60_seconds_of_8_cpus_and_64_threads(self):
        tasks = {"hog": {"instance": 32, "loop": -1, "run": 1000000},
                 "sleeper": {"instance": 32, "loop": -1, "run": 200, "sleep": 2000}}
        start = time.monotonic()
        simulate(TOOL, {"global": {"duration": 60}, "tasks": tasks}, "--policy", "eevdf",
                 "--cpus", 8)
        self.assertLess(time.monotonic() - start, 10)


class Invariants(WithFiles):
    def test_random_workloads(self):
        """Every policy and placement, any order of simultaneous events, with the sanitizers on."""
        for seed in range(RANDOM_CASES):
            rng = random.Random(seed)
            cpus = rng.choice([1, 2, 3, 4, 8])
            policy = rng.choice(["eevdf", "eevdf", "rr", "fifo", "stride", "lottery", "edf",
                                 "central", "chaos"])
            place = ["--place", rng.choice(["least_loaded", "idle_first", "home"])]
            words = ["--policy", policy, *(place if policy != "central" else []),
                     "--cpus", cpus, "--seed", rng.choice([0, seed]), "--check=1",
                     "--costs", rng.choice(["none", "entry=300",
                                            "entry=2000,decision=5000,ipi=20000,switch=3000"])]
            path = self.file("w.json", random_workload(seed, cpus, 0.1))
            done = call("--workload", path, *words, tool=CHECKED)
            self.assertEqual(done.returncode, 0, f"seed {seed} {words}: {done.stderr}")


if __name__ == "__main__":
    unittest.main()
