# SPDX-License-Identifier: Apache-2.0
"""What a process has cost so far, as the kernel counts it."""

import os
import re
import time
from pathlib import Path


def cpu_ms(process: int) -> float:
    """CPU time of a process, of its ended threads too: the clock of clock_getcpuclockid(3), exact to the nanosecond."""
    return time.clock_gettime(~process << 3 | 2) * 1000


def waited_for_ms(process: int) -> float:
    """CPU time of the children that a process has waited for: fields 16 and 17 of /proc/PID/stat (proc(5)), in steps of a tick."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * 1000 / os.sysconf("SC_CLK_TCK")


def pss_mib(process: int) -> float:
    """Its own memory, and its part of what it shares."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) / 1024


def parent(process: int) -> int:
    return int(re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)[1])
