# SPDX-License-Identifier: BSD-2-Clause
"""Recorded schedules: read what the kernel streamed (<abi/trace.h>), convert to trace-event JSON, summarise.

A recording is chunks of records of one CPU each.  What a CPU did follows from few kinds of them:

    SWITCH    a thread runs from here on       UPCALL    the dispatcher does
    IDLE      the CPU does not, 1, or does, 0  READY     a thread could run from here on, on that home
    FALLBACK  the kernel chooses by itself

A stretch ends at the CPU's next record of the first three kinds.  A thread waits from its READY until
its SWITCH.

Bad at: calls to passive servers, which are the caller's time here; system calls and interrupts, which are
whosever time they interrupt.
"""

import json
import os
import struct

from files import write_whole
from term import Failure, say

MAGIC = 0x31636172546E7442
CHUNK = struct.Struct("<4Q")
RECORD = struct.Struct("<4Q")
SWITCH, UPCALL, IDLE, FALLBACK, READY = 2, 3, 10, 11, 13
DISPATCHER, RUN, NOTHING = "scheduler", "run", "idle"
# Tags that no list of threads has: <proc/sched_start.h>.
BALANCER_FIRST, BALANCER_SET = 5120 - 2 * 256, 256
SWITCH_NS_MAX = 1000  # a longer hole between two stretches of a CPU is idle time
SERVER_CATEGORIES = (DISPATCHER, "fallback")
CPUS_MAX = 256
NS_MAX = 2**63 - 1


class Timeline:
    """What happened: stretches (cpu, start, end, category, task), wakes (at, cpu, task), all in ns."""

    def __init__(self, cpus):
        self.cpus = cpus
        self.stretches = []
        self.wakes = []
        self.migrations = []
        self.waits = {}
        self.records = 0
        self.lost = 0


def read_records(data):
    """The records of each CPU, in order, without those that came twice; and how many are missing."""
    cpus, lost, at = {}, 0, 0
    while at + CHUNK.size <= len(data):
        magic, cpu, first, count = CHUNK.unpack_from(data, at)
        at += CHUNK.size
        if magic != MAGIC or cpu >= CPUS_MAX or at + count * RECORD.size > len(data):
            raise Failure(f"the recording is damaged at byte {at - CHUNK.size}")
        records = list(RECORD.iter_unpack(data[at:at + count * RECORD.size]))
        at += count * RECORD.size
        known, following = cpus.setdefault(cpu, ([], first))
        # Records from before the recording began are not missed.
        lost += max(0, first - following)
        known += records[max(0, following - first):]
        cpus[cpu] = (known, max(following, first + count))
    if at != len(data):
        raise Failure("the recording ends inside a chunk")
    return {cpu: records for cpu, (records, _) in sorted(cpus.items())}, lost


class Rebuild:
    """From records to a timeline."""

    def __init__(self, records, lost, names):
        self.timeline = Timeline(max(records, default=-1) + 1)
        self.timeline.lost = lost
        self.timeline.records = sum(len(each) for each in records.values())
        self.names = names
        self.interrupted = set()
        self.open = {}       # cpu: (since, category, tag)
        self.ready = {}      # tag: since
        self.ran_on = {}     # tag: cpu
        self.last = {}       # cpu: tag that ran last, if nothing else has happened there but decisions
        merged = sorted((record + (cpu,) for cpu, each in records.items() for record in each),
                        key=lambda record: record[0])
        self.end = merged[-1][0] if merged else 0
        for record in merged:
            self.take(*record)
        for cpu in list(self.open):
            self.close(cpu, self.end)

    def name(self, tag):
        if tag in self.names:
            return self.names[tag]
        if tag >= BALANCER_FIRST:
            return f"balancer-{(tag - BALANCER_FIRST) % BALANCER_SET}"
        return f"thread {tag}" if tag else "boot"

    def close(self, cpu, now):
        since, category, tag = self.open.pop(cpu, (now, NOTHING, 0))
        if now > since and category != NOTHING:
            name = self.name(tag) if category == RUN else category
            self.timeline.stretches.append((cpu, since, now, category, name))

    def start(self, cpu, now, category, tag=0):
        self.close(cpu, now)
        self.open[cpu] = (now, category, tag)

    def take(self, now, kind, first, second, cpu):
        if kind == SWITCH:
            self.start(cpu, now, RUN, first)
            self.switched(cpu, now, first)
        elif kind == UPCALL:
            self.start(cpu, now, DISPATCHER)
        elif kind == IDLE:
            self.start(cpu, now, NOTHING)
            self.last.pop(cpu, None)
        elif kind == FALLBACK:
            self.start(cpu, now, "fallback")
        elif kind == READY:
            self.becomes_ready(cpu, now, first)

    def becomes_ready(self, cpu, now, tag):
        running = self.open.get(cpu)
        if running and running[1:] == (RUN, tag):
            self.close(cpu, now)  # preempted: it waits from here on
            self.interrupted.add(tag)
        else:
            self.interrupted.discard(tag)
            self.timeline.wakes.append((now, cpu, self.name(tag)))
        self.ready[tag] = now

    def switched(self, cpu, now, tag):
        name = self.name(tag)
        before = self.ran_on.get(tag, cpu)
        if before != cpu:
            self.timeline.migrations.append((now, before, cpu, name))
        self.ran_on[tag] = cpu
        since = self.ready.pop(tag, None)
        # A thread that goes on after a decision has not waited for anybody.
        if since is not None and not (self.last.get(cpu) == tag and tag in self.interrupted):
            self.timeline.waits.setdefault(name, []).append(now - since)
        self.interrupted.discard(tag)
        self.last[cpu] = tag


