#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ctr run` under hako against the same under runc, and under runsc if it is installed: ratios, from rounds run by turns.

A round is one container of each runtime that runs `true` and ends, in changing order, and one that stays, of which the memory is
counted: all of a machine's is its container's. Of hako's also what hakod and the shim spend of the processors: until the container runs,
and for the shim's short-lived calls `start` and `delete`; and the time of hakod's steps but `agent`, which waits for the guest's boot.
`--rounds N` (6)."""

import argparse
import json
import sys
import time
from collections import defaultdict

from lib.containerd import NAMESPACE, PROGRAMS, Containerd, containerd, missing
from lib.cost import cpu_ms, parent, pss_mib, waited_for_ms
from lib.figures import Figure, report
from lib.node import Node, node

CPU_GOAL_MS = 30
HOST_GOAL_MS = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/containerd.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=6)
    rounds = parser.parse_args().rounds
    runtimes = ["hako"]
    for other in PROGRAMS:
        if lacking := missing(other):
            print(f"Not compared with {other}: {' and '.join(lacking)} not installed.")
        else:
            runtimes.append(other)
    with node() as running, containerd(running) as daemon:
        measured = _Rounds(running, daemon)
        for number in range(rounds):
            measured.round(runtimes[number % len(runtimes) :] + runtimes[: number % len(runtimes)])
            print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    report("CPU time of a start that is not the machine's", measured.cost())
    report("Steps of a start", measured.steps())
    return report("ctr run", measured.compared(runtimes))


class _Rounds:
    """The samples of all rounds."""

    def __init__(self, running: Node, daemon: Containerd):
        self._node = running
        self._containerd = daemon
        self._seconds = defaultdict(list)
        self._memory = defaultdict(list)
        self._cpu = defaultdict(list)
        self._calls = 0.0
        self._before: list[float] = []
        self._after: list[float] = []

    def round(self, runtimes: list[str]) -> None:
        for runtime in runtimes:
            begin = time.monotonic()
            self._containerd.run(runtime, f"{runtime}-ends", "true", options=("--rm",))
            self._seconds[runtime].append(time.monotonic() - begin)
            self._stay(runtime)

    def _stay(self, runtime: str) -> None:
        container = f"{runtime}-stays"
        hakod, calls = cpu_ms(self._node.pid), waited_for_ms(self._containerd.pid)
        self._containerd.run(runtime, container, "sleep", "1000", options=("-d",))
        try:
            hakod = cpu_ms(self._node.pid) - hakod
            processes = self._processes(runtime, container)
            self._memory[runtime].append(sum(pss_mib(process) for process in processes.values()))
            shim = cpu_ms(processes["shim"])
            if runtime == "hako":
                self._time_steps(container)
        finally:
            self._containerd.remove(container)
        if runtime == "hako":
            self._cpu["hakod, until the container runs"].append(hakod)
            self._cpu["shim, until the container runs"].append(shim)
            self._calls += waited_for_ms(self._containerd.pid) - calls

    def _processes(self, runtime: str, container: str) -> dict[str, int]:
        if runtime == "hako":
            overhead = self._node.json("overhead", f"{NAMESPACE}@{container}")
            return {process["role"]: process["pid"] for process in overhead["processes"]}
        listed = self._containerd.ctr("task", "ls").stdout.splitlines()
        (process,) = (int(line.split()[1]) for line in listed if line.split()[0] == container)
        return {"shim": parent(process), "container": process}

    def _time_steps(self, container: str) -> None:
        lines = map(json.loads, (self._node.run / "journal" / f"{NAMESPACE}@{container}.jsonl").read_text().splitlines())
        steps = [(line["name"], line["micros"] / 1000) for line in lines if line["t"] == "step"]
        (agent,) = (number for number, (name, _) in enumerate(steps) if name == "agent")
        self._before.append(sum(milliseconds for _, milliseconds in steps[:agent]))
        self._after.append(sum(milliseconds for _, milliseconds in steps[agent + 1 :]))

    def steps(self) -> list[Figure]:
        return [
            Figure("before the guest boots, QEMU's start in it", "ms", self._before, goal=HOST_GOAL_MS),
            Figure("after the agent's answer, by host and guest", "ms", self._after),
        ]

    def cost(self) -> list[Figure]:
        start = [sum(pair) for pair in zip(*self._cpu.values(), strict=True)]
        # Each call is less than the kernel's tick: only their mean says anything.
        calls = self._calls / len(start)
        return [
            *(Figure(name, "ms", samples) for name, samples in self._cpu.items()),
            Figure("hakod and shim, until the container runs", "ms", start, goal=CPU_GOAL_MS),
            Figure("the shim's calls start and delete, mean", "ms", [calls]),
        ]

    def compared(self, runtimes: list[str]) -> list[Figure]:
        figures = []
        for runtime in runtimes:
            figures.append(Figure(f"true, {runtime}", "s", self._seconds[runtime]))
            figures.append(Figure(f"PSS of a container, {runtime}", "MiB", self._memory[runtime]))
        for other in runtimes[1:]:
            figures.append(Figure(f"true, hako / {other}", "", _ratios(self._seconds, other)))
            figures.append(Figure(f"PSS, hako / {other}", "", _ratios(self._memory, other)))
        return figures


def _ratios(samples: dict[str, list[float]], other: str) -> list[float]:
    return [a / b for a, b in zip(samples["hako"], samples[other], strict=True)]


if __name__ == "__main__":
    sys.exit(main())
