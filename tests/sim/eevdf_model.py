# SPDX-License-Identifier: BSD-2-Clause
"""EEVDF on one CPU in rational numbers, straight from its specification: slow, exact, and written
without a look at the server.  It knows tasks that run for ever or loop over "run" and "sleep", also in
phases that begin with another weight, slice or class; time goes in whole ns, decisions are free.  Delayed
sleepers leave when V reaches them."""

from fractions import Fraction
from math import ceil, floor

FOR_EVER_NS = 10**12
OUT, QUEUED, DELAYED = range(3)
NORMAL, BACKGROUND = range(2)
BACKGROUND_WEIGHT = 3


class Phase:
    """`loop` times run and, if it is not 0, sleep.  `change`: None, or a name and a value to begin with."""

    def __init__(self, loop, run_ns, sleep_ns, change=None):
        self.loop, self.run_ns, self.sleep_ns, self.change = loop, run_ns, sleep_ns, change


class Thread:
    def __init__(self, tid, name, weight=1024, slice_ns=3000000, delay_ns=0, run_ns=None,
                 sleep_ns=0, phases=None, background=False):
        self.tid, self.name, self.slice_ns = tid, name, slice_ns
        self.weight_normal = weight
        self.rank = BACKGROUND if background else NORMAL
        self.weight = BACKGROUND_WEIGHT if background else weight
        self.phases = phases or [Phase(1, run_ns, sleep_ns)]
        self.phase = self.rounds = 0
        self.ends_with_change = False  # its run ends where a phase begins that asks for something
        self.change = self.phases[0].change  # it asks for this when it runs next
        self.wake_ns = delay_ns
        self.left_ns, self.sleep_ns = None, 0
        if run_ns is not None or phases:
            self.advance(True)
        self.state = OUT
        self.new = True
        self.lag = Fraction(0)
        self.v = self.ve = self.vd = Fraction(0)

    def request(self, length_ns):
        self.ve = self.v
        self.vd = self.v + Fraction(length_ns, self.weight)

    def order(self):
        return (self.vd, self.ve, self.tid)

    def advance(self, begins=False):
        """After a run, and its sleep if any: what it asks for, and how long it then runs until it sleeps or
        asks for something again.  Nobody sees what is between."""
        self.left_ns = self.sleep_ns = 0
        if not begins and not self.ends_with_change:
            self.round_next()
        if not begins and self.rounds == 0 and len(self.phases) > 1:
            self.change = self.phases[self.phase].change
        self.ends_with_change = False
        while self.left_ns < FOR_EVER_NS:
            self.left_ns += self.phases[self.phase].run_ns
            self.sleep_ns = self.phases[self.phase].sleep_ns
            if self.sleep_ns != 0:
                return
            self.round_next()
            if self.rounds == 0 and len(self.phases) > 1 and self.phases[self.phase].change:
                self.ends_with_change = True
                return

    def round_next(self):
        self.rounds += 1
        if self.rounds == self.phases[self.phase].loop:
            self.rounds = 0
            self.phase = (self.phase + 1) % len(self.phases)


