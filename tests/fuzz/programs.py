# SPDX-License-Identifier: BSD-2-Clause
"""Seeds for the targets whose input is a sequence of operations."""

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


def seeds():
    return {"kernel": list(kernel()), "sched": list(sched())}
