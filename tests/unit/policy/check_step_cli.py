#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""baton-step as a command: output, errors with file and line, exit status, speed.

usage: check_step_cli.py BATON_STEP
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = """\
\ufeff# the example of the manual
enqueue tid=1 weight=1024 slice_ns=3000000 lag_ns=0
enqueue tid=2
run tid=1 ns=1500000            # in the middle of its request

reweight tid=1 weight=335
slice tid=1 slice_ns=100000
dequeue tid=1
dequeue tid=2
"""

# input, line of the error, a word of the message
ERRORS = [
    ("enqueue tid=1\nsing tid=1\n", 2, "unknown operation"),
    ("enqueue\n", 1, "needs tid="),
    ("enqueue tid=1 speed=4\n", 1,
     'takes no key "speed"; its keys are tid, weight, slice_ns, lag_ns, new, class, priority'),
    ("enqueue tid=1\nrun tid=1 slice_ns=4\n", 2, "its keys are tid, ns"),
    ("enqueue tid=1 tid=2\n", 1, "twice"),
    ("enqueue tid=x\n", 1, "no value"),
    ("enqueue tid=1 weight\n", 1, "key=value"),
    ("\n\nenqueue tid=1 weight=0\n", 3, "weight 0 is out of range: 1 to"),
    ("enqueue tid=1 slice_ns=1\n", 1, "slice_ns 1 is out of range: 100000 to"),
    ("enqueue tid=1 priority=100\n", 1, "priority 100 is out of range: 0 to 99"),
    ("sing" * 1000 + "\n", 1, "known: enqueue"),
    ("enqueue tid=1 " + "w" * 4000 + "\n", 1, "key=value"),
    ("enqueue tid=1\nreweight tid=1 weight=4294967297\n", 2, "weight 4294967297 is out of range"),
    ("enqueue tid=1\nenqueue tid=1\n", 2, "already"),
    ("run tid=1 ns=5\n", 1, "no thread 1"),
    ("enqueue tid=1\nenqueue tid=2\nrun tid=2 ns=1\n", 3, "thread 1 was picked"),
    ("enqueue tid=1\ndequeue tid=1\ndequeue tid=1\n", 3, "no thread 1"),
    ("enqueue tid=1\nreweight tid=1\n", 2, "needs weight="),
    ("enqueue tid=99999999999999999999999\n", 1, "no value"),
    ("enqueue tid=1\nrun tid=1 ns=-1\n", 2, "no value for ns: a whole number"),
    ("enqueue tid=1\nrun tid=1 ns=1125899906842625\n", 2, "0 to 2^50"),
    # Sums of these left what 128 bits hold.
    ("enqueue tid=1\nenqueue tid=2 lag_ns=1125899906842625\n", 2, "-2^50 to 2^50"),
    ("enqueue tid=1 lag_ns=-1e16\n", 1, "-2^50 to 2^50"),
    ("enqueue tid=1 lag_ns=1.\n", 1, "no value for lag_ns"),
    ("enqueue tid=1 lag_ns=e5\n", 1, "no value for lag_ns"),
    ("enqueue tid=1 lag_ns=1e\n", 1, "no value for lag_ns"),
    ("enqueue tid=1\0 weight=0\nrun tid=2 ns=1\n", 1, "byte 0"),
    ("enqueue tid=1 weight=1\n" + "enqueue tid=2 weight=1048576 lag_ns=1125899906842624\n"
     "dequeue tid=1\nreweight tid=2 weight=1\nenqueue tid=1 weight=1048576 lag_ns=1125899906842624\n"
     "dequeue tid=2\nreweight tid=1 weight=1\n" * 4100, 24575, "V has left"),
    ("enqueue tid=1\n" + "run tid=1 ns=1125899906842624\n" * 8200, 8193, "2^63 ns"),
    ("enqueue tid=1\n\ufeffrun tid=1 ns=1\n", 2, 'unknown operation "???run"'),
    ("si\x1b[31m\x0bng tid=1\n", 1, 'unknown operation "si?[31m?ng"'),
]


def step(program, policy, path):
    return subprocess.run([program, "--policy", policy, str(path)], capture_output=True, text=True,
                          check=False)


