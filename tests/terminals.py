"""Runs Python in a terminal of a given width, so that tests see what a user sees."""

import os
import pty
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

ROOT = Path(__file__).resolve().parents[1]
# Variables that say what a terminal shows.
_OF_TERMINALS = ("CI", "COLUMNS", "LINES", "NO_COLOR", "TERM")


def in_terminal(
    arguments: Sequence[str | Path], columns: int, folder: Path, variables: Mapping[str, str] | None = None
) -> str:
    """Runs `python ARGUMENTS` with a terminal for all its streams; returns all that it prints."""
    inner, outer = pty.openpty()
    ioctl(outer, TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in _OF_TERMINALS}
    environment |= {"TERM": "xterm", "PYTHONPATH": str(ROOT), **(variables or {})}
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdin=outer,
        stdout=outer,
        stderr=outer,
        cwd=folder,
        env=environment,
    )
    os.close(outer)
    printed = b""
    while chunk := _read(inner):
        printed += chunk
    os.close(inner)
    process.wait(timeout=60)
    return printed.decode("utf-8").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the process has ended
        return b""
