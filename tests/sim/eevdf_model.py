# SPDX-License-Identifier: BSD-2-Clause
"""EEVDF on one CPU in rational numbers, straight from its specification: slow, exact, and written
without a look at the server.  It knows tasks that run for ever or loop over "run" and "sleep"; time
goes in whole ns, decisions are free.  Delayed sleepers leave when V reaches them."""

from fractions import Fraction
from math import ceil, floor

OUT, QUEUED, DELAYED = range(3)


class Thread:
    def __init__(self, tid, name, weight=1024, slice_ns=3000000, delay_ns=0, run_ns=None,
                 sleep_ns=0):
        self.tid, self.name, self.weight, self.slice_ns = tid, name, weight, slice_ns
        self.run_ns, self.sleep_ns = run_ns, sleep_ns
        self.wake_ns = delay_ns
        self.left_ns = run_ns
        self.state = OUT
        self.new = True
        self.lag = Fraction(0)
        self.v = self.ve = self.vd = Fraction(0)

    def request(self, length_ns):
        self.ve = self.v
        self.vd = self.v + Fraction(length_ns, self.weight)

    def order(self):
        return (self.vd, self.ve, self.tid)


class Queue:
    def __init__(self, threads):
        self.threads = threads
        self.now = 0
        self.v = Fraction(0)
        self.weight = 0
        self.running = None
        self.ran_ns = 0
        self.done = False
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

    def sleep(self, thread):
        thread.wake_ns = self.now + thread.sleep_ns
        thread.left_ns = thread.run_ns
        self.running = None
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
        self.settle()

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
               for t in waiting):
            return True
        return not self.eligible(running) and self.ran_ns >= min(t.slice_ns for t in waiting)

    def pick(self):
        ready = [t for t in self.waiting() if self.eligible(t)]
        best = min(ready, key=Thread.order, default=None)
        chosen = self.running
        if self.running is None:
            chosen = best
        elif self.done:
            if best and (not self.eligible(self.running) or best.order() < self.running.order()):
                chosen = best
        elif self.displaced(best):
            chosen = best
        if chosen is not self.running or self.done:
            self.ran_ns = 0
        self.done = False
        self.running = chosen

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
                self.sleep(self.running)
        self.now = next_ns

    def run(self, end_ns):
        while self.now < end_ns:
            due = [t for t in self.threads if t.wake_ns is not None and t.wake_ns <= self.now]
            for thread in sorted(due, key=lambda t: (t.wake_ns, t.tid)):
                self.wake(thread)
            self.pick()
            self.step(end_ns)
        return self.schedule
