# SPDX-License-Identifier: Apache-2.0
"""A containerd of its own for a measurement: the distribution's, with the runtimes that containers are compared under."""

import contextlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lib.node import Node, await_condition

IMAGE = "demo:latest"
NAMESPACE = "bench"
RUNTIMES = {"hako": "io.containerd.hako.v2", "runc": "io.containerd.runc.v2", "runsc": "io.containerd.runsc.v1"}
PROGRAMS = {"runc": ("runc", "containerd-shim-runc-v2"), "runsc": ("runsc", "containerd-shim-runsc-v1")}


def missing(runtime: str) -> list[str]:
    """The programs of a runtime that this machine does not have."""
    return [program for program in PROGRAMS[runtime] if shutil.which(program) is None]


class Containerd:
    """Use `containerd()`."""

    def __init__(self, running: Node, scratch: Path):
        self._node = running
        self._log = scratch / "containerd.log"
        self._socket = scratch / "c.sock"
        self._settings = scratch / "config.toml"
        self._settings.write_text(
            f'version = 2\nroot = "{scratch}/root"\nstate = "{scratch}/state"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "{self._socket}"\n'
        )
        self.pid = 0

    def start(self) -> subprocess.Popen:
        environment = {**self._node.environment, "PATH": f"{self._node.hako.parent}:{self._node.environment['PATH']}"}
        with self._log.open("a") as log:
            process = subprocess.Popen(["containerd", "-c", self._settings], env=environment, stdout=log, stderr=log)
        self.pid = process.pid
        return process

    def await_answer(self) -> None:
        await_condition("containerd to answer", lambda: self.ctr("version", check=False).returncode == 0)

    def load(self, image: Path, scratch: Path) -> None:
        archive = scratch / "demo.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(image, arcname=".")
        self.ctr("images", "import", "--base-name", "demo", str(archive))

    def ctr(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        command = ["ctr", "-a", self._socket, "-n", NAMESPACE, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise SystemExit(f"ctr {' '.join(arguments)} failed with {done.returncode}: {done.stderr}\n{self._log.read_text()}")
        return done

    def run(self, runtime: str, container: str, *command: str, options: tuple[str, ...] = ()) -> None:
        self.ctr("run", *options, "--runtime", RUNTIMES[runtime], IMAGE, container, *command)

    def remove(self, container: str) -> None:
        self.ctr("task", "rm", "-f", container)
        self.ctr("c", "rm", container)

    def sweep(self) -> None:
        """Whatever a measurement that was cut off has left."""
        for container in self.ctr("c", "ls", "-q", check=False).stdout.split():
            self.ctr("task", "rm", "-f", container, check=False)
            self.ctr("c", "rm", container, check=False)


@contextlib.contextmanager
def containerd(running: Node) -> Iterator[Containerd]:
    """A containerd that serves and has the demo image; afterwards it and its containers are gone."""
    with tempfile.TemporaryDirectory(prefix="hako-bench-") as directory:
        scratch = Path(directory)
        made = Containerd(running, scratch)
        process = made.start()
        try:
            made.await_answer()
            made.load(running.home / "demo-image", scratch)
            yield made
        finally:
            made.sweep()
            process.terminate()
            process.wait()
