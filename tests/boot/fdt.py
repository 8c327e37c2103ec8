# SPDX-License-Identifier: BSD-2-Clause
"""Device trees as Python objects: read, change, write.  For tests that need wrong ones.

Bad at: checking.  What is read must be right, what is written is as wrong as asked for.
"""

import struct

MAGIC = 0xD00DFEED
BEGIN, END, PROP, NOP, FINISH = 1, 2, 3, 4, 9


class Node:
    def __init__(self, name):
        self.name = name
        self.props = {}
        self.children = []

    def find(self, path):
        """The node at `path` ("/chosen"), without unit addresses where the path has none."""
        node = self
        for part in filter(None, path.split("/")):
            node = next(child for child in node.children
                        if part in (child.name, child.name.split("@")[0]))
        return node

    def remove(self, path):
        parent, _, name = path.rpartition("/")
        parent = self.find(parent)
        parent.children.remove(parent.find(name))

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def cells(*values):
    return b"".join(struct.pack(">I", value) for value in values)


def cells64(*values):
    return b"".join(struct.pack(">Q", value) for value in values)


def pad4(data):
    return data + bytes(-len(data) % 4)


def read(blob):
    """The root of a tree; reserved regions are dropped."""
    at, strings = struct.unpack_from(">II", blob, 8)
    stack, root = [], None
    while True:
        token, = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN:
            end = blob.index(b"\0", at)
            node = Node(blob[at:end].decode())
            at = (end + 4) & ~3
            if stack:
                stack[-1].children.append(node)
            else:
                root = node
            stack.append(node)
        elif token == END:
            stack.pop()
        elif token == PROP:
            size, name_at = struct.unpack_from(">II", blob, at)
            name_at += strings
            name = blob[name_at:blob.index(b"\0", name_at)].decode()
            stack[-1].props[name] = blob[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token == FINISH:
            return root


def write(root, reserved=()):
    """The flattened tree; `reserved` are (base, bytes) of its reservation block."""
    names, strings, out = {}, bytearray(), bytearray()

    def put(node):
        out.extend(cells(BEGIN) + pad4(node.name.encode() + b"\0"))
        for name, value in node.props.items():
            if name not in names:
                names[name] = len(strings)
                strings.extend(name.encode() + b"\0")
            out.extend(cells(PROP, len(value), names[name]) + pad4(value))
        for child in node.children:
            put(child)
        out.extend(cells(END))

    put(root)
    out.extend(cells(FINISH))
    block = b"".join(cells64(*entry) for entry in reserved) + bytes(16)
    struct_at = 40 + len(block)
    strings_at = struct_at + len(out)
    header = cells(MAGIC, strings_at + len(strings), struct_at, strings_at, 40, 17, 16, 0,
                   len(strings), len(out))
    return header + block + bytes(out) + bytes(strings)