class Queue:
    def __init__(self, threads):
        self.threads = threads
        self.now = 0
        self.v = Fraction(0)
        self.weight = 0
        self.running = None
        self.ran_ns = 0
        self.done = False
        self.normal_woke = False  # a normal thread, while a background one runs
        self.schedule = []

    def inside(self):
        return [t for t in self.threads if t.state != OUT]

    def waiting(self):
        return [t for t in self.threads if t.state == QUEUED and t is not self.running]

    def eligible(self, thread):
        return thread.v <= self.v

    # ---- operations

    def join(self, thread):
        if self.weight > 0:
            self.v -= thread.lag / self.weight
        else:
            thread.lag = Fraction(0)
        thread.v = self.v - thread.lag / thread.weight
        thread.lag = Fraction(0)
        thread.request(Fraction(thread.slice_ns, 2 if thread.new else 1))
        thread.new = False
        thread.state = QUEUED
        self.weight += thread.weight

    def leave(self, thread):
        lag = thread.weight * (self.v - thread.v)
        thread.state = OUT
        self.weight -= thread.weight
        if self.weight > 0:
            self.v += lag / self.weight
        return lag

    def settle(self):
        while True:
            late = [t for t in self.threads if t.state == DELAYED and self.eligible(t)]
            if not late:
                return
            thread = min(late, key=lambda t: (t.v, t.tid))
            self.leave(thread)
            thread.lag = Fraction(0)

    def sleep(self, thread, sleep_ns):
        thread.wake_ns = self.now + sleep_ns
        self.run_next(None)
        if self.eligible(thread):
            longest = max(t.slice_ns for t in self.inside())
            thread.lag = min(self.leave(thread), Fraction(longest))
        else:
            thread.state = DELAYED
        self.settle()

    def wake(self, thread):
        thread.wake_ns = None
        if thread.state == DELAYED:
            thread.state = QUEUED
            thread.request(thread.slice_ns)
        else:
            self.join(thread)
        if thread.rank == NORMAL and self.running and self.running.rank == BACKGROUND:
            self.normal_woke = True
        self.settle()

    def set(self, thread, name, value):
        if name == "slice_ns":
            thread.slice_ns = value
            return
        if name == "weight":
            thread.weight_normal = value
        else:
            thread.rank = value
        weight = BACKGROUND_WEIGHT if thread.rank == BACKGROUND else thread.weight_normal
        for time in ("v", "ve", "vd"):
            away = getattr(thread, time) - self.v
            setattr(thread, time, self.v + away * thread.weight / weight)
        self.weight += weight - thread.weight
        thread.weight = weight
        if thread.rank == NORMAL:
            self.normal_woke = False

    def ask(self):
        """What the running thread asks for when it begins a phase; returns whether it did."""
        if self.running is None or self.running.change is None:
            return False
        change, self.running.change = self.running.change, None
        self.set(self.running, *change)
        return True

    def run_end(self):
        thread = self.running
        sleep_ns = thread.sleep_ns
        thread.advance()
        if sleep_ns:
            self.sleep(thread, sleep_ns)
        else:
            self.ask()

    def charge(self, ns):
        thread = self.running
        thread.v += Fraction(ns, thread.weight)
        self.v += Fraction(ns, self.weight)
        if thread.left_ns is not None:
            thread.left_ns -= ns
        self.ran_ns += ns
        if thread.v >= thread.vd:
            thread.request(thread.slice_ns)
            self.done = True
        self.settle()

    # ---- choice

    def displaced(self, best):
        running = self.running
        if best is None or best.vd >= running.vd:
            return False
        waiting = self.waiting()
        if any(t.slice_ns < running.slice_ns and t.vd < running.vd and self.eligible(t)
               and t.rank <= running.rank for t in waiting):
            return True
        return not self.eligible(running) and self.ran_ns >= min(t.slice_ns for t in waiting)

    def run_next(self, thread):
        if thread is not self.running or thread is None:
            self.ran_ns = 0
            self.normal_woke = False
        self.running = thread

    def pick(self):
        ready = [t for t in self.waiting() if self.eligible(t)]
        best = min(ready, key=Thread.order, default=None)
        normal = min((t for t in ready if t.rank == NORMAL), key=Thread.order, default=None)
        chosen = self.running
        if self.running is None:
            chosen = best
        elif self.normal_woke and normal:
            chosen = normal
        elif self.done:
            if best and (not self.eligible(self.running) or best.order() < self.running.order()):
                chosen = best
        elif self.displaced(best):
            chosen = best
        if self.done:
            self.ran_ns = 0
        self.done = False
        self.run_next(chosen)

    # ---- time

    def crossings(self):
        """When, from now, a decision could turn out otherwise; not all of these matter."""
        running = self.running
        if running.left_ns is not None:
            yield running.left_ns
        waiting = self.waiting()
        if not waiting:
            return  # alone, it is not interrupted: its request ends when it is next looked at
        yield ceil((running.vd - running.v) * running.weight)
        for thread in [t for t in self.threads if t.state == DELAYED] + waiting:
            yield ceil((thread.v - self.v) * self.weight)
        if self.weight > running.weight:
            rate = Fraction(1, running.weight) - Fraction(1, self.weight)
            yield floor((self.v - running.v) / rate) + 1
        yield min(t.slice_ns for t in waiting) - self.ran_ns

    def step(self, end_ns):
        wakes = [t.wake_ns for t in self.threads if t.wake_ns is not None]
        next_ns = min([end_ns, *[w for w in wakes if w > self.now]])
        if self.running is not None:
            next_ns = min([next_ns, *[self.now + c for c in self.crossings() if c > 0]])
            start = self.now
            if self.schedule and self.schedule[-1][2] == self.running.name and \
                    self.schedule[-1][1] == start:
                start = self.schedule.pop()[0]
            self.schedule.append((start, next_ns, self.running.name))
            elapsed = next_ns - self.now
            self.now = next_ns
            self.charge(elapsed)
            if self.running.left_ns == 0:
                self.run_end()
        self.now = next_ns

    def run(self, end_ns):
        while self.now < end_ns:
            due = [t for t in self.threads if t.wake_ns is not None and t.wake_ns <= self.now]
            for thread in sorted(due, key=lambda t: (t.wake_ns, t.tid)):
                self.wake(thread)
            self.pick()
            while self.ask():
                self.pick()
            self.step(end_ns)
        return self.schedule
