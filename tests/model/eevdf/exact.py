# SPDX-License-Identifier: BSD-2-Clause
"""EEVDF in rational arithmetic: the formulas of the specification, one line each, nothing clever.

Slow on purpose (every pick looks at every thread, fractions grow without bound), so that it can be
read against the specification.  check_step.py feeds it and baton-step the same operations.
"""

from fractions import Fraction

LONG_BITS = 256  # fraction bits of Long


class Thread:
    def __init__(self, tid, weight, slice_ns):
        self.tid = tid
        self.weight = weight
        self.slice_ns = slice_ns
        self.v = self.ve = self.vd = Fraction(0)


class Queue:
    def __init__(self):
        self.V = Fraction(0)
        self.threads = {}

    def W(self):
        return sum(t.weight for t in self.threads.values())

    def enqueue(self, tid, weight, slice_ns, lag_ns, new=False):
        t = Thread(tid, weight, slice_ns)
        lag, others = Fraction(lag_ns), self.W()
        if others > 0:
            self.V -= lag / others
        else:
            lag = Fraction(0)
        t.v = t.ve = self.V - lag / weight
        request = Fraction(slice_ns, 2) if new else Fraction(slice_ns)
        t.vd = t.v + request / weight
        self.threads[tid] = t

    def dequeue(self, tid):
        t = self.threads[tid]
        lag = t.weight * (self.V - t.v)
        del self.threads[tid]
        if self.threads:
            self.V += lag / self.W()
        return lag

    def run(self, tid, ns):
        t = self.threads[tid]
        t.v += Fraction(ns, t.weight)
        self.V += Fraction(ns, self.W())
        if t.v < t.vd:
            return False
        t.ve, t.vd = t.v, t.v + Fraction(t.slice_ns, t.weight)
        return True

    def reweight(self, tid, weight):
        t = self.threads[tid]
        for name in ("v", "ve", "vd"):
            x = getattr(t, name)
            setattr(t, name, self.V + (x - self.V) * t.weight / weight)
        t.weight = weight

    def slice(self, tid, slice_ns):
        self.threads[tid].slice_ns = slice_ns

    def pick(self):
        eligible = [t for t in self.threads.values() if t.v <= self.V]
        return min(eligible, key=lambda t: (t.vd, t.ve, t.tid)).tid if eligible else None

    def lags(self):
        return {t.tid: t.weight * (self.V - t.v) for t in self.threads.values()}

    def left_ns(self, tid):
        """Until its request is done, rounded up."""
        t = self.threads[tid]
        left = (t.vd - t.v) * t.weight
        return -(-left.numerator // left.denominator)

    def v_ns(self):
        return float(self.V)


def long_fraction(value, divisor=1):
    """value / divisor in units of 2^-LONG_BITS, rounded to the nearest."""
    return ((int(value) << LONG_BITS) + divisor // 2) // divisor


class LongQueue(Queue):
    """The same for traces of any length: numbers of 256 fraction bits instead of fractions, whose
    denominators would grow without bound.  A million roundings stay below 2^-230; what is closer than SAME
    is equal."""

    SAME = 1 << (LONG_BITS - 100)

    def __init__(self):
        super().__init__()
        self.V = 0
        self.total = 0

    def W(self):
        return self.total

    def enqueue(self, tid, weight, slice_ns, lag_ns, new=False):
        t = Thread(tid, weight, slice_ns)
        lag = lag_ns if self.total else 0
        if lag:
            self.V -= long_fraction(lag, self.total)
        t.v = t.ve = self.V - long_fraction(lag, weight)
        t.vd = t.v + long_fraction(slice_ns, 2 * weight if new else weight)
        self.threads[tid] = t
        self.total += weight

    def dequeue(self, tid):
        t = self.threads.pop(tid)
        lag = t.weight * (self.V - t.v)
        self.total -= t.weight
        if self.total:
            self.V += lag // self.total
        return lag / 2 ** LONG_BITS

    def run(self, tid, ns):
        t = self.threads[tid]
        t.v += long_fraction(ns, t.weight)
        self.V += long_fraction(ns, self.total)
        if t.v < t.vd - self.SAME:
            return False
        t.ve, t.vd = t.v, t.v + long_fraction(t.slice_ns, t.weight)
        return True

    def reweight(self, tid, weight):
        t = self.threads[tid]
        for name in ("v", "ve", "vd"):
            x = getattr(t, name)
            setattr(t, name, self.V + (x - self.V) * t.weight // weight)
        self.total += weight - t.weight
        t.weight = weight

    def pick(self):
        eligible = [t for t in self.threads.values() if t.v <= self.V + self.SAME]
        grid = 2 * self.SAME
        return min(eligible, key=lambda t: ((t.vd + self.SAME) // grid, (t.ve + self.SAME) // grid,
                                            t.tid)).tid if eligible else None

    def lags(self):
        return {t.tid: t.weight * (self.V - t.v) / 2 ** LONG_BITS for t in self.threads.values()}

    def left_ns(self, tid):
        t = self.threads[tid]
        left = (t.vd - t.v) * t.weight - self.SAME
        return max(1, -(-left >> LONG_BITS))

    def v_ns(self):
        return self.V / 2 ** LONG_BITS
