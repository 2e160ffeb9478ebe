# SPDX-License-Identifier: Apache-2.0
"""Picks kernel modules and everything that they depend on, in an order in which they can be loaded."""

import lzma
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from . import RecipeError


@dataclass(frozen=True)
class Module:
    """A module as it goes into the initramfs: uncompressed, its signature kept."""

    name: str
    content: bytes


def read_wanted(list_file: Path) -> list[str]:
    """Module names of `list_file`: one a line, then why it is wanted; `#` starts a comment."""
    lines = (line.split("#")[0].split() for line in list_file.read_text().splitlines())
    return [words[0] for words in lines if words]


def in_load_order(wanted: list[str], tree: Path) -> list[Module]:
    """The modules under `tree` (a lib/modules/RELEASE folder) that `wanted` needs, each after its dependencies.

    A wanted module that the kernel has built in is left out; one that it does not have at all is an error.
    """
    files = {_canonical(path.name): path for path in sorted(tree.rglob("*.ko*"))}
    built_in = {_canonical(Path(line).name) for line in (tree / "modules.builtin").read_text().splitlines()}
    chosen: dict[str, Module] = {}

    def add(name: str, needed_by: str) -> None:
        if name in chosen or name in built_in:
            return
        if name not in files:
            raise RecipeError(f"The kernel {tree.name} has no module {name}, which {needed_by} needs.")
        content = _uncompressed(files[name])
        for dependency in dependencies(content):
            add(dependency, name)
        chosen[name] = Module(name, content)

    for name in wanted:
        add(_canonical(name), "modules.list")
    return list(chosen.values())


def dependencies(module: bytes) -> list[str]:
    """Names that the module's `depends=` names in its ELF section .modinfo (include/linux/module.h, MODULE_INFO)."""
    for entry in _section(module, b".modinfo").split(b"\0"):
        if entry.startswith(b"depends="):
            names = entry[len(b"depends=") :].decode()
            return [_canonical(name) for name in names.split(",") if name]
    return []


def _section(elf: bytes, wanted: bytes) -> bytes:
    """Content of a named section of a little-endian ELF64 file (ELF specification, section header table)."""
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    entry_size, count, names_index = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", elf, table + index * entry_size) for index in range(count)]
    names = headers[names_index][4]
    for name, _, _, _, offset, size in headers:
        end = elf.index(b"\0", names + name)
        if elf[names + name : end] == wanted:
            return elf[offset : offset + size]
    return b""


def _canonical(file_name: str) -> str:
    # The kernel knows one name for virtio-rng.ko and virtio_rng: with underscores.
    return re.sub(r"\.ko(\.\w+)?$", "", file_name).replace("-", "_")


def _uncompressed(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".ko":
        return content
    if path.suffix == ".xz":
        return lzma.decompress(content)
    raise RecipeError(f"The kernel module {path.name} is compressed in a way that is not known here; .ko and .ko.xz are.")
