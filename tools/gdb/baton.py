# SPDX-License-Identifier: BSD-2-Clause
"""gdb commands that know the kernel: `baton cpus`, `baton threads`, `baton events`, `baton trace`.

`./baton debug` loads this; by hand: `source tools/gdb/baton.py`.  Names come from the debug
information, so nothing here repeats a number of the ABI.

Lists are read from a stopped machine without their locks.  A CPU stopped in the middle of a change is
shown as it is; a walk that does not come back to its head is cut off and says so.  While the CPU of the
chosen gdb thread is in user mode, the kernel's memory cannot be read.
"""

import gdb

WALK_MAX = 10000


def enum_name(enum, value, prefix):
    """The name of a constant of `enum`, without its prefix; the number if it has none."""
    for field in gdb.lookup_type(f"enum {enum}").fields():
        if field.enumval == int(value):
            return field.name.removeprefix(prefix)
    return str(int(value))


def ms(nanoseconds):
    value = int(nanoseconds)
    return "never" if value == 2**64 - 1 else f"{value / 1e6:.3f}"


def cpus():
    table = gdb.parse_and_eval("cpus")
    for index in range(int(gdb.parse_and_eval("cpus_count"))):
        yield index, table[index]


def list_head(head):
    """The node inside a list head, whichever way the list type spells it."""
    kind = head.type.strip_typedefs()
    return head if kind.tag == "list_node" else head[kind.fields()[0].name]


def members(head, holder, member):
    """The structs `holder` linked on a list through their field `member`."""
    node = list_head(head)
    kind = gdb.lookup_type(f"struct {holder}")
    offset = next(field.bitpos // 8 for field in kind.fields() if field.name == member)
    at, steps = node["next"], 0
    while at != 0 and at != node.address:
        steps += 1
        if steps > WALK_MAX:
            print("  (cut off: the list does not come back to its head)")
            return
        byte = at.cast(gdb.lookup_type("char").pointer()) - offset
        yield byte.cast(kind.pointer()).dereference()
        at = at["next"]


def thread_name(pointer):
    return f"tcb {int(pointer):#x} tag {int(pointer['tag']):#x}" if pointer != 0 else "-"


def flags_of(core):
    words = [name for name in ("online", "idle", "dispatcher_running") if int(core[name])]
    if core["dispatcher"] != 0:
        words.append("bound")
    if int(core["fallback"]):
        words.append("fallback:" + enum_name("fallback_reason", core["fallback"], "FALLBACK_"))
    return " ".join(words)


class Baton(gdb.Command):
    """Commands that know Baton's kernel."""

    def __init__(self):
        super().__init__("baton", gdb.COMMAND_DATA, prefix=True)


class KernelCommand(gdb.Command):
    """A command over the kernel's memory, with up to so many numbers behind it."""

    NUMBERS = 0

    def __init__(self):
        super().__init__(f"baton {type(self).__name__.lower()}", gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        words = argument.split()
        if len(words) > self.NUMBERS or not all(word.isdigit() for word in words):
            raise gdb.GdbError(f"{argument!r} does not fit: {self.__doc__}")
        if gdb.selected_inferior().pid == 0:
            raise gdb.GdbError("no machine is running: it has ended, or was never attached")
        try:
            self.show(*map(int, words))
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"{error}: gdb sees what the CPU may see, and it is in user mode or "
                               "before the kernel's start.  Stop in the kernel (`hbreak kernel_main`, "
                               "`hbreak kernel_exit`) or take a CPU that is in it (`thread N`)") \
                from None

    def show(self, *numbers):
        raise NotImplementedError


def chosen(index):
    """That CPU, or all of them."""
    found = [(number, cpu) for number, cpu in cpus() if index in (None, number)]
    if not found:
        raise gdb.GdbError(f"there is no CPU {index}: `baton cpus` lists them")
    return found


class Cpus(KernelCommand):
    """What every CPU runs and waits for."""

    def show(self):
        for index, cpu in cpus():
            core = cpu["core"]
            print(f"cpu {index}: {flags_of(core)}")
            print(f"  runs {thread_name(core['current'])}, on the time of "
                  f"{thread_name(core['payer'])}")
            print(f"  requests {int(core['requests']):#x}, reasons {int(core['reasons']):#x}, "
                  f"slice ends at {ms(core['slice_end_ns'])} ms, "
                  f"server timer {ms(core['server_timer_ns'])} ms")


class Threads(KernelCommand):
    """Every thread that has a home: `baton threads [CPU]`."""

    NUMBERS = 1

    def show(self, only=None):
        for index, cpu in chosen(only):
            print(f"cpu {index}:")
            for tcb in members(cpu["core"]["homed"], "tcb", "home_link"):
                print(f"  {thread_name(tcb.address)} "
                      f"{enum_name('thread_state', tcb['state'], 'THREAD_')} "
                      f"{enum_name('sched_state', tcb['sched'], 'SCHED_')} "
                      f"seq {int(tcb['seq'])} cpu {ms(tcb['cpu_ns'])} ms "
                      f"pc {int(tcb['context']['pc']):#x}")


class Events(KernelCommand):
    """Event records that no dispatcher has taken yet."""

    def show(self):
        for index, cpu in cpus():
            print(f"cpu {index}:")
            for tcb in members(cpu["core"]["events"], "tcb", "event_link"):
                info = int(tcb["event_info"])
                print(f"  {thread_name(tcb.address)} "
                      f"{enum_name('event_state', info & 0x7f, 'EVENT_')} "
                      f"cause {enum_name('event_cause', info >> 8 & 0xff, 'CAUSE_')} "
                      f"seq {int(tcb['seq'])} ran {ms(tcb['ran_ns'])} ms")


class Trace(KernelCommand):
    """The last trace records, oldest first: `baton trace [CPU [COUNT]]`."""

    NUMBERS = 2

    def show(self, only=None, count=32):
        for index, cpu in chosen(only):
            ring = cpu["trace"]
            size = ring.type.range()[1] + 1
            following = int(cpu["trace_next"])
            print(f"cpu {index}:")
            for number in range(following - min(count, size), following):
                record = ring[number % size]
                kind = enum_name("trace_kind", record["kind"], "TRACE_")
                if kind != "NONE":
                    print(f"  {ms(record['at_ns']):>14} {kind:10} {int(record['a']):#x} "
                          f"{int(record['b']):#x}")


for command in (Baton, Cpus, Threads, Events, Trace):
    command()
