#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boot with something wrong, one named case at a time; report as TAP.

Each case says what is given, what must stand on the console, and the machine's exit status.  Nothing
may hang, and nothing may end without a word.  `--list` shows the cases.

The emulator writes memory, boot arguments and archive into any tree that it passes on (-dtb), so
cases about the tree itself boot without its loader: a few instructions jump into the image with
the address of a tree that nobody touched.
"""

import argparse
import fnmatch
import os
import struct
import subprocess
import sys
import tempfile

import fdt
import run_boot
from term import Failure

sys.path.insert(0, os.path.join(run_boot.ROOT, "tools"))

import mkarchive  # noqa: E402

MACHINE_FAILED = 1      # the tree lacks something that nobody can do without
NOTHING_TO_START = 3    # no archive, or no proc in it, or no memory for it
PANICKED = 101
PROC_FAILED = 102
NOT_STARTED = 127       # the program that run= names
KILLED = 128            # plus the signal's number
TOO_LITTLE = (MACHINE_FAILED, NOTHING_TO_START, PROC_FAILED, NOT_STARTED)
TOO_LITTLE_TEXT = r"too little memory|memory exhausted|all of it is in use"
ERR_RANGE, ERR_NOT_FOUND, ERR_PERMISSION = 8, 33, 39
ILL, TRAP, ABRT, SEGV, SYS = 4, 5, 6, 11, 31

RAM = 0x40000000
STUB_AT = RAM + 0x180000
IMAGE_AT = RAM + 0x200000
ARCHIVE_AT = RAM + 0x4000000
TREE_AT = RAM + 0x8000000

HELLO = r"^hello from process \d+"
KNOWN_ARGUMENTS = r"known boot arguments are:.* sched .*run .*loglevel"


class Case:
    """One boot.  `build` may change the entries of the archive, `blob` its bytes, `tree` the tree."""

    def __init__(self, text, status, *console, arguments="run=hello", cpus=4, memory="512M",
                 entries=None, blob=None, archive=True, tree=None, tree_blob=None, bare=False,
                 reserved=(), never=(), qemu=(), panic=False):
        self.text = text
        self.status = status
        self.console = console
        self.never = never
        self.arguments = arguments
        self.cpus = cpus
        self.memory = memory
        self.entries = entries
        self.blob = blob
        self.archive = archive
        self.tree = tree
        self.tree_blob = tree_blob
        self.bare = bare
        self.reserved = reserved
        self.qemu = qemu
        self.panic = panic


def noise(count):
    return bytes((7 * i * i + i // 256) & 255 for i in range(count))


# --- What can be wrong with an archive ---

def without(name):
    return lambda entries: [entry for entry in entries if entry[0] != name]


def changed(name, change):
    return lambda entries: [(entry, change(data) if entry == name else data)
                            for entry, data in entries]


def cut(share):
    return lambda data: data[:int(len(data) * share)]


def program(*instructions):
    """An ELF file of nothing but these instructions."""
    text = struct.pack(f"<{len(instructions)}I", *instructions)
    base, at = 0x400000, 0x78
    return (b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, base + at, 0x40, 0,
                                                       0, 0x40, 0x38, 1, 0, 0, 0)
            + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, at + len(text), at + len(text), 0x1000)
            + text)


def replaced(name, data):
    return changed(name, lambda old: data)


def header_damaged(blob):
    second = blob.index(b"070701", 1000)
    return blob[:second + 3] + b"x" + blob[second + 4:]


def other_machine(data):
    return data[:18] + struct.pack("<H", 62) + data[20:]


def entry_outside(data):
    return data[:24] + struct.pack("<Q", 0x6000000000) + data[32:]


# --- What can be wrong with a tree ---

def property_set(path, name, value):
    def change(root):
        root.find(path).props[name] = value
    return change


def node_removed(path):
    return lambda root: root.remove(path)


def many_cpus(count):
    def change(root):
        cpus = root.find("/cpus")
        cpus.children = [child for child in cpus.children if child.name != "cpu-map"]
        have = len(cpus.children)
        for number in range(have, count):
            cpu = fdt.Node(f"cpu@{number}")
            cpu.props = dict(cpus.children[0].props)
            cpu.props["reg"] = fdt.cells((number // 16) << 8 | number % 16)
            cpu.props.pop("phandle", None)
            cpus.children.append(cpu)
        cpus.children.append(cpus.children.pop(0))
    return change


def same_cpus(root):
    cpus = root.find("/cpus")
    cpu = [child for child in cpus.children if child.name.startswith("cpu@")]
    cpu[1].props["reg"] = cpu[0].props["reg"]


def no_cpus(root):
    root.find("/cpus").children = []


def chosen_bare(root):
    """What the emulator's loader would have written."""
    chosen = root.find("/chosen").props
    chosen["bootargs"] = b"run=hello\0"
    chosen["linux,initrd-start"] = fdt.cells64(ARCHIVE_AT)
    chosen["linux,initrd-end"] = fdt.cells64(ARCHIVE_AT + os.path.getsize(options.archive))


