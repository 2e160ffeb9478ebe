#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a sandbox costs while it idles: a container and a second process in it, five seconds after 10 MiB went through stdout.

`--runs N` (3) starts one sandbox after another."""

import subprocess
import sys
import time

from lib.figures import Figure, report
from lib.node import Node, repeated

KIB = 1024
MIB = 1024 * KIB
PASSED = 10 * MIB
SETTLING_SECONDS = 5
AGENT_PROMISE_KIB = 256
SHIM_PROMISE_KIB = 100_000 / KIB


def main() -> int:
    samples = repeated("footprint.py", __doc__, measure)
    limits = {
        ("agent, anonymous", "KiB"): {"promise": AGENT_PROMISE_KIB},
        ("shim, anonymous", "KiB"): {"promise": SHIM_PROMISE_KIB},
    }
    figures = [Figure(*name, values, **limits.get(name, {})) for name, values in samples.items()]
    return report("A sandbox of 256 MiB that idles", figures)


def measure(running: Node) -> dict[tuple[str, str], float]:
    container = running.call("run", "-d", "demo", "sleep", "1000").stdout.strip()
    idle = subprocess.Popen([running.hako, "exec", container, "sleep", "1000"], env=running.environment)
    try:
        command = [running.hako, "exec", container, "head", "-c", str(PASSED), "/dev/zero"]
        passed = len(subprocess.run(command, env=running.environment, stdout=subprocess.PIPE, check=True).stdout)
        if passed != PASSED:
            raise SystemExit(f"{passed} bytes of {PASSED} came through.")
        time.sleep(SETTLING_SECONDS)
        return figures_of(running.json("overhead", container))
    finally:
        running.call("rm", "-f", container)
        idle.wait()


def figures_of(overhead: dict) -> dict[tuple[str, str], float]:
    figures = {
        ("processes on the host", ""): len(overhead["processes"]),
        ("agent, anonymous", "KiB"): overhead["agent_anonymous_bytes"] / KIB,
        ("guest memory, total", "MiB"): overhead["guest_memory_total_bytes"] / MIB,
        ("guest memory, available", "MiB"): overhead["guest_memory_available_bytes"] / MIB,
    }
    for process in overhead["processes"]:
        figures[(f"{process['role']}, PSS", "MiB")] = process["pss_bytes"] / MIB
        figures[(f"{process['role']}, anonymous", "KiB")] = process["anonymous_bytes"] / KIB
    return figures


if __name__ == "__main__":
    sys.exit(main())
