# SPDX-License-Identifier: BSD-2-Clause
"""`baton bench --breakdown ROW`: where the instructions of one operation go, and what else it does.

The emulator writes down the address of each instruction that it executes, and the program in the guest
executes hints that do nothing where an operation begins and ends (bench.h).  Debug information says
which file an address comes from, the disassembly what it does.  An instruction that fewer than one
operation in twenty executes is left out: a timer that fires once in a while belongs to nobody.
"""

import collections
import os
import re
import subprocess
import tempfile
import threading

from bench_guest import counting_command, counting_machine, rows_of
from bench_rows import CPUS_MARKED, ROWS
from qemu import Guest
from term import Failure, Progress, say

RARE = 0.05
LINE_BYTES = 64  # of a cache
TOPS = ("kernel", "servers", "libsys", "boards")
TOOLS = "aarch64-linux-gnu-"
PROGRAMS = ("kernel/kernel.elf", "servers/sched/sched", "servers/mm/mm", "servers/proc/proc",
            "libsys/programs/bench")
EVERY = 2000000  # lines between two looks at the terminal
HINT_BEGIN, HINT_END = 80, 81  # bench.h

# Counter, and what the instruction looks like in the disassembly: mnemonic and operands.
COUNTERS = (
    ("exception returns", r"eret\b"),
    ("writes of TTBR0", r"msr\s+ttbr0_el1"),
    ("writes of the timer", r"msr\s+cnt[vp]_(cval|tval|ctl)_el0"),
    ("reads of the counter", r"mrs\s+\w+, cnt[vp]ctw?(ss)?_el0"),
    ("other system registers written", r"msr\s+(?!ttbr0|cnt|daif)"),
    ("TLB invalidations", r"tlbi\b"),
    ("instruction barriers (ISB)", r"isb\b"),
    ("data barriers (DMB, DSB)", r"d[ms]b\b"),
    ("atomic updates", r"(st[l]?xr[bh]?|stl?xp|cas\w*|swp\w*|ld(add|clr|set|eor|[su]m(ax|in))\w*)\b"),
    ("load-acquire, store-release", r"(ldap?r[bh]?|ldar[bh]?|stlr[bh]?)\b"),
    ("divisions", r"[us]div\b"),
)


# --- Running ---

def marks(program):
    """The addresses of the hints that begin and end an operation."""
    found = [{f"{address:016x}" for address, text in program.text.items()
              if re.match(rf"hint\s+#{hint:#x}\b", text)} for hint in (HINT_BEGIN, HINT_END)]
    if not all(found):
        raise Failure(f"{program.path}: no marks of operations")
    return found


class Operations:
    """Counts what is executed between the last begin and an end."""

    def __init__(self, begins, ends):
        self.begins, self.ends = begins, ends
        self.counts = collections.Counter()
        self.open = None
        self.windows = 0

    def step(self, address):
        if address in self.begins:
            self.open = []
        elif self.open is None:
            return
        elif address in self.ends:
            self.counts.update(self.open)
            self.open = None
            self.windows += 1
        else:
            self.open.append(address)


def execute(command, timeout, scratch, operations):
    """Boot and count; the rows that the guest printed."""
    pipe = os.path.join(scratch, "executed")
    os.mkfifo(pipe)
    rows, right = [], []

    def run():
        with Guest(command + ["-singlestep", "-d", "exec,nochain", "-D", pipe], timeout) as guest:
            found, well = rows_of(guest, "the measurement")
            rows.extend(found)
            right.append(well)

    runner = threading.Thread(target=run)
    runner.start()
    shown = Progress("counting")
    with open(pipe, encoding="ascii", errors="replace") as lines:
        for number, line in enumerate(lines):
            if line.startswith("Trace"):
                operations.step(line.split("/", 2)[1])
            if number % EVERY == 0:
                shown.update(f"{number // 1000000} million instructions, {operations.windows} operations")
    runner.join()
    shown.finish(right == [True])
    if right != [True]:
        raise Failure("the guest did not measure")
    return rows


def per_operation(operations, rows):
    """(executions of each address in one operation, the row, the number of operations)."""
    if len(rows) != 1 or operations.windows == 0:
        names = ", ".join(sorted(row["id"] for row in rows)) or "none"
        raise Failure("--breakdown wants the id of one row whose operations are marked; "
                      f"measured: {names}")
    many = rows[0]["n"]
    count = operations.windows if operations.windows > many / 2 else operations.windows * many
    average = {int(address, 16): times / count for address, times in operations.counts.items()}
    return {address: value for address, value in average.items() if value > RARE}, rows[0], count


# --- What an address is ---

