# SPDX-License-Identifier: BSD-2-Clause
"""The files of a source tree, for the checks."""

import os
import subprocess

SKIPPED_FOLDERS = {".git", "__pycache__", "out"}


class Tree:
    """A source tree.  Paths are relative to `root`, with slashes."""

    def __init__(self, root):
        self.root = root
        self.paths = sorted(path for path in self.list() if os.path.isfile(self.absolute(path)))

    def absolute(self, path):
        return os.path.join(self.root, path)

    def list(self):
        """What Git knows or would add; every file if this is no repository of its own."""
        if os.path.exists(self.absolute(".git")):
            done = subprocess.run(
                ["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-z", "--cached",
                 "--others", "--exclude-standard"],
                check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if done.returncode == 0:
                return {path.decode() for path in done.stdout.split(b"\0") if path}
        return set(self.walk())

    def walk(self):
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS
                          and not name.startswith("build")]
            for name in files:
                yield os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/")

    def ending(self, *endings):
        return [path for path in self.paths if path.endswith(endings)]

    def text(self, path):
        with open(self.absolute(path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def lines(self, path):
        return self.text(path).splitlines()

    def is_text(self, path):
        with open(self.absolute(path), "rb") as file:
            return b"\0" not in file.read(8192)