def microseconds(ns):
    return ns / 1000


def to_events(timeline):
    """Trace-event JSON for Perfetto and chrome://tracing: one track per CPU."""
    events = [{"ph": "M", "name": "process_name", "pid": 0, "args": {"name": "Baton"}}]
    events += [{"ph": "M", "name": "thread_name", "pid": 0, "tid": cpu, "args": {"name": f"CPU {cpu}"}}
               for cpu in range(timeline.cpus)]
    events += [{"ph": "X", "cat": category, "pid": 0, "tid": cpu, "name": name,
                "ts": microseconds(start), "dur": microseconds(end - start)}
               for cpu, start, end, category, name in timeline.stretches]
    events += [{"ph": "i", "s": "t", "cat": "wake", "pid": 0, "tid": cpu, "name": "wake",
                "ts": microseconds(at), "args": {"task": name}}
               for at, cpu, name in timeline.wakes]
    events += [{"ph": "i", "s": "t", "cat": "migrate", "pid": 0, "tid": to, "name": "migrate",
                "ts": microseconds(at), "args": {"task": name, "from": source, "to": to}}
               for at, source, to, name in timeline.migrations]
    events.sort(key=lambda event: event.get("ts", -1))
    return {"displayTimeUnit": "ns", "traceEvents": events,
            "otherData": {"records": timeline.records, "lost": timeline.lost,
                          "waits_ns": timeline.waits}}


def ns_of(microsecond):
    return whole(round(microsecond * 1000), NS_MAX)


def whole(value, limit):
    """A whole number from 0 to the limit, or the file is not ours."""
    if type(value) is not int or not 0 <= value <= limit:
        raise ValueError(value)
    return value


def word(value):
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def take_event(timeline, event):
    kind, category = event.get("ph"), event.get("cat")
    cpu = whole(event.get("tid", 0), CPUS_MAX - 1)
    if "tid" in event:
        timeline.cpus = max(timeline.cpus, cpu + 1)
    at = ns_of(event.get("ts", 0))
    if kind == "X":
        timeline.stretches.append((cpu, at, at + ns_of(event["dur"]), word(category), word(event["name"])))
    elif kind == "i" and category == "wake":
        timeline.wakes.append((at, cpu, word(event["args"]["task"])))
    elif kind == "i" and category == "migrate":
        source = whole(event["args"]["from"], CPUS_MAX - 1)
        timeline.migrations.append((at, source, cpu, word(event["args"]["task"])))


def take_other(timeline, other, events):
    timeline.records = whole(other.get("records", len(events)), NS_MAX)
    timeline.lost = whole(other.get("lost", 0), NS_MAX)
    timeline.waits = {name: [whole(wait, NS_MAX) for wait in waits]
                      for name, waits in other.get("waits_ns", {}).items()} or waits_after_wakes(timeline)


def from_events(document, path):
    """A timeline from trace-event JSON, of a boot or of the simulator."""
    events = document.get("traceEvents") if isinstance(document, dict) else None
    if not isinstance(events, list):
        raise Failure(f"{path}: JSON, but no trace: there is no \"traceEvents\" list")
    timeline = Timeline(0)
    place = ""
    try:
        for number, event in enumerate(events):
            place = f"traceEvents[{number}]"
            take_event(timeline, event)
        place = "otherData"
        take_other(timeline, document.get("otherData", {}), events)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        raise Failure(f"{path}: {place} is not as `run --trace` and `sim --trace` write it") from None
    return timeline


def waits_after_wakes(timeline):
    """The simulator's traces say when a task woke, and when it ran next."""
    waits, woken = {}, {}
    happened = [(at, 0, name) for at, _, name in timeline.wakes]
    happened += [(start, 1, name) for _, start, _, category, name in timeline.stretches if category == RUN]
    for at, runs, name in sorted(happened):
        if not runs:
            woken.setdefault(name, at)
        elif name in woken:
            waits.setdefault(name, []).append(at - woken.pop(name))
    return waits


