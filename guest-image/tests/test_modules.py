# SPDX-License-Identifier: Apache-2.0
import lzma
import struct
import tempfile
import unittest
from pathlib import Path

from recipe import RecipeError
from recipe.modules import dependencies, in_load_order, read_wanted


def module(depends: str) -> bytes:
    """A little-endian ELF64 with the sections (none), .modinfo and .shstrtab."""
    modinfo = b"license=GPL\0depends=" + depends.encode() + b"\0name=x\0"
    names = b"\0.modinfo\0.shstrtab\0"
    table = 64 + len(modinfo) + len(names)
    header = struct.pack("<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 1, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, 3, 2)

    def section(name: int, offset: int, size: int) -> bytes:
        return struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, offset, size, 0, 0, 1, 0)

    sections = section(0, 0, 0) + section(1, 64, len(modinfo)) + section(10, 64 + len(modinfo), len(names))
    return header + modinfo + names + sections


class ModulesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name, "6.1.0-test")
        (self.tree / "kernel" / "drivers").mkdir(parents=True)
        (self.tree / "modules.builtin").write_text("kernel/fs/ext4.ko\nkernel/drivers/rng-core.ko\n")

    def has(self, file_name: str, depends: str = "") -> bytes:
        content = module(depends)
        packed = lzma.compress(content) if file_name.endswith(".xz") else content
        (self.tree / "kernel" / "drivers" / file_name).write_bytes(packed)
        return content

    def names(self, *wanted: str) -> list[str]:
        return [module.name for module in in_load_order(list(wanted), self.tree)]

    def test_reads_what_a_module_depends_on(self):
        self.assertEqual(dependencies(module("virtio,virtio-ring")), ["virtio", "virtio_ring"])
        self.assertEqual(dependencies(module("")), [])

    def test_puts_each_module_once_and_after_all_that_it_needs(self):
        self.has("net.ko", "core,fail-over")
        self.has("blk.ko", "core")
        self.has("core.ko", "ring")
        self.has("ring.ko")
        self.has("fail-over.ko")
        self.assertEqual(self.names("net", "blk"), ["ring", "core", "fail_over", "net", "blk"])

    def test_leaves_out_what_the_kernel_has_built_in(self):
        self.has("virtio-rng.ko", "rng-core")
        self.assertEqual(self.names("virtio_rng", "ext4"), ["virtio_rng"])

    def test_unpacks_compressed_modules(self):
        content = self.has("fuse.ko.xz")
        self.assertEqual(in_load_order(["fuse"], self.tree)[0].content, content)

    def test_names_the_kernel_and_the_reason_when_a_module_is_missing(self):
        self.has("net.ko", "gone")
        with self.assertRaisesRegex(RecipeError, "The kernel 6.1.0-test has no module gone, which net needs."):
            self.names("net")
        with self.assertRaisesRegex(RecipeError, "no module absent, which modules.list needs"):
            self.names("absent")

    def test_the_list_file_gives_a_name_a_line(self):
        list_file = self.tree / "modules.list"
        list_file.write_text("# why\n\nvirtio_pci   every device\noverlay # layers\n")
        self.assertEqual(read_wanted(list_file), ["virtio_pci", "overlay"])
