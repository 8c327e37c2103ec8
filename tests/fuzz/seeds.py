#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seed corpus of every fuzz target: seeds.py FILE.dts... OUTPUT-FOLDER

Small inputs that each reach far into a reader; the fuzzer does the rest.
"""

import os
import shutil
import struct
import subprocess
import sys

import programs

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

BOOTARGS = [
    "cpus=4 sched=eevdf log=on isolate=1-2,5",
    "cpus=0x10 big=18446744073709551615 big=18446744073709551616 few=0-2",
    'sched="two words" c= log log=off log=maybe isolate=all unknown=1 =3 few=0-3',
    'c="open', "0x7fffffffffffffff", "0-3,6,127", "cpus=\t1\nlog=yes",
]

CMDLINES = [
    "\x03\0run 'a b' \"c \\\" d\" e\\ f \"\"", "\x01\0one two", "\x05\x02 'open", "\x05\0 \"open",
    "\x07\0end\\",
]

KEYS = [
    "run hogs\r", "helo\x1b[Dl\r", "ello\x01h\x05!\r", "abc\x1b[D\x1b[D\x1b[3~\r",
    "one two  three  \x17\x17x\r\n", "one two\x01\x06\x06\x0b\x15\r", "first\rsecond\r\x1b[A\x1b[A\x10\x0e\r",
    "abc\x02\xfe\x0c\x1bOH\x1bOF\x1b[1~\x1b[4~\x7f\x08\xff\x03\x04", "a\x1b[99999999999~b\x1b[1;5C\t\r",
]

BWL = """bwl 1
counts 2 3 9 5
duration_ns 1000000000
object mutex m 0
object condition c 0
object barrier b 2
object timer t 0
object suspension s 0
task hog-0
instance 0
loop -1
nice 5
cpus 0-3,6
phase first 10
run 1000
sleep 20
timer 30 3 absolute
yield
phase second 1
lock 0
wait 1 0
task other
start 0
delay_ns 5
policy fifo
priority 7
slice_ns 700000
loop 3
phase only -1
runtime 4000
fork 0
barrier 2
end
"""

WORKLOADS = [
    '/* c */ { // d\n"global": {"duration": 2, "default_policy": "SCHED_OTHER", "logdir": "./"},\n'
    '"tasks": {"hog": {"instance": 3, "loop": -1, "run": 1000, "priority": 5},\n'
    '"two": {"delay": 500, "loop": 7, "cpus": [0, 2], "slice_us": 700,\n'
    '"phases": {"light": {"loop": 10, "run0": 1.5, "sleep0": 20}, "heavy": {"runtime": 4000, "yield": "",\n'
    '"timer": {"ref": "unique", "period": 30000, "mode": "absolute"}}}}}}',
    '{"tasks": {"a": {"lock": "m", "wait": {"ref": "c", "mutex": "m"}, "unlock": "m", "barrier": "b",\n'
    '"suspend": "s", "run": 5}, "b": {"signal": "c", "broad": "c", "resume": "s", "fork": "c0",\n'
    '"barrier": "b", "weight": 77, "policy": "SCHED_FIFO", "run": 1},\n'
    '"c0": {"instance": 0, "loop": 1, "run": 3}}}',
    '#{"tasks": {"x": {"run": 1, "run": 2}}}', '{"tasks": {"x": {"sleep": -1}}, "resources": []}',
]


def cpio_entry(name, data=b"", mode=0o100644, padding=0):
    raw = name.encode() + b"\0" * (1 + padding)
    fields = [7, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
    out = b"070701" + b"".join(b"%08X" % field for field in fields) + raw
    out += b"\0" * (-len(out) % 4) + data
    return out + b"\0" * (-len(out) % 4)


def cpio_archives():
    end = cpio_entry("TRAILER!!!", mode=0)
    yield end
    yield cpio_entry(".", mode=0o40755) + cpio_entry("./bin/proc", b"program") + end
    yield cpio_entry("/mm", b"x" * 9, padding=20) + cpio_entry("mm", b"y") + end + b"after"


PF_X, PF_W, PF_R = 1, 2, 4
PT_LOAD, PT_INTERP, PT_TLS, PT_STACK = 1, 3, 7, 0x6474e551


def elf_file(headers, entry=0x401010, size=0x500):
    """Headers: (type, flags, offset, vaddr, bytes in the file, bytes in memory, alignment)."""
    out = b"\x7fELF\2\1\1" + b"\0" * 9
    out += struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, entry, 64, 0, 0, 64, 56, len(headers), 0, 0, 0)
    for kind, flags, offset, vaddr, file_bytes, mem_bytes, align in headers:
        out += struct.pack("<IIQQQQQQ", kind, flags, offset, vaddr, vaddr, file_bytes, mem_bytes, align)
    return out + bytes(range(256)) * (size // 256 + 1)


def elf_files():
    text = (PT_LOAD, PF_R | PF_X, 0, 0x401000, 0x200, 0x200, 0x1000)
    data = (PT_LOAD, PF_R | PF_W, 0x210, 0x403210, 0x100, 0x900, 0x1000)
    bss = (PT_LOAD, PF_R | PF_W, 0, 0x500000, 0, 0x3000, 16)
    tls = (PT_TLS, PF_R, 0x220, 0x403220, 24, 80, 16)
    stack = (PT_STACK, PF_R | PF_W, 0, 0, 0, 0, 16)
    yield elf_file([text])
    yield elf_file([text, data, bss, tls, stack])
    yield elf_file([text, (PT_INTERP, PF_R, 0x200, 0x401200, 8, 8, 1)])
    yield elf_file([text, (PT_LOAD, PF_R, 0x200, 0x401200, 8, 8, 1)])


TREE = """/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ { #address-cells = <2>; #size-cells = <1>; model = "fuzz"; interrupt-parent = <1>;
 aliases { serial0 = "/soc/uart@1000"; };
 chosen { bootargs = "cpus=2"; stdout-path = "serial0:115200"; linux,initrd-start = <0x100>;
  linux,initrd-end = <0 0x200>; rng-seed = [01 02 03 04 05 06 07 08]; };
 cpus { #address-cells = <1>; #size-cells = <0>;
  cpu@0 { device_type = "cpu"; reg = <0>; enable-method = "psci"; };
  cpu@1 { device_type = "cpu"; reg = <1>; enable-method = "spin-table"; cpu-release-addr = <0 0x80>; };
  cpu@2 { device_type = "cpu"; reg = <2>; status = "disabled"; }; };
 memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0x10000000>, <1 0 0x1000>; };
 reserved-memory { #address-cells = <2>; #size-cells = <1>; ranges; r@5 { reg = <0 0x45000000 0x1000>; }; };
 soc { compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>; ranges = <0 1 0 0x10000>;
  uart@1000 { compatible = "arm,pl011", "arm,primecell"; reg = <0x1000 0x100>; interrupts = <0 5 4>; };
  gic: gic@2000 { compatible = "GIC"; reg = <0x2000 0x100>, <0x3000 0x100>; phandle = <1>;
   #interrupt-cells = <3>; interrupt-controller; }; };
 timer { compatible = "arm,armv8-timer"; interrupts = <1 13 8>, <1 14 8>, <1 11 8>, <1 10 8>; };
 psci { compatible = "arm,psci-1.0"; method = "hvc"; };
};
"""


def trees(files):
    sources = [(f"gic{i}.dts", TREE.replace('"GIC"', f'"{kind}"'))
               for i, kind in enumerate(("arm,cortex-a15-gic", "arm,gic-v3"))]
    for path in files:
        with open(path, encoding="utf-8") as file:
            sources.append((os.path.basename(path), file.read()))
    for _, text in sources:
        yield subprocess.run(["dtc", "-q", "-q", "-I", "dts", "-O", "dtb", "-"], input=text.encode(),
                             stdout=subprocess.PIPE, check=True).stdout


def texts(strings):
    return [string.encode("latin-1") for string in strings]


def shipped():
    for name in ("examples/hogs", "examples/pinned", "examples/pipeline", "standard"):
        with open(os.path.join(ROOT, "tools/workload", name + ".json"), "rb") as file:
            yield file.read()


def seeds(tree_files):
    return {
        "bootargs": texts(BOOTARGS),
        "bwl": texts([BWL, BWL.replace("counts 2 3 9 5", "counts 1 1 1 1")]),
        "cmdline": texts(CMDLINES),
        "cpio": list(cpio_archives()),
        "elf": list(elf_files()),
        "fdt": list(trees(tree_files)),
        "lineedit": texts(KEYS),
        "workload": texts(WORKLOADS) + list(shipped()),
        **programs.seeds(),
    }


def main():
    *tree_files, folder = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    for target, inputs in seeds(tree_files).items():
        os.makedirs(os.path.join(folder, target))
        for number, data in enumerate(inputs):
            with open(os.path.join(folder, target, f"{number:02}"), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
