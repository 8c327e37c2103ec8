#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stands in for the emulator: FAKE_GUEST names what the "guest" does, FAKE_STATUS how it ends."""

import os
import struct
import sys
import time

TEXTS = {
    "good": "hello\n1..2\nok 1 - a\nok 2 - b # SKIP not here\n",
    "failing": "1..2\nok 1 - a\nnot ok 2 - b\n",
    "short": "1..3\nok 1 - a\n",
    "bail": "1..3\nok 1 - a\nBail out! no memory\n",
    "panic": "starting\r\nkernel panic: no initial RAM disk\r\n",
    "given_up": "hi\nproc: the scheduler server failed too often; the kernel's rotation stays in charge\n",
    "quiet": "hello\n",
    "hang": "started\npartial",
    "silent": "",
    "results": "hi\n@@BATON-SHA256 {digest} b\n@@BATON-JSON-BEGIN\n"
               '{{"schema":1,"run":{{"policy":"x","cpus":2}},\n"tasks":[]}}\n@@BATON-JSON-END\nbye\n',
    "bench": "@@BATON-BENCH null_syscall insns 9 124 124.5 125 \nother\n"
             "@@BATON-BENCH sleep_1ms.p50_us us 9 2 2.5 3 (a note)\n",
    "cut": '@@BATON-JSON-BEGIN\n{{"schema":1\n',
}


def dump_tree(path, cpus):
    """What the front door changes in a device tree: a node for each CPU."""
    body = b"".join(b"\0\0\0\1cpu@%d\0..device_type..cpu\0" % i for i in range(cpus))
    header = struct.pack(">10I", 0xd00dfeed, 1 << 20, 40, 40 + len(body), 0, 17, 16, 0, 4, len(body))
    with open(path, "wb") as file:
        file.write(header + body + b"strs")


def main():
    if sys.argv[1:] == ["--version"]:
        print("QEMU emulator version " + os.environ.get("FAKE_VERSION", "7.2.0"))
        return 0
    for word in sys.argv:
        if word.startswith("unix:") and os.environ["FAKE_GUEST"] == "hang":
            with open(word.removeprefix("unix:").split(",")[0], "wb"):
                pass  # where gdb would connect to
        if "dumpdtb=" in word:
            dump_tree(word.split("dumpdtb=")[1], int(sys.argv[sys.argv.index("-smp") + 1]))
            return 0
    guest = os.environ["FAKE_GUEST"]
    if guest == "endless":
        while True:
            print("spam")
    text = TEXTS[guest].format(digest=os.environ.get("FAKE_DIGEST", "00"))
    print(text, end="", flush=True)
    if guest in ("hang", "silent"):
        time.sleep(600)
    return int(os.environ.get("FAKE_STATUS", "0"))


if __name__ == "__main__":
    sys.exit(main())
