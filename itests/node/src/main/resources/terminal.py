# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own: terminal.py ROWS COLUMNS COMMAND...

Standard input has one JSON object a line: {"type": TEXT} types, {"resize": [ROWS, COLUMNS]} resizes. What the terminal
shows goes to standard output. Ends with the command's exit code.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def main() -> int:
    rows, columns, *command = sys.argv[1:]
    child, terminal = pty.fork()
    if child == 0:
        # The size is there before the command looks at it.
        resize(0, int(rows), int(columns))
        os.execvp(command[0], command)
    serve(terminal)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def serve(terminal: int) -> None:
    asked = b""
    sources = [terminal, 0]
    while True:
        ready = select.select(sources, [], [])[0]
        if terminal in ready:
            try:
                os.write(1, os.read(terminal, 65536))
            except OSError:  # EIO: the command has ended
                return
        if 0 in ready:
            read = os.read(0, 65536)
            if not read:
                sources.remove(0)
            *lines, asked = (asked + read).split(b"\n")
            for line in lines:
                do(terminal, json.loads(line))


def do(terminal: int, action: dict) -> None:
    if "type" in action:
        os.write(terminal, action["type"].encode())
    else:
        resize(terminal, *action["resize"])


def resize(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


sys.exit(main())
