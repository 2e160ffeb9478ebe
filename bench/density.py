#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What helps fifty pods, for each: the shim, the file server and its part of what hakod has grown by; not the machines themselves.

Counted is proportional memory (PSS), so that what fifty shims share is counted once. `--pods N` (50) small containers, one started
after the other; when all are there, they idle."""

import argparse
import sys
import time
from collections import defaultdict

from lib.cost import pss_mib
from lib.figures import Figure, report
from lib.node import Node, node

MEMORY = "64M"
GOAL_MIB = 4.5
SETTLING_SECONDS = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/density.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("--pods", type=int, default=50)
    pods = parser.parse_args().pods
    with node() as running:
        # The first life loads what every later one uses.
        running.call("run", "--rm", "-m", MEMORY, "demo", "true")
        before = pss_mib(running.pid)
        containers = [_start(running, number, pods) for number in range(pods)]
        print(file=sys.stderr)
        time.sleep(SETTLING_SECONDS)
        grown = (pss_mib(running.pid) - before) / pods
        memory = _by_role(running, containers)
    servers = [role for role in memory if role.startswith("virtiofsd")]
    helpers = [sum(each) for each in zip(*(memory[role] for role in memory if role != "vmm"), strict=True)]
    without = [whole - served for whole, served in zip(helpers, map(sum, zip(*(memory[role] for role in servers), strict=True)), strict=True)]
    return report(
        f"Each of {pods} pods",
        [
            *(Figure(f"{role}, PSS", "MiB", samples) for role, samples in memory.items()),
            Figure("hakod's growth / pods", "MiB", [grown]),
            Figure("helpers but the file server", "MiB", [one + grown for one in without], goal=GOAL_MIB),
            Figure("helpers with the file server", "MiB", [one + grown for one in helpers]),
        ],
    )


def _start(running: Node, number: int, pods: int) -> str:
    container = running.call("run", "-d", "-m", MEMORY, "demo", "sleep", "100000").stdout.strip()
    print(f"\rpod {number + 1} of {pods}", end="", file=sys.stderr, flush=True)
    return container


def _by_role(running: Node, containers: list[str]) -> dict[str, list[float]]:
    memory = defaultdict(list)
    for container in containers:
        for process in running.json("overhead", container)["processes"]:
            memory[process["role"]].append(process["pss_bytes"] / (1024 * 1024))
    return memory


if __name__ == "__main__":
    sys.exit(main())
