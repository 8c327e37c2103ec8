# SPDX-License-Identifier: BSD-2-Clause
"""Seeds for the targets whose input is a sequence of operations."""

import random

# fuzz_kernel.c: operations, and slots as kernel/machine.h has them.
CPU1 = 0x80
INVOKE, RETYPE, COPY, MAP, IPC, FAULT, FPU, ADVANCE, IRQ, INTERRUPT = 1, 4, 5, 6, 7, 11, 12, 13, 14, 15
WITH_REPLY = 0x80
CALL, REPLY_RECV, SEND, NB_SEND, RECV, NB_RECV, REPLY, SIGNAL, WAIT, POLL, REQUEST, CLOCK = range(12)
RUN, NONE, MANAGE = 0, 2, 0x30


def ipc(call, target, length=2, words=()):
    return bytes([call, target, length, *words])


def kernel():
    """Each: what the world is, then operations."""
    # WITH_REPLY is 128: taken modulo 12 the call must come out, so it stands 8 lower.
    def recv(target):
        return bytes([WITH_REPLY + (RECV - WITH_REPLY) % 12, target, 0])

    ping = (bytes([CPU1 | IPC]) + recv(0) + bytes([IPC]) + ipc(CALL, 0)
            + bytes([CPU1 | IPC]) + ipc(REPLY, 0))
    fault = (bytes([IPC]) + recv(0) + bytes([CPU1 | FAULT, 0, 100, 1]) + bytes([IPC]) + ipc(REPLY, 2)
             + bytes([CPU1 | FAULT, 1, 5, 1]))
    signals = bytes([CPU1 | IPC]) + ipc(WAIT, 0) + bytes([IPC]) + ipc(SIGNAL, 2) + bytes([IRQ, 8])
    memory = bytes([MAP, 0x1d, 0x40, 33, MAP, 0x1d, 0x40, 34, MAP, 0x0c, 0x40, 31, MAP, 2, 0x40, 31,
                    MAP, 3, 0x40, 33, RETYPE, 9, 0, 3, 40, 3, COPY, 4, 45, 40, 0, COPY, 5, 46, 16, 9])
    decide = bytes([IPC, NONE, IPC, RUN, CPU1 | IPC, NONE, CPU1 | IPC, RUN])
    request = bytes([IPC]) + ipc(REQUEST, 32) + bytes([IPC, MANAGE, 0, 0, IPC, MANAGE, 2, 0, IPC, RUN])
    methods = b"".join(bytes([INVOKE, n, 10, 40, 1, 2, 3]) for n in range(48))
    for world in (0, 4):
        yield bytes([world]) + ping * 3 + fault + signals + memory
    for world in (1, 3, 7):
        yield bytes([world]) + (decide + request) * 4 + ping + decide
    yield bytes([0]) + memory + methods
    yield bytes([3]) + decide + methods + decide
    yield b"\0" + bytes(range(1, 120))


def sched():
    """fuzz_sched.c: what the server is, then operations (what, who, operands)."""
    new = b"".join(bytes([0, tid | tid << 4, 100 - 20 * tid, 50, 0, 0xa0, 0, 9]) for tid in range(4))
    ticks = bytes([7, 30, 7, 60, 7, 1])
    for kind in (0x00, 0x05, 0x0a, 0x13, 0x23, 0x03):
        blocks = bytes([2, 0, 2, 1, 7, 5, 1, 0, 5, 2, 1, 2, 6, 3, 7, 9])
        sleeps = bytes([3, 0, 0x62, 100, 0, 0, 0, 7, 100, 3, 1, 0xc1, 0, 0, 0, 0, 1, 0])
        params = bytes([3, 0, 0x83, 0, 2, 77, 0, 3, 1, 0x83, 0, 4, 2, 0, 3, 2, 4, 0, 1, 0, 0])
        yield bytes([kind]) + new + ticks + blocks + sleeps + params + ticks + new
    for number in range(200):  # at random: what is right after each operation is known
        rng = random.Random(number)
        kind = rng.choice((0, 0x40, 0xc0, 0xc0)) | number % 0x40
        yield bytes([kind]) + new + rng.randbytes(900)


