#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long hakod takes to serve, and what memory it keeps: with its class cache (bin/hakod --train) if there is one.

`--runs N` (7) starts it so often. The time is the one that hakod logs: from its exec until every bundle is active."""

import argparse
import re
import sys
import time

from lib.figures import Figure, report
from lib.node import directories

SETTLING_SECONDS = 3
START_GOAL_MS = 500
START_PROMISE_MS = 2000
RSS_GOAL_MIB = 64
RSS_PROMISE_MIB = 90


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/daemon.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    started, resident, anonymous = [], [], []
    for _ in range(parser.parse_args().runs):
        with directories() as node:
            daemon = node.start()
            try:
                node.await_answer(daemon)
                time.sleep(SETTLING_SECONDS)
                started.append(float(re.search(r"hakod started in (\d+) ms", node.log.read_text())[1]))
                resident.append(_mib(daemon.pid, "Rss"))
                anonymous.append(_mib(daemon.pid, "Anonymous"))
                trained = (node.home / "lib/hakod.aot").exists()
            finally:
                daemon.kill()
                daemon.wait()
    return report(
        f"hakod without a container, {'with' if trained else 'without'} its class cache",
        [
            Figure("start", "ms", started, goal=START_GOAL_MS, promise=START_PROMISE_MS),
            Figure("resident", "MiB", resident, goal=RSS_GOAL_MIB, promise=RSS_PROMISE_MIB),
            Figure("anonymous", "MiB", anonymous),
        ],
    )


def _mib(process: int, field: str) -> float:
    with open(f"/proc/{process}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) / 1024 for line in rollup if line.startswith(f"{field}:"))


if __name__ == "__main__":
    sys.exit(main())
