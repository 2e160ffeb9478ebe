#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much longer a start with hako takes than the bare boot of the same machine: ratios, from pairs run by turns.

Both sides boot the same kernel, initramfs and devices with the same QEMU and options. A pair is one of each, in changing
order, so that what the machine does besides hits both. `--pairs N` (15)."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from lib.bare import Machine
from lib.figures import Figure, report
from lib.node import Node, await_condition, node

HELLO_GOAL = 1.10
OUTPUT_GOAL = 1.35


class Start:
    """One `hako run`: the seconds from its exec until the agent answered and until the first output, and the journal's steps."""

    def __init__(self, node: Node):
        begin = time.monotonic()
        command = [node.hako, "run", "--rm", "demo", "echo", "here"]
        with subprocess.Popen(command, env=node.environment, stdout=subprocess.PIPE) as process:
            journal = _Journal(node.run / "journal")
            await_condition("the agent's hello", lambda: journal.has("agent") or process.poll() is not None, pause=0.002)
            self.to_hello = time.monotonic() - begin
            first = process.stdout.read(1)
            self.to_output = time.monotonic() - begin
            process.stdout.read()
        if process.returncode != 0 or first != b"h":
            raise SystemExit(f"hako run ended with {process.returncode}:\n{node.log.read_text()}")
        self.steps = journal.steps()


class _Journal:
    """The one journal that a start writes; it is gone after the start, but not for who has it open."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._file = None
        self._lines: list[dict] = []

    def has(self, step: str) -> bool:
        return step in self.steps()

    def steps(self) -> dict[str, float]:
        """Milliseconds by step."""
        if self._file is None:
            for path in self._folder.glob("*.jsonl"):
                self._file = path.open()
        if self._file is not None:
            self._lines += [json.loads(line) for line in self._file]
        return {line["name"]: line["micros"] / 1000 for line in self._lines if line["t"] == "step"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/start.py", description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    pairs = parser.parse_args().pairs
    load = os.getloadavg()[0]
    with node() as running:
        machine = _machine(running)
        hello, output, bare, steps = [], [], [], defaultdict(list)
        for number in range(pairs):
            if number % 2 == 0:
                bare.append(machine.seconds_to_hello())
            start = Start(running)
            if number % 2 == 1:
                bare.append(machine.seconds_to_hello())
            hello.append(start.to_hello)
            output.append(start.to_output)
            for name, milliseconds in start.steps.items():
                steps[name].append(milliseconds)
            print(f"\rpair {number + 1} of {pairs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if load > 0.5:
        print(f"The machine was not idle before (load {load:.1f}): expect wide intervals.")
    report("Steps of a start, as hakod times them", [Figure(name, "ms", samples) for name, samples in steps.items()])
    return report(
        f"Start of a container, against the bare boot of its machine ({median(bare):.2f} s)",
        [
            Figure("bare boot until the agent answers", "s", bare),
            Figure("hako run until the agent answers", "s", hello),
            Figure("hako run until the first output", "s", output),
            Figure("until the agent answers / bare boot", "", _ratios(hello, bare), goal=HELLO_GOAL),
            Figure("until the first output / bare boot", "", _ratios(output, bare), goal=OUTPUT_GOAL),
        ],
    )


def _ratios(over: list[float], under: list[float]) -> list[float]:
    return [a / b for a, b in zip(over, under, strict=True)]


def _machine(running: Node) -> Machine:
    """Starts one container, which also unpacks the image, and takes its machine's command lines."""
    container = running.call("run", "-d", "demo", "sleep", "1000").stdout.strip()
    processes = {process["role"]: process["pid"] for process in running.json("overhead", container)["processes"]}
    (virtiofsd,) = (pid for role, pid in processes.items() if role.startswith("virtiofsd"))
    machine = Machine(processes["vmm"], virtiofsd)
    running.call("rm", "-f", container)
    return machine


if __name__ == "__main__":
    sys.exit(main())
