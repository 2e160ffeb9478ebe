# SPDX-License-Identifier: Apache-2.0
import contextlib
import gzip
import hashlib
import io
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from recipe import RecipeError, kernel

from .test_bzimage import VMLINUX, bzimage

# Stands in for the package archive: `apt-get download NAME=VERSION` copies NAME_VERSION.deb out of $ARCHIVE.
APT_GET = """#!/bin/sh
for last; do :; done
cp "$ARCHIVE/$(echo "$last" | tr = _).deb" . 2>/dev/null || { echo "E: Version was not found" >&2; exit 100; }
echo "$last" >> "$ARCHIVE/downloads"
"""
APT_CACHE = """#!/bin/sh
case $1 in
  depends) echo "$3"; echo "  Depends: linux-image-current" ;;
  show) echo "Package: linux-image-current"; echo "Version: 2-1"; echo "SHA256: $CURRENT_SHA256" ;;
esac
"""


class KernelTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.archive, self.cache, programs = (self.root / name for name in ("archive", "cache", "bin"))
        for made in (self.archive, programs):
            made.mkdir()
        for name, text in {"apt-get": APT_GET, "apt-cache": APT_CACHE}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.environment("PATH", f"{programs}:{os.environ['PATH']}")
        self.environment("ARCHIVE", str(self.archive))

    def environment(self, name: str, value: str) -> None:
        """Sets a variable until the test ends."""
        before = os.environ.get(name)
        os.environ[name] = value
        self.addCleanup(lambda: os.environ.pop(name) if before is None else os.environ.update({name: before}))

    def package(self, name: str, version: str) -> str:
        """Puts a kernel package into the archive and gives its SHA-256."""
        tree = self.root / f"{name}-tree"
        for path, content in {
            "boot/vmlinuz-6": bzimage(gzip.compress(VMLINUX)),
            "lib/modules/6/modules.builtin": b"",
            "DEBIAN/control": f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x\nDescription: x\n".encode(),
        }.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        deb = self.archive / f"{name}_{version}.deb"
        subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, deb], check=True, stdout=subprocess.DEVNULL)
        return hashlib.sha256(deb.read_bytes()).hexdigest()

    def lock(self, package: str, version: str, sha256: str) -> Path:
        path = self.root / "kernel.lock"
        path.write_text(f"# pinned\nfollows linux-image-any\npackage {package}\nversion {version}\nsha256 {sha256}\n")
        return path

    def test_takes_kernel_and_modules_out_of_the_pinned_package_and_keeps_them(self):
        lock = self.lock("linux-image-6", "1-1", self.package("linux-image-6", "1-1"))
        first = kernel.provide(lock, self.cache)
        self.assertEqual(first.vmlinux.read_bytes(), VMLINUX)
        self.assertTrue((first.modules / "modules.builtin").is_file())
        self.assertEqual(kernel.provide(lock, self.cache), first)
        self.assertEqual((self.archive / "downloads").read_text(), "linux-image-6=1-1\n")

    def test_refuses_a_package_with_another_hash_and_keeps_nothing(self):
        self.package("linux-image-6", "1-1")
        with self.assertRaisesRegex(RecipeError, "where 00 is expected. Do not use it"):
            kernel.provide(self.lock("linux-image-6", "1-1", "00"), self.cache)
        self.assertEqual(list(self.cache.iterdir()), [])

    def test_takes_the_current_package_with_a_warning_when_the_pinned_one_is_gone(self):
        self.environment("CURRENT_SHA256", self.package("linux-image-current", "2-1"))
        with contextlib.redirect_stderr(io.StringIO()) as said:
            found = kernel.provide(self.lock("linux-image-old", "1-1", "00"), self.cache)
        self.assertEqual(found.vmlinux.read_bytes(), VMLINUX)
        self.assertIn("no longer has linux-image-old 1-1", said.getvalue())
        self.assertIn("taking its current linux-image-current 2-1", said.getvalue())

    def test_updates_the_lock_and_keeps_its_comment(self):
        lock = self.lock("linux-image-old", "1-1", "00")
        self.environment("CURRENT_SHA256", "ab")
        kernel.current(kernel.Lock.read(lock).follows).write(lock)
        self.assertEqual(kernel.Lock.read(lock), kernel.Lock("linux-image-any", "linux-image-current", "2-1", "ab"))
        self.assertTrue(lock.read_text().startswith("# pinned\n"))

    def test_a_lock_with_a_wrong_key_is_refused(self):
        lock = self.root / "kernel.lock"
        lock.write_text("packge linux-image-6\n")
        with self.assertRaisesRegex(RecipeError, "must name exactly follows, package, version, sha256; it names packge"):
            kernel.Lock.read(lock)
