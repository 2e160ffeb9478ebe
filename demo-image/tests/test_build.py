# SPDX-License-Identifier: Apache-2.0
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

BUILD = Path(__file__).resolve().parents[1] / "build"


class DemoImageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def build(self, name: str = "image") -> str:
        done = subprocess.run([BUILD, "--output", self.root / name], capture_output=True, text=True, check=True)
        return done.stdout.split()[0]

    def blob(self, descriptor: dict) -> bytes:
        """Content of a descriptor, checked as any reader of an image layout has to."""
        content = (self.root / "image/blobs/sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()
        self.assertEqual(descriptor["size"], len(content))
        self.assertEqual(descriptor["digest"], f"sha256:{hashlib.sha256(content).hexdigest()}")
        return content

    def manifest(self) -> dict:
        index = json.loads((self.root / "image/index.json").read_text())
        (described,) = index["manifests"]
        self.assertEqual(described["annotations"]["org.opencontainers.image.ref.name"], "latest")
        return json.loads(self.blob(described))

    def layer(self) -> tarfile.TarFile:
        return tarfile.open(fileobj=io.BytesIO(gzip.decompress(self.blob(self.manifest()["layers"][0]))))

    def test_is_a_layout_whose_digests_and_sizes_are_right(self):
        self.build()
        self.assertEqual(json.loads((self.root / "image/oci-layout").read_text()), {"imageLayoutVersion": "1.0.0"})
        manifest = self.manifest()
        config = json.loads(self.blob(manifest["config"]))
        layer = gzip.decompress(self.blob(manifest["layers"][0]))
        self.assertEqual(config["rootfs"]["diff_ids"], [f"sha256:{hashlib.sha256(layer).hexdigest()}"])
        self.assertEqual(config["config"]["Cmd"], ["/bin/sh"])

    def test_every_applet_is_a_hard_link_to_one_static_busybox(self):
        self.build()
        with self.layer() as layer:
            busybox = layer.getmember("bin/busybox")
            self.assertEqual(busybox.mode, 0o755)
            for applet in ("bin/sh", "bin/ls", "usr/bin/wc"):
                self.assertTrue(layer.getmember(applet).islnk())
                self.assertEqual(layer.getmember(applet).linkname, "bin/busybox")
            header = layer.extractfile(busybox).read(4096)
            self.assertNotIn(b"ld-linux", header, "busybox asks for a dynamic loader, which the image does not have")

    def test_every_entry_comes_after_its_folder(self):
        self.build()
        with self.layer() as layer:
            seen = {"."}
            for entry in layer:
                self.assertIn(str(Path(entry.name).parent), seen, entry.name)
                seen.add(entry.name)

    def test_the_same_busybox_gives_the_same_digest_anywhere(self):
        self.assertEqual(self.build("image"), self.build("deeper/down/image"))

    def test_building_again_replaces_the_image(self):
        self.build()
        (self.root / "image/left-over").touch()
        self.build()
        self.assertFalse((self.root / "image/left-over").exists())

    def test_says_what_is_missing_without_busybox(self):
        done = subprocess.run(
            [sys.executable, BUILD, "--output", self.root / "image"],
            env={"PATH": "/nowhere"},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get install busybox-static", done.stderr)