# fuzz_mm.c
TOUCH, MM_MAP, RANGE, SHARED, PROC = 0, 2, 3, 4, 5
READ_WRITE, STACK, FILE, SHARED_KIND, EAGER = 3, 1 << 3, 2 << 3, 3 << 3, 32
WRITE, PROTECT, CLONE, SPACE_FREE = 64, 8, 3, 2


def mm():
    """Operations, whose space in bits 3 and 4."""
    def own(op, *operands, who=0):
        return bytes([op | who << 3, *operands])

    anonymous = own(MM_MAP, READ_WRITE, 4, 8, 0) + own(TOUCH, WRITE | 5) + own(TOUCH, 5) + own(TOUCH, 6)
    unmap = own(RANGE, 0, 5, 3) + own(TOUCH, 5) + own(RANGE, PROTECT | 1, 8, 2) + own(TOUCH, WRITE | 8)
    clone = own(PROC, CLONE | 2 << 3) + own(TOUCH, 5, who=2) + own(TOUCH, WRITE | 5) + own(TOUCH, 5, who=2)
    objects = (own(SHARED, 0, 4) + own(SHARED, 1 | 64) + own(MM_MAP, READ_WRITE | SHARED_KIND, 20, 3, 0)
               + own(MM_MAP, READ_WRITE | SHARED_KIND, 20, 3, 0, who=1) + own(TOUCH, WRITE | 20)
               + own(TOUCH, 20, who=1) + own(SHARED, 2) + own(RANGE, 0, 21, 1, who=1))
    files = (own(MM_MAP, 1 | FILE, 30, 2, 10, 0) + own(TOUCH, 30)
             + own(MM_MAP, READ_WRITE | FILE, 40, 2, 0, 0))
    stack = own(MM_MAP, READ_WRITE | STACK, 50, 5, 0) + own(TOUCH, WRITE | 50) + own(TOUCH, WRITE | 54)
    copies = own(PROC, 6 | 8, 4, 100, 90, 0) + own(PROC, 6, 4, 1, 120, 9)
    yield anonymous + unmap + clone + own(PROC, SPACE_FREE) + anonymous
    yield objects + files + stack + copies + clone + own(PROC, SPACE_FREE, who=1)
    yield own(MM_MAP, READ_WRITE | EAGER, 0, 15, 0) + own(TOUCH, 3) + clone + unmap + copies
    yield own(PROC, 4, 9) + own(MM_MAP, READ_WRITE | EAGER, 0, 15, 0) + anonymous


# fuzz_proc.c: requests in the order of <proc/protocol.h>
REAPER, FAULTS, TYPED = 0, 64, 72
(EXIT, CREATE, THREAD_EXIT, JOIN, SPAWN, WAIT_CHILD, KILL, INFO, GROUP_SET, OPEN, CLOSE, READ,
 PIPE_WRITE, PIPE, DUP) = range(80, 95)
THREAD_PARK = 111


def proc():
    """Whether there is a scheduler server, then operations: what, by which thread, operands."""
    def ask(request, *operands, who=0, words=0, length=30):
        return bytes([request, who, words, *operands, length])

    reap = bytes([REAPER] * 6)
    # mm and the scheduler server take one byte each time that they are asked.
    spawn = ask(SPAWN, 0) + bytes(12)
    create = ask(CREATE, 0) + bytes(4)
    pipes = (ask(PIPE) + ask(PIPE_WRITE, 4, words=2) + ask(READ, 3) + ask(DUP, 3) + ask(CLOSE, 4)
             + ask(READ, 3))
    ends = ask(THREAD_EXIT, 1, who=1) + reap + ask(JOIN, 10) + reap
    park = ask(THREAD_PARK, 1, who=1) + create + ask(THREAD_PARK, 1, who=1) + reap
    children = spawn + ask(WAIT_CHILD, 128) + ask(EXIT, who=0) + reap + ask(KILL, 0) + reap
    for world in (0, 1):
        yield bytes([world]) + create * 2 + pipes + ends + park + children
        yield bytes([world]) + spawn * 2 + create + children + pipes
    yield bytes([1]) + spawn + bytes([FAULTS, 0, 0, 0, 0, 0, 0]) + reap + ask(WAIT_CHILD, 128) + reap
    yield bytes([0]) + b"".join(bytes([op, 0, 0, 0, 0, 30]) for op in range(80, 124)) + reap


def seeds():
    return {"kernel": list(kernel()), "mm": list(mm()), "proc": list(proc()),
            "sched": list(sched())}