def check_example(program, path):
    path.write_text(EXAMPLE)
    result = step(program, "eevdf", path)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["op"] for line in lines] == ["enqueue", "enqueue", "run", "reweight", "slice",
                                              "dequeue", "dequeue"]
    assert [line["pick"] for line in lines] == [1, 1, 2, 2, 2, 2, None]
    assert lines[2]["lags_ns"] == {"1": -750000, "2": 750000}
    assert abs(lines[2]["v"] - 1500000 / 2048) < 1e-9
    assert lines[5]["lag_ns"] == -750000 and not lines[2]["request_done"]


def check_errors(program, path):
    for text, line, word in ERRORS:
        path.write_text(text)
        result = step(program, "eevdf", path)
        assert result.returncode == 2, text
        assert result.stderr.startswith(f"{path}:{line}: ") and word in result.stderr, result.stderr
        assert result.stdout.count("\n") == sum(map(bool, text.split("\n")[:line - 1])), result.stdout
    assert step(program, "eevdf", path.with_name("none")).returncode == 2
    path.write_text("enqueue tid=1\n" + "run tid=1 ns=1\n" * 5000)
    with open("/dev/full", "wb") as full:
        result = subprocess.run([program, "--policy", "eevdf", str(path)], stdout=full,
                                stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1 and "the standard output: No space" in result.stderr, result.stderr
    unknown = step(program, "cfs", path)
    assert unknown.returncode != 0 and "eevdf" in unknown.stderr and "fifo" in unknown.stderr


def check_lags(program, path):
    """A lag as programs print it, with and without an exponent."""
    for text, lag in (("1e9", 1e9), ("-2.5e3", -2500), ("1e-05", 1e-5), ("-0", 0),
                      ("1125899906842624", 2**50), ("-1.125899906842624E+15", -2**50),
                      ("0.123456789", 0.123456789)):
        path.write_text(f"enqueue tid=1\nenqueue tid=2 lag_ns={text}\n")
        result = step(program, "eevdf", path)
        assert result.returncode == 0, result.stderr
        found = json.loads(result.stdout.splitlines()[1])["lags_ns"]
        assert abs(found["2"] - lag) < 2e-9 and found["1"] == -found["2"], (text, found)


def check_new(program, path):
    """A new thread begins with half a request."""
    for new, picked in ((0, 1), (1, 2)):
        path.write_text(f"enqueue tid=1\nenqueue tid=2 new={new}\n")
        result = step(program, "eevdf", path)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout.splitlines()[1])["pick"] == picked, result.stdout


def check_dump(program, path):
    """The policy's description of its queue after each operation, and nothing else than without it."""
    path.write_text("enqueue tid=1\nenqueue tid=7\nrun tid=1 ns=3000000\n")
    plain = step(program, "rr", path)
    result = subprocess.run([program, "--policy", "rr", "--dump", str(path)], capture_output=True, text=True,
                            check=False)
    assert result.returncode == 0 and result.stdout == plain.stdout and plain.stderr == ""
    queues = [line for line in result.stderr.splitlines() if line.startswith("rr ")]
    assert [queue.split()[2] for queue in queues] == ["runnable=1", "runnable=2", "runnable=2"], result.stderr
    assert result.stderr.splitlines()[-2].startswith("  running tid=7 "), result.stderr


def check_speed(program, path):
    lines = [f"enqueue tid={tid} weight={tid * 7}\n" for tid in range(1, 9)]
    lines += [f"reweight tid={1 + i % 8} weight={1 + i % 90000}\n" for i in range(100000)]
    path.write_text("".join(lines))
    for policy in ("eevdf", "rr", "fifo", "stride", "lottery", "edf", "central", "chaos"):
        start = time.monotonic()
        result = step(program, policy, path)
        seconds = time.monotonic() - start
        assert result.returncode == 0 and result.stdout.count("\n") == len(lines)
        assert seconds < 30, f"{policy}: {seconds:.1f} s for {len(lines)} lines"


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "operations"
        check_example(sys.argv[1], path)
        check_errors(sys.argv[1], path)
        check_lags(sys.argv[1], path)
        check_new(sys.argv[1], path)
        check_dump(sys.argv[1], path)
        check_speed(sys.argv[1], path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
