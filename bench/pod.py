#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a pod costs its node beyond what its containers have: podFixed of a RuntimeClass.

A container of 128 MiB holds most of it. Counted is what the host cannot take back: the anonymous memory of the sandbox's processes and
all of the guest's, less what its containers may have. Clean pages of QEMU and of the guest's kernel are not: pods share them, and
they are read again at need. Then the container idles, and the CPU time of those processes is counted.

`--runs N` (3) starts one sandbox after another."""

import json
import sys
import time

from lib.figures import Figure, report
from lib.node import Node, await_condition, repeated

MIB = 1024 * 1024
LIMIT_MIB = 128
HELD_MIB = 110
IDLE_SECONDS = 10
# dd has read a block whole before it writes, and who should take it does not read.
HOLD = f"dd if=/dev/zero bs={HELD_MIB}M count=1 | sleep 1000"


def main() -> int:
    samples = repeated("pod.py", __doc__, measure)
    return report("A pod beyond its containers", [Figure(*name, values) for name, values in samples.items()])


def measure(running: Node) -> dict[tuple[str, str], float]:
    container = running.call("run", "-d", "-m", f"{LIMIT_MIB}M", "demo", "sh", "-c", HOLD).stdout.strip()
    try:
        await_condition("the container to hold its memory", lambda: held(running, container) >= HELD_MIB * MIB, pause=0.5)
        machine = json.loads(running.call("inspect", container).stdout)["sandbox"]["machine"]
        guest = machine["memory_bytes"] - machine["container_memory_bytes"]
        anonymous = sum(one["anonymous_bytes"] for one in running.json("overhead", container)["processes"])
        begin = cpu_ms(running, container)
        time.sleep(IDLE_SECONDS)
        idle = cpu_ms(running, container) - begin
        return {
            ("memory beyond the containers'", "MiB"): (guest + anonymous) / MIB,
            ("CPU of its processes while it idles", "m"): idle / IDLE_SECONDS,
        }
    finally:
        running.call("rm", "-f", container)


def held(running: Node, container: str) -> int:
    return int(running.call("exec", container, "cat", "/sys/fs/cgroup/memory.current").stdout)


def cpu_ms(running: Node, container: str) -> int:
    return sum(one["cpu_ms"] for one in running.json("overhead", container)["processes"])


if __name__ == "__main__":
    sys.exit(main())
