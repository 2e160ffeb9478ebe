# SPDX-License-Identifier: Apache-2.0
import bz2
import gzip
import lzma
import struct
import subprocess
import unittest

from recipe import RecipeError
from recipe.bzimage import extract_vmlinux

VMLINUX = b"\x7fELF" + bytes(range(256)) * 4096


def bzimage(payload: bytes, setup_sectors: int = 4, magic: bytes = b"HdrS") -> bytes:
    """An image with only the fields of the boot protocol that matter here; the payload begins 64 bytes into its code."""
    image = bytearray((setup_sectors + 1) * 512 + 64)
    image[0x1F1] = setup_sectors
    image[0x202:0x206] = magic
    struct.pack_into("<H", image, 0x206, 0x020F)
    struct.pack_into("<II", image, 0x248, 64, len(payload))
    return bytes(image) + payload + b"what follows the payload"


def sized(compressed: bytes, size: int = len(VMLINUX)) -> bytes:
    return compressed + struct.pack("<I", size)


class ExtractTest(unittest.TestCase):
    def test_unpacks_each_compression_that_distributions_use(self):
        lz4 = subprocess.run(["lz4", "-l", "-c"], input=VMLINUX, capture_output=True, check=True).stdout
        zstd = subprocess.run(["zstd", "-c", "-q"], input=VMLINUX, capture_output=True, check=True).stdout
        payloads = {
            "gzip": gzip.compress(VMLINUX),
            "xz": sized(lzma.compress(VMLINUX, check=lzma.CHECK_CRC32)),
            "lzma": sized(lzma.compress(VMLINUX, format=lzma.FORMAT_ALONE)),
            "bzip2": sized(bz2.compress(VMLINUX)),
            "lz4": sized(lz4),
            "zstd": sized(zstd),
        }
        for name, payload in payloads.items():
            with self.subTest(name):
                self.assertEqual(extract_vmlinux(bzimage(payload)), VMLINUX)

    def test_finds_the_payload_behind_any_number_of_setup_sectors(self):
        self.assertEqual(extract_vmlinux(bzimage(gzip.compress(VMLINUX), setup_sectors=31)), VMLINUX)

    def test_refuses_a_payload_that_unpacks_to_another_size(self):
        with self.assertRaisesRegex(RecipeError, r"gave 1048580 bytes where its payload announces 1048581"):
            extract_vmlinux(bzimage(sized(lzma.compress(VMLINUX), len(VMLINUX) + 1)))

    def test_refuses_what_is_no_kernel(self):
        with self.assertRaisesRegex(RecipeError, "no Linux boot header"):
            extract_vmlinux(bzimage(gzip.compress(VMLINUX), magic=b"zzzz"))
        with self.assertRaisesRegex(RecipeError, "no Linux boot header"):
            extract_vmlinux(b"")

    def test_refuses_an_image_that_was_cut_off(self):
        whole = bzimage(gzip.compress(VMLINUX))
        with self.assertRaisesRegex(RecipeError, "before its payload"):
            extract_vmlinux(whole[:-1000])

    def test_refuses_an_unknown_compression_by_its_magic(self):
        with self.assertRaisesRegex(RecipeError, "magic cafebabe"):
            extract_vmlinux(bzimage(sized(b"\xca\xfe\xba\xbe" + bytes(64))))

    def test_refuses_a_payload_that_is_no_elf(self):
        with self.assertRaisesRegex(RecipeError, "not an ELF"):
            extract_vmlinux(bzimage(gzip.compress(b"MZ" + bytes(1024))))
