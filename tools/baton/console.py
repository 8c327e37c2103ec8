# SPDX-License-Identifier: BSD-2-Clause
"""What a guest's console lines mean to the front door.

The guest hands results over on its console, on lines that begin with "@@BATON-":

    @@BATON-JSON-BEGIN            the lines between these two are one JSON document
    @@BATON-JSON-END
    @@BATON-THREAD TID NAME       what a thread is called, for traces
    @@BATON-SHA256 HEX FILE       digest of a file of the boot archive, as a program in the guest computed it

These lines are taken out of what is shown.  Everything else is for the person.
"""

import hashlib
import json
import re

import epitaph

JSON_BEGIN = "@@BATON-JSON-BEGIN"
JSON_END = "@@BATON-JSON-END"
DIGEST = re.compile(r"@@BATON-SHA256 ([0-9a-fA-F]+) (\S.*)$")
THREAD = re.compile(r"@@BATON-THREAD (\d+) (\S.*)$")
PANIC = re.compile(r"^\W*(kernel )?panic\b", re.IGNORECASE)
# From a kernel that watches its locks; its line may be mixed with another.
MISUSE = re.compile(r"lock misuse \(CPU \d+\):")


# The kernel's word that the scheduler server did what it must not.
FAULT = re.compile(r"thread tag \d+ is a dispatcher: ")
# proc's word that no scheduler server decides any more.
GIVEN_UP = re.compile(r"proc: the scheduler server failed too often")


class Console:
    """Sorts console lines.  feed() returns what to show, or None."""

    def __init__(self):
        self.json_lines = []
        self.json_complete = False
        self.in_json = False
        self.digests = []
        self.threads = {}
        self.panics = []
        self.epitaph = []  # from where it begins to the end
        self.faults = []  # of dispatchers
        self.given_up = False

    def feed(self, line):
        mark = line.strip()
        if self.in_json:
            if mark == JSON_END:
                self.in_json, self.json_complete = False, True
            else:
                self.json_lines.append(line)
            return None
        if mark == JSON_BEGIN:
            self.in_json, self.json_complete, self.json_lines = True, False, []
            return None
        digest = DIGEST.match(mark)
        if digest:
            self.digests.append((digest.group(2), digest.group(1).lower()))
            return None
        thread = THREAD.match(mark)
        if thread:
            self.name_thread(int(thread.group(1)), thread.group(2))
            return None
        if self.epitaph or epitaph.BEGIN.match(line):
            self.epitaph.append(line)
        if PANIC.match(line):
            self.panics.append(mark)
        if FAULT.match(mark):
            self.faults.append(mark)
        if GIVEN_UP.match(mark):
            self.given_up = True
        return line

    def name_thread(self, tid, name):
        """A number that several threads had, one after another, gets all their names."""
        names = self.threads.setdefault(tid, name).split("|")
        if name not in names:
            self.threads[tid] += f"|{name}"

    def results(self):
        """(document, None), or (None, what is wrong with it)."""
        if self.in_json:
            return None, "the guest ended inside its results"
        if not self.json_complete:
            return None, "the guest printed no results"
        try:
            document = json.loads("\n".join(self.json_lines))
        except ValueError as error:
            return None, f"the guest's results are no JSON: {error}"
        if not isinstance(document, dict) or not isinstance(document.get("run", {}), dict):
            return None, "the guest's results are JSON, but no object with a \"run\" object in it"
        return document, None


def compare_digests(found, entries):
    """Check the guest's digests against the archive's files.

    `found`: (name, hex) pairs of the guest; `entries`: (name, data) of the archive.  Returns what is
    wrong, a line for each, in the guest's order.
    """
    files = dict(entries)
    report = []
    for name, digest in found:
        if name not in files:
            report.append(f"{name}: the guest read it, but the boot archive has no such file")
            continue
        host = hashlib.sha256(files[name]).hexdigest()
        if digest != host:
            report.append(f"{name}: sha256 {digest} in the guest, {host} on the host")
    return report
