# SPDX-License-Identifier: Apache-2.0
"""A daemon of its own for a measurement, in directories of its own."""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

LIMIT = 60.0


class Node:
    """hakod of HAKO_HOME, started; use `node()`."""

    def __init__(self, scratch: Path):
        self.home = Path(os.environ["HAKO_HOME"])
        self.guest = Path(os.environ["HAKO_GUEST"])
        self.hako = Path(os.environ["HAKO_NATIVE"], "hako")
        self.run = Path(f"/run/hako-bench-{os.getpid()}")
        self.log = scratch / "hakod.log"
        self.pid = 0
        settings = scratch / "hako.toml"
        settings.write_text(f'[guest]\nkernel = "{self.guest}/vmlinux"\ninitramfs = "{self.guest}/initramfs.cpio"\n')
        self.environment = {
            **os.environ,
            "HAKO_RUN_DIR": str(self.run),
            "HAKO_STATE_DIR": str(scratch / "state"),
            "HAKO_CONFIG": str(settings),
            "HAKO_SHIM": str(self.hako.with_name("containerd-shim-hako-v2")),
            "HAKO_DEMO_IMAGE": str(self.home / "demo-image"),
        }

    def start(self) -> subprocess.Popen:
        with self.log.open("a") as log:
            process = subprocess.Popen([self.home / "bin/hakod"], env=self.environment, stdout=log, stderr=log)
        self.pid = process.pid
        return process

    def await_answer(self, daemon: subprocess.Popen) -> None:
        await_condition("hakod to answer", lambda: daemon.poll() is not None or self.call("ps", check=False).returncode == 0)
        if daemon.poll() is not None:
            raise SystemExit(f"hakod ended instead of serving:\n{self.log.read_text()}")

    def call(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run([self.hako, *arguments], env=self.environment, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise SystemExit(f"hako {' '.join(arguments)} failed with {done.returncode}: {done.stderr}\n{self.log.read_text()}")
        return done

    def json(self, *arguments: str) -> dict:
        return json.loads(self.call(*arguments, "--format", "json").stdout)


@contextlib.contextmanager
def node() -> Iterator[Node]:
    """A node that serves; afterwards its containers and its daemon are gone, also after a failure."""
    with directories() as made:
        daemon = made.start()
        try:
            made.await_answer(daemon)
            yield made
        finally:
            for container in made.call("ps", "-a", "-q", check=False).stdout.split():
                made.call("rm", "-f", container, check=False)
            daemon.terminate()
            daemon.wait()


@contextlib.contextmanager
def directories() -> Iterator[Node]:
    """A node that is not started yet."""
    with tempfile.TemporaryDirectory(prefix="hako-bench-") as scratch:
        made = Node(Path(scratch))
        try:
            yield made
        finally:
            shutil.rmtree(made.run, ignore_errors=True)


def repeated(program: str, description: str, measure) -> dict[tuple[str, str], list[float]]:
    """What `measure` says of one node, by name and unit, `--runs` times over."""
    parser = argparse.ArgumentParser(prog=f"bench/{program}", description=description.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    samples = defaultdict(list)
    with node() as running:
        for _ in range(runs):
            for name, value in measure(running).items():
                samples[name].append(value)
    return samples


def await_condition(what: str, condition, pause: float = 0.02) -> None:
    limit = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > limit:
            raise SystemExit(f"Waited {LIMIT:.0f} s for {what}.")
        time.sleep(pause)