def initrd_backwards(root):
    chosen = root.find("/chosen").props
    chosen["linux,initrd-start"], chosen["linux,initrd-end"] = (
        chosen["linux,initrd-end"], chosen["linux,initrd-start"])


def initrd_outside(root):
    chosen = root.find("/chosen").props
    chosen["linux,initrd-start"] = fdt.cells64(0x7000000000)
    chosen["linux,initrd-end"] = fdt.cells64(0x7000100000)


def crash(how, status, *console):
    return Case(f"a program that does wrong: {how}", status, *console, arguments=f"run=crash,{how}")


def option(words, *console, status=0):
    return Case(f"boot arguments {words}", status, HELLO, *console, arguments=f"run=hello {words}")


ARCHIVES = {
    "no-archive": Case("no boot archive", NOTHING_TO_START, r"there is no boot archive.*-initrd",
                       archive=False),
    "archive-cut": Case("a boot archive cut short", NOTHING_TO_START,
                        r"boot archive cannot be read: .*byte \d+", blob=cut(0.6)),
    "archive-cut-early": Case("the first 40 bytes of a boot archive", NOTHING_TO_START,
                              r"boot archive cannot be read", blob=lambda blob: blob[:40]),
    "archive-noise": Case("noise as boot archive", NOTHING_TO_START,
                          r"boot archive cannot be read", blob=lambda blob: noise(65536)),
    "archive-damaged": Case("a boot archive with a damaged header inside", NOTHING_TO_START,
                            r"boot archive cannot be read: .*at byte [1-9]", blob=header_damaged),
    "no-proc": Case("no proc in the archive", NOTHING_TO_START, r"holds no program \"proc\"",
                    entries=without("proc")),
    "no-mm": Case("no mm in the archive", PROC_FAILED, r"proc: panic: .*\bmm\b",
                  entries=without("mm"), panic=True),
    "no-sched": Case("no scheduler server in the archive", PROC_FAILED,
                     r"holds no scheduler server.*; sched=none does without", r"proc: panic",
                     entries=without("sched"), panic=True),
    "no-sched-wanted": Case("no scheduler server, as asked", 0, r"sched=none", HELLO,
                            entries=without("sched"), arguments="run=hello sched=none"),
    "cut-proc": Case("proc cut short", NOTHING_TO_START, r"program \"proc\".*cannot be started",
                     entries=changed("proc", cut(0.5))),
    "cut-mm": Case("mm cut short", PROC_FAILED, r"\"mm\" is not a program", r"proc: panic: .*mm",
                   entries=changed("mm", cut(0.5)), panic=True),
    "cut-sched": Case("the scheduler server cut short", PROC_FAILED,
                      r"\"sched\" is not a program", r"holds no scheduler server",
                      entries=changed("sched", cut(0.5)), panic=True),
    "cut-program": Case("the program cut short", NOT_STARTED, r"\"hello\" is not a program",
                        r"first program \"hello\" cannot be started",
                        entries=changed("hello", cut(0.5))),
    "text-program": Case("a text as program", NOT_STARTED, r"\"hello\" is not a program",
                         entries=changed("hello", lambda data: b"#!/bin/sh\necho hello\n")),
    "empty-program": Case("an empty program", NOT_STARTED, r"\"hello\" is not a program",
                          entries=changed("hello", lambda data: b"")),
    "other-machine": Case("a program for another machine", NOT_STARTED,
                          r"\"hello\" is not a program", entries=changed("hello", other_machine)),
    "other-machine-proc": Case("proc for another machine", NOTHING_TO_START,
                               r"program \"proc\".*cannot be started",
                               entries=changed("proc", other_machine)),
    "entry-outside": Case("a program that begins outside itself", (KILLED + SEGV, NOT_STARTED),
                          r"\"hello\" (killed: page fault executing|is not a program)",
                          entries=changed("hello", entry_outside)),
    "no-program": Case("run= names nothing that is there", NOT_STARTED,
                       r"first program \"nonexistent\" cannot be started: no such",
                       arguments="run=nonexistent"),
    "not-program": Case("run= names no program", NOT_STARTED,
                        r"\"standard.bwl\" is not a program", arguments="run=standard.bwl"),
    "server-as-program": Case("run= names a server", (KILLED + SEGV, KILLED + ILL, NOT_STARTED),
                              r"\"sched\"", arguments="run=sched"),
    "proc-as-program": Case("run= names proc", (KILLED + SEGV, KILLED + ILL, PROC_FAILED,
                                                NOT_STARTED),
                            r"\"proc\"", arguments="run=proc"),
    "long-run": Case("run= with a very long name", NOT_STARTED,
                     r"first program \"x+\" cannot be started: no such",
                     arguments="run=" + "x" * 600),
    "many-arguments": Case("a program with 120 arguments", 0, HELLO,
                           arguments="run=hello" + ",x" * 120),
}

