# SPDX-License-Identifier: BSD-2-Clause
"""What `baton bench` measures: targets, and the figures of others on the same machine model.

seL4 is 16.0.0-dev, the best of its configurations / the one for 4 CPUs.  Linux is 6.12 with EEVDF, 1 CPU
unless the row says otherwise.  The guest's program `bench` prints one line for each figure:

    @@BATON-BENCH id unit n min median max note...
"""

import collections
import re

LINE = re.compile(r"@@BATON-BENCH (\S+) (\S+) (\d+) (\S+) (\S+) (\S+) ?(.*)$")

Row = collections.namedtuple("Row", "id what must dream sel4 linux ideal mode")

# How a machine is booted for some rows: the word for the program, boot arguments, what people are told.
Mode = collections.namedtuple("Mode", "boot_args text")
MODES = {
    "": Mode((), ""),
    "asked": Mode(("sched.successor=off",), ", without successors"),  # every block asks the dispatcher
    "fifo": Mode(("sched=fifo",), ", under fifo"),
    "scale": Mode((), ", local operations"),
    "wall": Mode((), ""),  # with the host's clock: bench_wall.py
}

# The machines on which instructions are counted: (number of CPUs, mode).
SCALE_CPUS = (1, 4, 16, 64)
BOOTS = ((1, ""), (2, ""), (4, ""), (1, "asked"), (1, "fifo"), *((cpus, "scale") for cpus in SCALE_CPUS))


def row(identity, what, must, dream="", sel4="", linux="", ideal=None, mode=""):
    """`ideal`: the figure that is best, where less is not better."""
    return Row(identity, what, must, dream, sel4, linux, ideal, mode)



# Rows with marked operations that are measured on more than one CPU.
CPUS_MARKED = {"ipc_xcpu_0": 2}

# On machines of SCALE_CPUS: on one CPU while the others idle, and on all at once.
SCALE = (("scale_switch", "slice ends, so many CPUs"), ("scale_wake", "wake that preempts"),
         ("scale_pairs", "wake and block, all CPUs"))

# In the order of the Thread-Metric suite.
LOADS = ("basic", "cooperative", "preemptive", "interrupt", "interrupt_preemption", "message",
         "synchronization", "memory")

PARTS = ("kernel", "servers/sched", "servers/mm", "servers/proc", "libsys", "tools", "tests")

ROWS = [
    row("null_syscall", "cheapest system call", "220", "150", "217 / 335", "473"),
    row("ipc_call_0", "call and reply, 0 words", "420", "330", "421 / 552", "pipe 12863"),
    row("ipc_call_4", "call and reply, 4 words", "450", "360", "465 / 593"),
    row("ipc_call_64", "call and reply, 64 words", "1400", "900", "1944 / 2361", "16753"),
    row("signal_nowait", "signal, nobody waits", "200", "130", "139-337 / 469"),
    row("fault_nomap", "fault to pager and back", "600", "420", "427-1043 / 1489", "10763"),
    row("fault_zero", "zeroed page through mm", "2000", "1300", "986-1602 + zeroing", "3284"),
    row("switch_block", "blocks, next one decided", "1000", "650", "281-434; asking 2339", "3036",
        mode="asked"),
    row("switch_successor", "the same, successor known", "400", "280", "", "3036"),
    row("switch_slice", "slice ends, other one runs", "1000", "650", "281-444"),
    row("switch_yield", "yields, other one runs", ""),
    row("wake_preempt", "signal until woken runs", "1200", "800", "505-657 / 709", "4800"),
    row("irq_user", "interrupt to user handler", "1300", "850", "271-381"),
    row("ipc_xcpu_0", "call and reply across CPUs", "2900", "1600", "- / 2879", "14830"),
    row("thread_create_join", "thread, created and joined", "15000", "8000", "", "44903"),
    row("process_spawn_wait", "process, run and waited for", "120000", "60000", "", "242065"),
    row("boot_first_task", "kernel entry to first task", "2500000", "1000000", "2670000",
        "990000000"),
    row("boot_prompt_4", "power-on to prompt, 4 CPUs", "60", "25", "", "1250"),
    row("boot_64_wall", "64 CPUs to the prompt", "6 s", "3 s", "", "23 s", mode="wall"),
    row("boot_128_wall", "128 CPUs to the prompt", "20 s", "8 s", "", "none in 150 s", mode="wall"),
    row("kernel_text", "kernel .text", "36864", "28672", "31744 / 38912"),
    *(row(f"code_lines.{part}", "neither blank nor comment", "") for part in PARTS),
    row("share_dev_8", "share deviation, 8 threads", "0.1", "", "", "0.61"),
    row("nice_0_5", "nice 0 : nice 5", "3.054-3.060", "", "", "3.053", ideal=1024 / 335),
    row("share_6_on_4", "6 threads on 4 CPUs", "2", "", "", "5.4"),
    row("even_after_8", "8 threads spread to 4 CPUs", "10", "", "", "86-586"),
    row("wake_short.p50_us", "wake among 8 busy, 1 CPU", "10", "", "", "5.6"),
    row("wake_short.p99_us", "", "100", "", "", "3461"),
    row("schbench_8_8.p50_us", "wake among 8 busy, 4 CPUs", "", "", "", ""),
    row("schbench_8_8.p99_us", "", "200", "", "", "5756"),
    row("sleep_1ms.p50_us", "sleep overshoot, idle", "4", "", "", "5.4"),
    row("sleep_1ms.p99_us", "", "8", "", "", "9.2"),
    row("entries_per_switch.filter", "dispatcher entries: filter", "1.00", mode="asked"),
    row("entries_per_switch.successor", "with successors", "0.6"),
    row("entries_per_switch.rpc", "calls on one CPU", "0.05"),
    row("ipis_and_wake_scale.ipis", "IPIs of a remote wake", "1"),
    row("ipis_and_wake_scale.ratio_4096", "wake, 4096 threads : 4", "3"),
    row("ipc_pairs_2", "2 pairs on 2 CPUs : 1 pair", "1.8", ideal=2, mode="wall"),
    *(row(f"wake_among.{others}", "wake beside so many others", "") for others in (0, 4, 16, 256, 4096)),
    *(row(f"wake_burst.{threads}", "all CPUs wake so many", "") for threads in (4, 256, 4096)),
    *(row(f"{identity}.{cpus}", what, "", mode="scale") for identity, what in SCALE for cpus in SCALE_CPUS),
    *(row(f"thread_metric.{load}", "an iteration, under fifo", "", mode="fifo") for load in LOADS),
]


def wanted(only, mode):
    """Whether a boot in this mode has a row that is asked for."""
    return not only or any(known.id.startswith(only) for known in ROWS if known.mode == mode)


def parse_line(line):
    """A row, or None if the line is none."""
    match = LINE.search(line.strip())
    if not match:
        return None
    identity, unit, count, least, median, most, note = match.groups()
    found = {"id": identity, "unit": unit, "n": int(count), "min": float(least),
             "median": float(median), "max": float(most)}
    if note:
        found["note"] = note
    return found
