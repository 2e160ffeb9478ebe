# SPDX-License-Identifier: Apache-2.0
"""Writes a reproducible cpio archive in the "new ASCII" format.

Format: Linux Documentation/driver-api/early-userspace/buffer-format.rst. Owners and times are
all zero and inode numbers count up, so equal content gives equal bytes.
"""

import stat
from typing import BinaryIO

BLOCK = 512


class Archive:
    """Appends entries to `out`; missing parent directories are made. Call `close` once at the end."""

    def __init__(self, out: BinaryIO):
        self._out = out
        self._size = 0
        self._inode = 0
        self._directories: set[str] = set()

    def directory(self, path: str, mode: int = 0o755) -> None:
        if path in self._directories:
            return
        self._parents(path)
        self._directories.add(path)
        self._entry(path, stat.S_IFDIR | mode, b"")

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self._parents(path)
        self._entry(path, stat.S_IFREG | mode, content)

    def character_device(self, path: str, major: int, minor: int, mode: int = 0o600) -> None:
        self._parents(path)
        self._entry(path, stat.S_IFCHR | mode, b"", device=(major, minor))

    def close(self) -> None:
        self._inode = -1
        self._entry("TRAILER!!!", 0, b"")
        self._write(bytes(-self._size % BLOCK))

    def _parents(self, path: str) -> None:
        parent, slash, _ = path.rpartition("/")
        if slash:
            self.directory(parent)

    def _entry(self, path: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (self._inode, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(name), 0)
        self._write(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        self._align()
        self._write(content)
        self._align()

    def _align(self) -> None:
        self._write(bytes(-self._size % 4))

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._size += len(data)