ARGUMENTS = {
    "unknown-argument": option("colour=blue", r"boot argument \"colour=blue\": unknown",
                               KNOWN_ARGUMENTS),
    "unknown-word": option("quiet", r"boot argument \"quiet\": unknown", KNOWN_ARGUMENTS),
    "unknown-policy": option("sched=nonsense",
                             r"unknown sched=nonsense; known are:.*eevdf.*; using eevdf"),
    "unknown-place": option("place=nonsense", r"unknown place=nonsense; known are:.*; using"),
    "long-policy": option("sched=averyveryverylongnameofapolicy", r"\"sched=averyveryverylo...\": is longer",
                          r"unknown sched=avery.*eevdf"),
    "bad-exit": option("exit=maybe", r"\"exit=maybe\": is neither on, off"),
    "bad-loglevel": option("loglevel=9", r"\"loglevel=9\": .*outside"),
    "bad-loglevel-text": option("loglevel=much", r"\"loglevel=much\": is not a number"),
    "bad-cpus-zero": option("cpus=0", r"\"cpus=0\": .*outside"),
    "bad-cpus-text": option("cpus=all", r"\"cpus=all\": is not a number"),
    "bad-cpus-many": option("cpus=4096", r"\"cpus=4096\": .*outside"),
    "more-cpus-asked": option("cpus=64", r"machine with 4 CPUs"),
    "fewer-cpus": option("cpus=2", r"machine with 2 CPUs"),
    "twice": option("sched=rr sched=fifo", r"given more than once", r"sched: policy fifo"),
    "no-key": option("=5", r"a value without a key"),
    "open-quote": option("place=\"x", r"quotation mark is not closed"),
    "device-word": option("device=hello", r"\"device=hello\": is not PROGRAM:NODE"),
    "device-unknown": option("device=hello:/nothing", r"device=hello:/nothing\": .* no such node"),
    "device-console": option("device=hello:/pl011", r"device=hello:/pl011\": the system itself"),
    "device-gic": option("device=hello:/intc", r"device=hello:/intc\": the system itself"),
    "device-memory": option("device=hello:/memory", r"device=hello:/memory\": the system itself"),
    "device-shared-page": option("device=hello:/virtio_mmio@a000000",
                                 r"device=hello:/virtio_mmio@a000000\": .* pages of their own"),
    "device-without-registers": option("device=hello:/timer", r"device=hello:/timer\": .* no registers"),
    "device-none": Case("a program that asks for a device, and there is none", ERR_NOT_FOUND,
                        arguments="run=t_device,open"),
    "device-another": Case("a program that asks for another one's device", ERR_PERMISSION,
                           arguments="run=t_device,open device=hello:/pl031"),
    "device-far-cpu": Case("an interrupt for a CPU that is not there", ERR_RANGE,
                           arguments="run=t_device,open,4 device=t_device:/pl031"),
    # Firmware switches off what no host ends; each call that nobody answers is an exception of the kernel.
    "trace-without-host": Case("a trace, and no host that takes it", 0, r"^trace=: no host that takes",
                               r"^crash: on CPU 0x0$", arguments="run=crash,number trace=x", cpus=1,
                               qemu=("-semihosting-config", "enable=off")),
    "bad-decision": option("sched.decision_ms=0", r"\"sched.decision_ms=0\": .*outside"),
    "long-arguments": Case("more boot arguments than this build reads", 0,
                           r"boot arguments are longer", HELLO,
                           arguments="run=hello " + "x" * 1500),
}

