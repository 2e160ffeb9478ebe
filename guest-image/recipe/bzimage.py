# SPDX-License-Identifier: Apache-2.0
"""Takes the uncompressed vmlinux (ELF, with its PVH entry) out of an x86 bzImage.

Offsets and names are those of the Linux/x86 boot protocol,
Documentation/arch/x86/boot.rst, section "Details of Header Fields".
"""

import bz2
import lzma
import shutil
import struct
import subprocess
import zlib

from . import RecipeError

SECTOR = 512
SETUP_SECTS = 0x1F1
HEADER_MAGIC = 0x202
VERSION = 0x206
PAYLOAD_OFFSET = 0x248
PAYLOAD_LENGTH = 0x24C
FIRST_VERSION_WITH_PAYLOAD = 0x0208
ELF_MAGIC = b"\x7fELF"


def extract_vmlinux(image: bytes) -> bytes:
    """Returns the ELF inside `image`, checked against the size that the kernel's build appended to it."""
    payload = _payload(image)
    vmlinux = _decompress(payload)
    # Kbuild's size_append ends every payload with the little-endian size of what it unpacks to; gzip ends so by itself.
    expected = struct.unpack("<I", payload[-4:])[0]
    if len(vmlinux) != expected:
        raise RecipeError(
            f"Unpacking the kernel gave {len(vmlinux)} bytes where its payload announces {expected}; "
            "the package may be damaged: delete it from the cache and build again."
        )
    if not vmlinux.startswith(ELF_MAGIC):
        raise RecipeError(f"The kernel's payload unpacks to {vmlinux[:4].hex()}..., which is not an ELF file.")
    return vmlinux


def _payload(image: bytes) -> bytes:
    if image[HEADER_MAGIC : HEADER_MAGIC + 4] != b"HdrS":
        raise RecipeError("The kernel image carries no Linux boot header ('HdrS' at offset 0x202): it is not a bzImage.")
    (version,) = struct.unpack_from("<H", image, VERSION)
    if version < FIRST_VERSION_WITH_PAYLOAD:
        raise RecipeError(
            f"The kernel image speaks boot protocol {version >> 8}.{version & 0xFF:02d}; 2.08 or later is needed."
        )
    # A zero here means four sectors, for images older than the field.
    protected_mode_code = ((image[SETUP_SECTS] or 4) + 1) * SECTOR
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = protected_mode_code + offset
    if length < 8 or start + length > len(image):
        raise RecipeError(f"The kernel image ends at {len(image)}, before its payload at {start} of {length} bytes.")
    return image[start : start + length]


def _decompress(payload: bytes) -> bytes:
    body = payload[:-4]
    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompress(payload, wbits=31)
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.decompress(body)
    if payload.startswith(b"\x5d\x00"):
        return lzma.decompress(body, format=lzma.FORMAT_ALONE)
    if payload.startswith(b"BZh"):
        return bz2.decompress(body)
    if payload.startswith(b"\x02\x21\x4c\x18"):
        return _filter("lz4", ["-d", "-c", "-q"], body)
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        return _filter("zstd", ["-d", "-c", "-q"], body)
    raise RecipeError(f"The kernel is compressed by a method with magic {payload[:4].hex()}, which is not known here.")


def _filter(program: str, arguments: list[str], data: bytes) -> bytes:
    if shutil.which(program) is None:
        raise RecipeError(f"The kernel is compressed with {program}, and no {program} is on PATH: apt-get install {program}")
    done = subprocess.run([program, *arguments], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise RecipeError(f"{program} could not unpack the kernel's payload of {len(data)} bytes: {reason}")
    return done.stdout
