# SPDX-License-Identifier: Apache-2.0
"""Fetches the guest kernel's package, pinned by a lock file, and takes kernel and modules out of it."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import RecipeError
from .bzimage import extract_vmlinux

LOCK_KEYS = ("follows", "package", "version", "sha256")


@dataclass(frozen=True)
class Lock:
    """Which package holds the guest kernel; `follows` is the meta-package that always names the current one."""

    follows: str
    package: str
    version: str
    sha256: str

    @staticmethod
    def read(path: Path) -> "Lock":
        pairs = dict(line.split(None, 1) for line in path.read_text().splitlines() if line and not line.startswith("#"))
        values = {key: value.strip() for key, value in pairs.items()}
        if set(values) != set(LOCK_KEYS):
            raise RecipeError(f"{path} must name exactly {', '.join(LOCK_KEYS)}; it names {', '.join(sorted(values))}.")
        return Lock(**values)

    def write(self, path: Path) -> None:
        comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
        lines = [f"{key:<7} {getattr(self, key)}" for key in LOCK_KEYS]
        path.write_text("\n".join(comments + lines) + "\n")


@dataclass(frozen=True)
class Kernel:
    """A kernel taken out of its package: the uncompressed ELF and the lib/modules/RELEASE folder."""

    vmlinux: Path
    modules: Path


def provide(lock_file: Path, cache: Path) -> Kernel:
    """The kernel of `lock_file`, from `cache` if it is there, else fetched; one cache folder per content of the lock."""
    folder = cache / f"kernel-{hashlib.sha256(lock_file.read_bytes()).hexdigest()[:16]}"
    if not folder.is_dir():
        _fill(folder, Lock.read(lock_file))
    return Kernel(folder / "vmlinux", next((folder / "modules").iterdir()))


def current(follows: str) -> Lock:
    """The package that the archive offers now under the meta-package `follows`."""
    depends = _run("apt-cache", "depends", "--important", follows)
    packages = [line.split()[-1] for line in depends.splitlines() if "Depends: linux-image-" in line]
    if not packages:
        raise RecipeError(f"The package archive knows no {follows}; is this Debian, and did `apt-get update` succeed?")
    # apt lists the version that it would install first.
    fields = dict(
        line.split(": ", 1) for line in _run("apt-cache", "show", "--no-all-versions", packages[0]).splitlines() if ": " in line
    )
    return Lock(follows, packages[0], fields["Version"], fields["SHA256"])


def _fill(folder: Path, lock: Lock) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kernel-") as scratch:
        package = _fetch(lock, Path(scratch))
        tree = Path(scratch, "tree")
        _run("dpkg-deb", "-x", str(package), str(tree))
        made = Path(scratch, "made")
        made.mkdir()
        (made / "vmlinux").write_bytes(extract_vmlinux(_one(tree, "boot/vmlinuz-*").read_bytes()))
        (made / "modules").mkdir()
        release = _one(tree, "lib/modules/*", "usr/lib/modules/*")
        release.rename(made / "modules" / release.name)
        try:
            made.rename(folder)
        except OSError:  # Another build was faster; what it made is the same.
            if not folder.is_dir():
                raise


def _fetch(lock: Lock, scratch: Path) -> Path:
    try:
        package = _download(lock, scratch)
    except RecipeError:
        now = current(lock.follows)
        print(
            f"warning: the package archive no longer has {lock.package} {lock.version} of guest-image/kernel.lock; "
            f"taking its current {now.package} {now.version}. To pin that one: guest-image/build --update-lock",
            file=sys.stderr,
        )
        lock, package = now, _download(now, scratch)
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != lock.sha256:
        raise RecipeError(
            f"{lock.package} {lock.version} has SHA-256 {found} where {lock.sha256} is expected. Do not use it; "
            "if the archive is known to have rebuilt it: guest-image/build --update-lock"
        )
    return package


def _download(lock: Lock, scratch: Path) -> Path:
    # As root, apt would drop to a user of its own, which cannot enter the scratch folder.
    _run("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", f"{lock.package}={lock.version}", folder=scratch)
    return _one(scratch, "*.deb")


def _run(*command: str, folder: Path | None = None) -> str:
    if shutil.which(command[0]) is None:
        raise RecipeError(f"{command[0]} is not there: the guest kernel comes out of a package of Debian's archive.")
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        remedy = " Are the package lists there? apt-get update" if command[0].startswith("apt") else ""
        raise RecipeError(f"`{' '.join(command)}` failed: {done.stderr.strip()}.{remedy}")
    return done.stdout


def _one(tree: Path, *patterns: str) -> Path:
    found = [path for pattern in patterns for path in sorted(tree.glob(pattern))]
    if len(found) != 1:
        raise RecipeError(f"The kernel package holds {len(found)} of {' or '.join(patterns)}; exactly one is expected.")
    return found[0]