MEMORY = {
    "memory-10m": Case("10 MiB of memory", TOO_LITTLE, TOO_LITTLE_TEXT, memory="10M",
                      panic=True),
    "memory-16m": Case("16 MiB of memory", TOO_LITTLE, TOO_LITTLE_TEXT, memory="16M",
                      panic=True),
    "memory-24m": Case("24 MiB of memory", TOO_LITTLE, TOO_LITTLE_TEXT, memory="24M",
                      panic=True),
    "memory-32m": Case("32 MiB of memory", TOO_LITTLE, TOO_LITTLE_TEXT, memory="32M",
                      panic=True),
    "memory-40m": Case("40 MiB of memory", TOO_LITTLE, TOO_LITTLE_TEXT, memory="40M",
                      panic=True),
    "memory-48m": Case("48 MiB of memory", TOO_LITTLE, TOO_LITTLE_TEXT, memory="48M",
                      panic=True),
    "memory-56m": Case("56 MiB of memory", TOO_LITTLE, TOO_LITTLE_TEXT, memory="56M",
                      panic=True),
    "memory-64m": Case("64 MiB of memory", TOO_LITTLE, TOO_LITTLE_TEXT, memory="64M",
                      panic=True),
    "memory-72m": Case("72 MiB of memory", 0, HELLO, memory="72M"),
    "memory-all-reserved": Case("all memory is reserved", MACHINE_FAILED,
                                r"cannot start: memory: all of it is in use or reserved",
                                tree=lambda root: None, reserved=((RAM, 0x20000000),)),
    "memory-odd": Case("memory in odd pieces", 0, HELLO, tree=property_set(
        "/memory", "reg", fdt.cells64(RAM, 0x8000123, RAM + 0x8001fff, 0x17ffd001)), bare=True),
}

