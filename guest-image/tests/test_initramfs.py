# SPDX-License-Identifier: Apache-2.0
import io
import subprocess
import tempfile
import unittest
from pathlib import Path

from recipe import initramfs
from recipe.modules import Module

MODULES = [Module("virtio_ring", b"ring" * 5), Module("virtio", b"virtio")]


def archive(agent: bytes = b"agent binary", modules: list[Module] | None = None) -> bytes:
    out = io.BytesIO()
    initramfs.write(out, agent, MODULES if modules is None else modules)
    return out.getvalue()


class InitramfsTest(unittest.TestCase):
    def unpacked(self) -> Path:
        """The archive as the cpio program, an independent reader, unpacks it (device nodes need root and are left out)."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        command = ["cpio", "--extract", "--quiet", "--make-directories", "--nonmatching", "dev/console"]
        subprocess.run(command, input=archive(), cwd=folder.name, check=True)
        return Path(folder.name)

    def test_holds_the_agent_as_an_executable_init(self):
        init = self.unpacked() / "init"
        self.assertEqual(init.read_bytes(), b"agent binary")
        self.assertEqual(init.stat().st_mode & 0o777, 0o755)

    def test_lists_the_modules_in_load_order_at_the_places_where_they_are(self):
        root = self.unpacked()
        paths = (root / "etc/hako/modules").read_text().splitlines()
        self.assertEqual([(root / path.lstrip("/")).read_bytes() for path in paths], [b"ring" * 5, b"virtio"])

    def test_has_a_console_and_the_mount_points(self):
        command = ["cpio", "--list", "--verbose", "--quiet", "--numeric-uid-gid"]
        listing = subprocess.run(command, input=archive(), capture_output=True, check=True).stdout.decode()
        self.assertRegex(listing, r"crw-------\s+1 0\s+0\s+5,\s+1 .* dev/console")
        for mount_point in initramfs.MOUNT_POINTS:
            self.assertRegex(listing, rf"drwxr-xr-x\s+2 0\s+0 .* {mount_point}\n")

    def test_equal_input_gives_equal_bytes_and_other_input_does_not(self):
        self.assertEqual(archive(), archive())
        self.assertNotEqual(archive(), archive(agent=b"another agent"))
        self.assertNotEqual(archive(), archive(modules=MODULES[::-1]))
