# SPDX-License-Identifier: BSD-2-Clause
"""Machines on the virtual clock: one guest instruction is one nanosecond, on every host, every time.

Several CPUs share one host thread, in turns of so many instructions.  QEMU 7.2 gives the CPU that
comes after a busy one empty turns for as long as that stays busy; a CPU that is switched off does not
mind.  So the machine has one such CPU after each that is used: 2 N - 1 CPUs, and a device tree in
which every second one is not called a CPU.  Then N busy CPUs get exactly 1/N each.
"""

import os
import struct
import subprocess

from qemu import describe_status
from term import Failure


def tree_hide_cpus(blob, cpus):
    """A flattened device tree of `cpus` CPUs in which every second one is not a CPU; cut to its length."""
    header = list(struct.unpack(">10I", blob[:40]))
    for index in range(1, cpus, 2):
        name = b"\0\0\0\1cpu@%d\0" % index  # the emulator counts in decimal here
        if blob.count(name) != 1:
            raise Failure(f"the emulator's device tree has no node cpu@{index}")
        at = blob.index(name)
        kind = blob.index(b"cpu\0", at + len(name))
        blob = blob[:at + 4] + b"off" + blob[at + 7:kind] + b"off" + blob[kind + 3:]
    end = max(header[2] + header[9], header[3] + header[8])
    header[1] = (end + 7) // 8 * 8
    return struct.pack(">10I", *header) + blob[40:end].ljust(header[1] - 40, b"\0")


def tree_dump(board, values, extra):
    """The device tree that the emulator makes for this machine."""
    dump = board.command(values, ("tree_dump",), extra)
    try:
        done = subprocess.run(dump, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        raise Failure(f"cannot start {dump[0]}: {error.strerror}") from None
    try:
        with open(values["tree"], "rb") as file:
            return file.read()
    except OSError:
        raise Failure("the emulator refuses this machine: "
                      + (done.stdout.strip() or describe_status(done.returncode))) from None


def virtual_command(board, values, sections, extra, scratch):
    """The emulator's command for a machine on the virtual clock; files it needs go to `scratch`."""
    cpus = int(values.get("cpus") or board.data["defaults"]["cpus"])
    gic = str(values.get("gic") or board.data["defaults"]["gic"])
    values = {**values, "cpus": 2 * cpus - 1, "tree": os.path.join(scratch, "machine.dtb")}
    sections = (*sections, "repeatable")
    if cpus == 1:
        return board.command(values, sections, extra, clock="virtual")
    if values["cpus"] > board.data["gic_cpus_max"].get(gic, values["cpus"]):
        # No room for CPUs that are off.  Turns are even then only as long as all CPUs are busy or none spins.
        return board.command({**values, "cpus": cpus}, sections, extra, clock="virtual")
    blob = tree_dump(board, values, extra)
    with open(values["tree"], "wb") as file:
        file.write(tree_hide_cpus(blob, values["cpus"]))
    return board.command(values, (*sections, "tree"), extra, clock="virtual")