TREES = {
    "tree-address-zero": Case("no tree", MACHINE_FAILED, r"no usable device tree address", bare=True,
                              tree_blob=lambda blob: None),
    "tree-noise": Case("noise as tree", MACHINE_FAILED, r"device tree is damaged", bare=True,
                       tree_blob=lambda blob: noise(8192)),
    "tree-cut": Case("a tree whose strings are gone", MACHINE_FAILED,
                     r"cannot start: the device tree", bare=True,
                     tree_blob=lambda blob: blob[:1200] + bytes(len(blob) - 1200)),
    "tree-huge": Case("a tree that says it is 4 GiB long", MACHINE_FAILED,
                      r"device tree is damaged", bare=True,
                      tree_blob=lambda blob: blob[:4] + b"\xff\xff\xff\xff" + blob[8:]),
    "tree-old": Case("a tree of version 99", MACHINE_FAILED, r"device tree is damaged", bare=True,
                     tree_blob=lambda blob: blob[:20] + fdt.cells(99, 99) + blob[28:]),
    "tree-bare": Case("a tree that nobody touched is read as well as the emulator's", 0, HELLO,
                      bare=True),
    "no-memory": Case("no memory node", MACHINE_FAILED, r"no memory node", bare=True,
                      tree=node_removed("/memory")),
    "memory-empty": Case("a memory node without memory", MACHINE_FAILED, r"no memory node",
                         bare=True, tree=property_set("/memory", "reg", fdt.cells64(RAM, 0))),
    "memory-elsewhere": Case("memory where nothing of the kernel is, and too little of it",
                             NOTHING_TO_START, r"archive.*not in memory", bare=True,
                             tree=property_set("/memory", "reg",
                                               fdt.cells64(RAM + 0x10000000, 0x10000))),
    "memory-wraps": Case("memory past the end of the address space", MACHINE_FAILED,
                         r"passes the end", bare=True,
                         tree=property_set("/memory", "reg",
                                           fdt.cells64(0xfffffffffff00000, 0x200000))),
    "memory-absent": Case("memory past what the machine has: said, with registers, not silence", PANICKED,
                          r"PANIC: synchronous exception of kernel .* syndrome 96000[01]10, address ffffff81",
                          bare=True, panic=True,
                          tree=property_set("/memory", "reg", fdt.cells64(RAM, 0x120000000))),
    "memory-flash": Case("flash that is said to be memory is not used", 0,
                         r"no memory answers from 1000 to 7ffffff; it is not used", HELLO, bare=True,
                         tree=property_set("/memory", "reg",
                                           fdt.cells64(0, 0x8000000, RAM, 0x20000000))),
    "memory-cells": Case("a memory region cut short", MACHINE_FAILED, r"memory", bare=True,
                         tree=property_set("/memory", "reg", fdt.cells(0, RAM, 0))),
    "no-gic": Case("no interrupt controller", MACHINE_FAILED, r"no enabled GIC", bare=True,
                   tree=node_removed("/intc")),
    "gic-without-regions": Case("an interrupt controller without registers", MACHINE_FAILED,
                                r"register range of the interrupt controller", bare=True,
                                tree=property_set("/intc", "reg", b"")),
    "gic-without-redistributor": Case("a GICv3 without redistributors", MACHINE_FAILED,
                                      r"register range of the interrupt controller", bare=True,
                                      tree=property_set("/intc", "reg",
                                                        fdt.cells64(0x8000000, 0x10000))),
    "no-timer": Case("no timer", MACHINE_FAILED, r"virtual timer interrupt", bare=True,
                     tree=node_removed("/timer")),
    "no-uart": Case("no UART: the board's own is used", 0, HELLO, r"no enabled arm,pl011",
                    r"no console input", bare=True, tree=node_removed("/pl011")),
    "uart-clock": Case("a clock that is said to be the UART: the board's own is used", 0,
                       r"no PL011 answers at 9010000; the board's own is used", r"no console input", HELLO,
                       bare=True, tree=property_set("/pl011", "reg", fdt.cells64(0x9010000, 0x1000))),
    "uart-flash": Case("flash that is said to be the UART: nobody waits for room in it", 0,
                       r"no PL011 answers at 1000; the board's own is used", HELLO, bare=True,
                       tree=property_set("/pl011", "reg", fdt.cells64(0x1000, 0x1000))),
    "uart-absent": Case("a UART where nothing is: said on the board's own", PANICKED,
                        r"PANIC: synchronous exception of kernel", bare=True, panic=True,
                        tree=property_set("/pl011", "reg", fdt.cells64(0x7000000000, 0x1000))),
    "no-cpus": Case("no CPUs", MACHINE_FAILED, r"no /cpus node or no CPU", bare=True, tree=no_cpus),
    "same-cpus": Case("two CPUs with the same number: the ones before them are used", 0,
                      r"same MPIDR", HELLO, bare=True, tree=same_cpus),
    "no-psci": Case("several CPUs, but no firmware to start them", 0, r"no psci node",
                    r"1 of 4 CPUs", HELLO, bare=True, tree=node_removed("/psci")),
    "psci-method": Case("an unknown way to firmware", 0, r"psci node", HELLO, bare=True,
                        tree=property_set("/psci", "method", b"letter\0")),
    "psci-nobody": Case("firmware that does not answer: a call of it is an undefined instruction", 0,
                        r"CPU 1 .*firmware does not start it \(-1\)", r"1 of 4 CPUs", HELLO, bare=True,
                        tree=property_set("/psci", "method", b"smc\0")),
    # The boot CPU is the last in the tree.
    "258-cpus": Case("more CPUs than this build supports, of which the machine has 4", 0,
                     r"this build supports 256 CPUs", r"2 CPUs more are left parked",
                     r"CPU 4 .*firmware does not start it", r"4 of 256 CPUs are used",
                     r"machine with 4 CPUs", tree=many_cpus(258)),
    "initrd-backwards": Case("an archive that ends before it starts", NOTHING_TO_START,
                             r"boot archive", bare=True, tree=initrd_backwards),
    "initrd-outside": Case("an archive where no memory is", NOTHING_TO_START, r"boot archive",
                           bare=True, tree=initrd_outside),
}