class Program:
    """One ELF file: what its instructions are and where they come from."""

    def __init__(self, path):
        self.path = path
        self.text = {}
        for line in tool("objdump", "-d", "--no-show-raw-insn", path):
            match = re.match(r"\s*([0-9a-f]+):\s+(.*)$", line)
            if match:
                self.text[int(match[1], 16)] = match[2]
        self.sorted = sorted(self.text)

    def has(self, address):
        return address in self.text

    def places(self, addresses):
        """{address: (function, file)}; code from a header belongs to the function that includes it."""
        found, address = {}, None
        words = [f"{each:#x}" for each in addresses]
        lines = tool("addr2line", "-a", "-f", "-i", "-e", self.path, text="\n".join(words))
        chain = []
        for line in [*lines, "0x0"]:
            if line.startswith("0x"):
                if address is not None:
                    found[address] = outermost(chain)
                address, chain = int(line, 16), []
            else:
                chain.append(line)
        return found


def outermost(chain):
    """Of function, place, function, place... from the inside out: the first that is not in a header."""
    pairs = [(chain[i], chain[i + 1].rsplit(":", 1)[0]) for i in range(0, len(chain) - 1, 2)]
    for function, path in pairs:
        if not path.endswith(".h"):
            return function, path
    return pairs[-1] if pairs else ("?", "?")


def tool(name, *words, text=None):
    try:
        done = subprocess.run([TOOLS + name, *words], input=text, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"{TOOLS}{name}: {error}") from None
    return done.stdout.splitlines()


def part_of(path):
    """The part of the system that a source file stands for."""
    words = os.path.normpath(path).split("/")
    tops = [at for at, word in enumerate(words) if word in TOPS and at + 1 < len(words)]
    if not tops:
        return "?"
    words = words[tops[-1]:]
    if words[:2] == ["kernel", "dispatch"]:
        return "/".join(words)
    if words[:3] == ["servers", "sched", "policy"]:
        return "servers/sched/policy"
    if words[:2] == ["libsys", "programs"]:
        return "the measured program"
    return "/".join(words[:-1])


# --- The whole ---

def line_count(addresses):
    return len({address // LINE_BYTES for address in addresses})


def counters(executions, texts):
    """[(name, per operation)]."""
    found = [(name, sum(count for address, count in executions.items()
                        if re.match(pattern, texts[address]))) for name, pattern in COUNTERS]
    found.append(("cache lines of instructions", float(line_count(executions))))
    return found


def parts(executions, places):
    """[(part, instructions, [(function, instructions)])], most first."""
    sums, functions = collections.Counter(), collections.defaultdict(collections.Counter)
    for address, count in executions.items():
        function, path = places[address]
        part = part_of(path)
        sums[part] += count
        functions[part][function] += count
    return [(part, total, functions[part].most_common()) for part, total in sums.most_common()]


def explain(executions, programs):
    """(text of each address, place of each address)."""
    texts, places = {}, {}
    for program in programs:
        mine = [address for address in executions if program.has(address)]
        texts.update((address, program.text[address]) for address in mine)
        places.update(program.places(mine))
    for address in executions:
        texts.setdefault(address, "?")
        places.setdefault(address, ("?", "?"))
    return texts, places


def show(row, count, executions, texts, places):
    """Print it; the rows for --json."""
    total = sum(executions.values())
    print(f"{row['id']}: {total:.0f} instructions an operation, with the loop around it; "
          f"average of {count}")
    print()
    table = parts(executions, places)
    width = max(len(part) for part, _, _ in table)
    for part, instructions, functions in table:
        most = ", ".join(f"{name} {count:.0f}" for name, count in functions[:4] if count >= 1)
        print(f"  {part:{width}} {instructions:8.1f} {100 * instructions / total:5.1f} %   {most}")
    print()
    counted = counters(executions, texts)
    width = max(len(name) for name, _ in counted)
    for name, value in counted:
        print(f"  {name:{width}} {value:8.2f}")
    rows = [("instructions", total)] + [(part, count) for part, count, _ in table] + counted
    return [{"id": f"{row['id']}/{name}", "unit": "per operation", "n": count, "min": value,
             "median": value, "max": value} for name, value in rows]


def breakdown(args):
    """Rows of args.breakdown."""
    with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
        mode = next(known.mode for known in ROWS if known.id == args.breakdown)
        identity, _, part = args.breakdown.partition(".")
        cpus = int(part) if mode == "scale" else CPUS_MARKED.get(identity, 1)
        machine = counting_machine(args, cpus, scratch, mode, ["quick", f"only={identity}"])
        machine.prepare()
        command = counting_command(machine, scratch)
        facts = machine.facts(command)
        say("reading programs")
        programs = [Program(machine.build.file(name)) for name in PROGRAMS]
        operations = Operations(*marks(programs[-1]))
        rows = execute(command, args.timeout, scratch, operations)
        executions, row, count = per_operation(operations, rows)
        texts, places = explain(executions, programs)
        return show(row, count, executions, texts, places), facts