def percentile(values, permille):
    """The smallest of the sorted values that so many of all do not exceed."""
    return values[max(0, (len(values) * permille + 999) // 1000 - 1)] if values else 0


def short_time(ns):
    """Three significant digits: 850ns 12.3us 4.56ms 1.20s"""
    for limit, unit, scale in ((1000, "ns", 1), (1e6, "us", 1e3), (1e9, "ms", 1e6)):
        if ns < limit:
            return f"{ns / scale:.3g}{unit}"
    return f"{ns / 1e9:.3g}s"


def table(head, rows):
    """Lines of aligned columns: the first to the left, the others to the right."""
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return ["  " + "  ".join([row[0].ljust(widths[0])] + [word.rjust(width) for word, width
                                                         in zip(row[1:], widths[1:])])
            for row in rows]


def runs_of(timeline):
    """Stretches as (begins, cpu, start, end, task); it begins no run if it goes on after a decision."""
    before = {}  # cpu: (task, end of the last stretch of any kind)
    for cpu, start, end, category, name in sorted(timeline.stretches, key=lambda each: each[1]):
        task, until = before.get(cpu, (None, 0))
        if category == RUN:
            yield not (task == name and start - until <= SWITCH_NS_MAX), cpu, start, end, name
            task = name
        elif start - until > SWITCH_NS_MAX:
            task = None  # it idled in between
        before[cpu] = (task, end)


def task_rows(timeline):
    tasks = {}
    for begins, cpu, start, end, name in runs_of(timeline):
        entry = tasks.setdefault(name, [0, 0, set()])
        entry[0], entry[1] = entry[0] + begins, entry[1] + end - start
        entry[2].add(cpu)
    migrations = {}
    for _, _, _, name in timeline.migrations:
        migrations[name] = migrations.get(name, 0) + 1
    for name, (runs, ns, cpus) in sorted(tasks.items(), key=lambda item: -item[1][1]):
        waits = sorted(timeline.waits.get(name, []))
        yield [name, str(runs), short_time(ns), short_time(percentile(waits, 500)),
               short_time(percentile(waits, 990)), short_time(waits[-1] if waits else 0),
               str(migrations.get(name, 0)), ",".join(str(cpu) for cpu in sorted(cpus))]


def cpu_rows(timeline, begin, end):
    span = max(1, end - begin)
    for cpu in range(timeline.cpus):
        busy = sum(e - s for c, s, e, category, _ in timeline.stretches if c == cpu and category == RUN)
        server = sum(e - s for c, s, e, category, _ in timeline.stretches
                     if c == cpu and category in SERVER_CATEGORIES)
        runs = sum(begins for begins, c, _, _, _ in runs_of(timeline) if c == cpu)
        yield [str(cpu), f"{100 * busy / span:.1f}%", f"{100 * server / span:.1f}%",
               f"{100 * max(0, span - busy - server) / span:.1f}%", str(runs)]


def summary(timeline):
    """Lines for a person."""
    begin = min((start for _, start, _, _, _ in timeline.stretches), default=0)
    end = max((end for _, _, end, _, _ in timeline.stretches), default=0)
    lines = [f"{short_time(end - begin)} on {timeline.cpus} CPUs, {timeline.records} records, "
             f"{timeline.lost} lost", ""]
    lines += table(["task", "runs", "run time", "wait p50", "p99", "max", "migrations", "CPUs"],
                   task_rows(timeline))
    lines += ["", *table(["cpu", "busy", "scheduler", "idle", "runs"],
                         cpu_rows(timeline, begin, end))]
    return lines


def read(path, names):
    """The timeline in a recording or in trace-event JSON."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    if data[:8] == MAGIC.to_bytes(8, "little"):
        return Rebuild(*read_records(data), names).timeline
    if not data:
        raise Failure(f"{path}: nothing was recorded")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise Failure(f"{path}: neither a recording of `run --trace` nor trace-event JSON") from None
    return from_events(document, path)


def write(timeline, path):
    text = json.dumps(to_events(timeline), separators=(",", ":")).replace("},{\"ph\"", "},\n{\"ph\"")
    try:
        write_whole(path, (text + "\n").encode())
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None


def trace(args):
    """`baton trace FILE`."""
    timeline = read(args.file, {})
    if args.output:
        if os.path.realpath(args.output) == os.path.realpath(args.file):
            raise Failure(f"--output {args.output}: is the recording itself")
        write(timeline, args.output)
        say(f"wrote {args.output}: open it at https://ui.perfetto.dev or chrome://tracing")
    print("\n".join(summary(timeline)))
    return 0