def bad_server(text, reason, *instructions):
    """Every instance of the scheduler server does the same: the kernel's rotation must do."""
    return Case(text, 0, r"CPU \d fell back to the kernel's rotation: .*" + reason,
                r"failed too often", HELLO, entries=replaced("sched", program(*instructions)),
                arguments="run=hello sched.decision_ms=50")


B_SELF, B_BACK_4, SVC, UNDEFINED = 0x14000000, 0x17FFFFFC, 0xD4000001, 0

SERVERS = {
    "sched-stuck": bad_server("a dispatcher that never decides", "exceeded the decision limit",
                              B_SELF),
    "sched-undefined": bad_server("a dispatcher that executes nonsense", "faulted", UNDEFINED),
    "sched-wild": bad_server("a dispatcher that reads address 0", "faulted",
                             0xD2800000, 0xF9400000, B_SELF),   # mov x0, #0; ldr x0, [x0]
    # mov x0, #8 (request port); mov x8, #0 (call); mov x1, #0; svc #0; again
    "sched-waits": bad_server("a dispatcher that calls a dispatcher", "blocked elsewhere",
                              0xD2800100, 0xD2800008, 0xD2800001, SVC, B_BACK_4),
    # add x9, x2, #256 (own Core); mov x0, x9; mov x1, #0x7777; mov x8, #10 (decide); svc #0; again
    "sched-nonsense": bad_server("a dispatcher whose decisions are nonsense", "refused decisions",
                                 0x91040049, 0xAA0903E0, 0xD28EEEE1, 0xD2800148, SVC, B_BACK_4),
}

PROGRAMS = {
    "crash-null": crash("null", KILLED + SEGV, r"\"crash\" killed: page fault executing 0x0 "),
    "crash-wild": crash("wild", KILLED + SEGV, r"killed: page fault writing 0x\w+ at pc"),
    "crash-kernel": crash("kernel", KILLED + SEGV, r"killed: page fault reading 0xffff"),
    "crash-text": crash("text", KILLED + SEGV, r"killed: page fault writing .*not permitted"),
    "crash-undefined": crash("undefined", KILLED + ILL, r"killed: undefined instruction at pc"),
    "crash-break": crash("break", KILLED + TRAP, r"killed: breakpoint 0x3"),
    "crash-syscall": crash("syscall", KILLED + SYS, r"killed: bad system call 4242"),
    "crash-privileged": crash("privileged", KILLED + ILL, r"killed: undefined instruction"),
    "crash-jump": crash("jump", KILLED + SEGV, r"killed: page fault executing .*not permitted"),
    "crash-stack": crash("stack", KILLED + SEGV, r"killed: page fault writing .*stack overflow"),
    "crash-abort": crash("abort", KILLED + ABRT, r"did not end by itself: aborted"),
    # The loader's part of memory, and the kernel's text: that is there once, where nobody can write.
    "crash-window": crash(f"window,{RAM:#x},{IMAGE_AT:#x},{IMAGE_AT + 0x8000:#x}", 0,
                          f"^crash: {RAM:#x} is in the kernel's window", f"^crash: {IMAGE_AT:#x} is not in",
                          f"^crash: {IMAGE_AT + 0x8000:#x} is not in"),
    "crash-syscalls": crash("syscalls", 0, r"junk in every system call: 0 not refused"),
}

GROUPS = {"archives": ARCHIVES, "arguments": ARGUMENTS, "memory": MEMORY, "trees": TREES,
          "servers": SERVERS, "programs": PROGRAMS}
CASES = {name: case for group in GROUPS.values() for name, case in group.items()}


