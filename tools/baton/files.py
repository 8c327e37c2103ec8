# SPDX-License-Identifier: BSD-2-Clause
"""Files that a command is asked to write: all of it or nothing, and nothing that is still needed."""

import contextlib
import os

from term import Failure


def is_special(path):
    """Is there something that is no plain file: a device, a pipe?"""
    return os.path.exists(path) and not os.path.isfile(path)


def check_outputs(*options, inputs=()):
    """(option, file): that it cannot be written is said before the work that it is to hold.  `inputs`, (what,
    file), are read by the same command."""
    taken = {os.path.realpath(path): what for what, path in inputs if path is not None}
    for option, path in options:
        if path is None:
            continue
        target = path if is_special(path) else os.path.dirname(os.path.abspath(path))
        if path == "" or not os.access(target, os.W_OK) or os.path.isdir(path):
            raise Failure(f"{option} {path}: no file can be written there")
        if is_special(path):
            continue
        place = os.path.realpath(path)
        if place in taken:
            raise Failure(f"{option} {path}: that is the file of {taken[place]}; name another one")
        taken[place] = option


def write_whole(path, blob):
    """OSError: the file is as it was.  What is no plain file is written to, not replaced by one."""
    if is_special(path):
        with open(path, "wb") as file:
            file.write(blob)
        return
    path = os.path.realpath(path)
    try:
        with open(path + ".part", "wb") as file:
            file.write(blob)
        os.replace(path + ".part", path)
    except OSError:
        with contextlib.suppress(OSError):
            os.remove(path + ".part")
        raise
