# SPDX-License-Identifier: Apache-2.0
"""Lays out the guest's initramfs: the agent as /init, its modules, and the list that says in which order to load them."""

from typing import BinaryIO

from .cpio import Archive
from .modules import Module

MODULE_LIST = "etc/hako/modules"
MODULE_FOLDER = "lib/modules"
MOUNT_POINTS = ("dev", "proc", "run", "sys", "tmp")


def write(out: BinaryIO, agent: bytes, modules: list[Module]) -> None:
    """Writes the archive to `out`; equal agent and modules give equal bytes."""
    archive = Archive(out)
    for mount_point in MOUNT_POINTS:
        archive.directory(mount_point)
    # The kernel opens /dev/console for /init before any devtmpfs is mounted.
    archive.character_device("dev/console", 5, 1)
    archive.file("init", agent, mode=0o755)
    paths = [f"{MODULE_FOLDER}/{module.name}.ko" for module in modules]
    archive.file(MODULE_LIST, "".join(f"/{path}\n" for path in paths).encode())
    for path, module in zip(paths, modules, strict=True):
        archive.file(path, module.content)
    archive.close()