def virt_tree(case, directory):
    """The emulator's own tree for this machine, changed as the case says."""
    path = os.path.join(directory, "virt.dtb")
    board = run_boot.Board(run_boot.ROOT, "qemu-virt")
    command = board.command({"cpus": case.cpus, "memory": case.memory, "kernel": options.kernel},
                            sections=())
    command[command.index("-machine") + 1] += f",dumpdtb={path}"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(path, "rb") as file:
        root = fdt.read(file.read())
    if case.bare:
        chosen_bare(root)
    if case.tree:
        case.tree(root)
    blob = fdt.write(root, case.reserved)
    return case.tree_blob(blob) if case.tree_blob else blob


def stub(tree_at):
    """ldr x0, tree; ldr x4, image; br x4; nop"""
    return struct.pack("<4I2Q", 0x58000080, 0x580000A4, 0xD61F0080, 0xD503201F, tree_at, IMAGE_AT)


def keep(directory, name, data):
    path = os.path.join(directory, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def loader(path, address):
    return ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]


def without_loader(command, case, tree, directory):
    """Instead of -kernel: everything at its address, and the first CPU at the stub."""
    at = command.index("-kernel")
    del command[at:at + 2]
    command += loader(keep(directory, "stub", stub(0 if tree is None else TREE_AT)), STUB_AT)
    command += loader(options.kernel, IMAGE_AT)
    command += loader(options.archive, ARCHIVE_AT)
    if tree is not None:
        command += loader(keep(directory, "tree", tree), TREE_AT)
    return command + ["-device", f"loader,addr={STUB_AT:#x},cpu-num=0"]


def archive_path(case, directory):
    if not case.archive or case.bare:
        return None
    if not case.entries and not case.blob:
        return options.archive
    with open(options.archive, "rb") as file:
        blob = file.read()
    if case.entries:
        entries = [(name, data) for name, data, _ in mkarchive.parse(blob)]
        blob = mkarchive.build(case.entries(entries))
    return keep(directory, "archive", case.blob(blob) if case.blob else blob)


def make_command(case, directory):
    board = run_boot.Board(run_boot.ROOT, "qemu-virt")
    command = board.command({
        "cpus": case.cpus, "memory": case.memory, "kernel": options.kernel,
        "archive": archive_path(case, directory),
        "bootargs": None if case.bare else case.arguments}, extra=case.qemu)
    if case.bare:
        return without_loader(command, case, virt_tree(case, directory), directory)
    if case.tree:
        command += ["-dtb", keep(directory, "tree", virt_tree(case, directory))]
    return command


def run_case(name, tap):
    case = CASES[name]
    tap.comment(f"{name}: {case.text}")
    with tempfile.TemporaryDirectory() as directory:
        command = make_command(case, directory)
        tap.comment(" ".join(command))
        judged = argparse.Namespace(
            expect_text=list(case.console), expect_panic=case.panic, expect_misuse=False, tap=False,
            timeout=options.timeout, expect_exit=case.status)
        boot = run_boot.Boot(judged, tap)
        with run_boot.Guest(command, options.timeout) as guest:
            for line in guest.lines():
                boot.feed(line)
            boot.conclude(guest, name)


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description="Boot with something wrong; report as TAP.")
    parser.add_argument("--kernel")
    parser.add_argument("--archive")
    parser.add_argument("--timeout", type=float, default=120, metavar="S", help="for each boot")
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("case", nargs="*", help="cases; patterns such as 'crash-*'; "
                        f"groups: {', '.join(GROUPS)}")
    return parser.parse_args(argv)


def chosen_cases(wanted):
    names = []
    for word in wanted or ["*"]:
        found = list(GROUPS[word]) if word in GROUPS else fnmatch.filter(CASES, word)
        if not found:
            raise Failure(f"there is no case {word!r}; there is: {', '.join([*GROUPS, *CASES])}")
        names += found
    return names


def main():
    tap = run_boot.Tap()
    if options.list:
        for group, cases in GROUPS.items():
            print(f"{group}:")
            for name, case in cases.items():
                print(f"    {name:26} {case.text}")
        return 0
    try:
        for name in chosen_cases(options.case):
            run_case(name, tap)
    except Failure as failure:
        tap.bail_out(str(failure))
        return 1
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == "__main__":
    options = parse_arguments(sys.argv[1:])
    sys.exit(main())
