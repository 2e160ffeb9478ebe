# SPDX-License-Identifier: Apache-2.0
"""Boots the machine that hako boots, with nothing of hako around it: what hako's own part of a start is measured against."""

import contextlib
import fcntl
import os
import re
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

LIMIT = 60.0
# native/link, version 1: a header of 8 bytes (stream 0, type 1, length 20), then magic, version and nonce. The guest echoes it.
HELLO = struct.pack(">IB3s", 0, 1, (20).to_bytes(3, "big")) + b"hakolink" + struct.pack(">IQ", 1, 0x62656E6368)
DESCRIPTOR = re.compile(r"(/proc/self/fd/|\bfd=)(\d+)")
TUN = "/dev/net/tun"
# linux/if_tun.h: TUNSETIFF, and IFF_TAP | IFF_NO_PI | IFF_VNET_HDR.
TUNSETIFF = 0x400454CA
TAP_FLAGS = 0x0002 | 0x1000 | 0x4000
# For the monitor alone: the bare machine runs at once and nobody asks it anything.
LEFT_OUT = ("-S",)
LEFT_OUT_WITH_VALUE = {"-mon": "", "-chardev": "id=qmp,", "-name": ""}


class Machine:
    """A sandbox's VMM and virtiofsd as their command lines say, read from the running processes."""

    def __init__(self, vmm: int, virtiofsd: int):
        self._vmm = _without_monitor(_command(vmm))
        self._virtiofsd = _command(virtiofsd)
        self._cgroup = _beside_hakos_cpu_cgroup(vmm)
        self._was = {number: os.readlink(f"/proc/{vmm}/fd/{number}") for number in _descriptors(self._vmm)}

    def seconds_to_hello(self) -> float:
        """How long QEMU took from its start until the agent in the guest answered. Everything is ended again."""
        with contextlib.ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hako-bare-")))
            self._cgroup.mkdir()
            stack.callback(self._cgroup.rmdir)
            served = self._start_virtiofsd(stack, scratch)
            control, passed = self._pass(stack, served)
            control.settimeout(LIMIT)
            control.sendall(HELLO)
            begin = time.monotonic()
            self._start(stack, _with(self._vmm, passed), list(passed.values()))
            answer = _receive(control, len(HELLO))
            took = time.monotonic() - begin
        if answer != HELLO:
            raise SystemExit(f"The agent answered HELLO with {answer.hex() or 'nothing'}.")
        return took

    def _start_virtiofsd(self, stack: contextlib.ExitStack, scratch: Path) -> Path:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(scratch / "fs.sock"))
        listener.listen()
        (scratch / "share").mkdir()
        command = [re.sub(r"source=[^,]*", f"source={scratch}/share", word) for word in self._virtiofsd]
        (number,) = _descriptors(command)
        self._start(stack, _with(command, {number: listener.fileno()}), [listener.fileno()])
        return scratch / "fs.sock"

    def _pass(self, stack: contextlib.ExitStack, served: Path) -> tuple[socket.socket, dict[int, int]]:
        """The control port's near end, and for each descriptor of the command line one of the same kind."""
        passed, near = {}, {}
        for number, was in self._was.items():
            option = next(word for word in self._vmm if number in _descriptors([word]))
            if was.startswith("/memfd:"):
                passed[number] = os.memfd_create("memory")
                stack.callback(os.close, passed[number])
                os.ftruncate(passed[number], int(re.search(r"size=(\d+)", option)[1]))
            elif was.startswith("socket:"):
                port = re.search(r"id=([^,]+)", option)[1]
                near[port], far = self._socket(served) if port.startswith("dev-") else socket.socketpair()
                stack.enter_context(near[port])
                passed[number] = stack.enter_context(far).fileno()
            else:
                passed[number] = _tap() if was == TUN else os.open(was, os.O_RDONLY)
                stack.callback(os.close, passed[number])
        return near["hako.control"], passed

    def _start(self, stack: contextlib.ExitStack, command: list[str], descriptors: list[int]) -> None:
        process = subprocess.Popen(
            command,
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: (self._cgroup / "cgroup.procs").write_text("0"),
        )
        stack.callback(process.wait)
        stack.callback(process.kill)

    @staticmethod
    def _socket(served: Path) -> tuple[socket.socket, socket.socket]:
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(str(served))
        return connected, connected


def _tap() -> int:
    """A tap that nothing is joined to; it goes with its last descriptor."""
    tap = os.open(TUN, os.O_RDWR)
    # An ifreq (netdevice(7)); the kernel puts a number in place of %d.
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"hako-bare%d", TAP_FLAGS))
    return tap


def _beside_hakos_cpu_cgroup(process: int) -> Path:
    """A group to be made, with the share of the processors that hako's has: whatever else the machine does slows both alike.

    Not in hako's own, which goes with its last pod.
    """
    groups = dict(line.split(":", 2)[1:] for line in Path(f"/proc/{process}/cgroup").read_text().splitlines())
    root = Path("/sys/fs/cgroup/cpu" if "cpu" in groups else "/sys/fs/cgroup")
    own = root / groups.get("cpu", groups.get("", "/")).lstrip("/")
    return own.parent.with_name(f"{own.parent.name}-bare-{os.getpid()}")


def _receive(control: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count and (more := control.recv(count - len(received))):
        received += more
    return received


def _command(process: int) -> list[str]:
    return Path(f"/proc/{process}/cmdline").read_text().rstrip("\0").split("\0")


def _without_monitor(command: list[str]) -> list[str]:
    kept, words = [], iter(command)
    for word in words:
        if word in LEFT_OUT:
            continue
        if word not in LEFT_OUT_WITH_VALUE:
            kept.append(word)
            continue
        value = next(words)
        if LEFT_OUT_WITH_VALUE[word] not in value:
            kept += [word, value]
    return kept


def _descriptors(command: list[str]) -> list[int]:
    return [int(match[2]) for word in command for match in DESCRIPTOR.finditer(word)]


def _with(command: list[str], passed: dict[int, int]) -> list[str]:
    return [DESCRIPTOR.sub(lambda match: f"{match[1]}{passed[int(match[2])]}", word) for word in command]
