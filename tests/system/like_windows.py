"""Runs the command line with what Windows lacks taken away, as far as Linux can show it.

    python -m like_windows FOLDER ARGUMENTS...

For modules of retrainer POSIX modules, functions and constants are absent and `sys.platform` is win32. Below FOLDER
names must be those that Windows allows, folders cannot be opened, and open files can neither be renamed nor removed.
Text must name its encoding. Only a Windows machine shows the rest.
"""

import builtins
import fcntl
import importlib
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = re.compile(r"fcntl|grp|posix|pty|pwd|resource|syslog|termios|tty")
# Of these modules retrainer sees what Windows has; the flags of open() that it has are listed.
LACKING = {
    "os": re.compile(
        r"O_(?!RDONLY|WRONLY|RDWR|APPEND|CREAT|EXCL|TRUNC|BINARY).*|EX_(?!OK).*|WNOHANG|RTLD_.*|SCHED_.*"
        r"|(get|set)(e|re|res|s|p)?([ug]id|pgrp|groups)|setsid|fork.*|register_at_fork|mkfifo|mknod|l?chown|fch.*|chroot"
        r"|posix_.*|sched_.*|pidfd_.*|killpg|nice|pread.*|pwrite.*|readv|writev|sendfile|wait(|3|4|id)|uname|f?statvfs|sync"
        r"|fdatasync|lockf|getloadavg|sysconf.*|confstr.*|openpty|ctermid|.*xattr|tc.*|set_blocking|memfd_create"
    ),
    "signal": re.compile(
        r"SIG(?!ABRT|FPE|ILL|INT|SEGV|TERM|_DFL|_IGN).*|pthread_.*|[gs]etitimer|ITIMER_.*|alarm|pause|sig(wait.*|pending|interrupt|timedwait)"
    ),
    "select": re.compile(r"poll|epoll|POLL.*|EPOLL.*|kqueue"),
    "socket": re.compile(r"AF_UNIX|socketpair"),
    "time": re.compile(r"tzset|clock_.*|pthread_.*"),
}
FORBIDDEN = re.compile(r'.*[<>:"|?*\x00-\x1f].*|.*[. ]', re.DOTALL)


class Seen(ModuleType):
    """A module as retrainer sees it."""

    def __init__(self, real: ModuleType, lacking: "re.Pattern[str]", **other: Any) -> None:
        self.__dict__.update(_real=real, _lacking=lacking, _other=other)

    def __getattr__(self, name: str) -> Any:
        if self._lacking.fullmatch(name):
            raise AttributeError(name)
        return self._other[name] if name in self._other else getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)


def hide() -> None:
    """Hides modules and attributes from modules of retrainer."""
    seen = {name: Seen(importlib.import_module(name), lacking) for name, lacking in LACKING.items()}
    seen["sys"] = Seen(sys, re.compile("getdlopenflags"), platform="win32")
    real = builtins.__import__

    def imported(name: str, names: Any = None, *others: Any, **more: Any) -> Any:
        if ((names or {}).get("__name__") or "").split(".")[0] == "retrainer":
            if MODULES.fullmatch(name):
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)
            if name in seen:
                return seen[name]
        return real(name, names, *others, **more)

    builtins.__import__ = imported  # type: ignore[assignment]


def restrict(folder: str) -> None:
    """Restricts what can be done with files below a folder."""
    rules: dict[str, Callable[..., object]] = {
        "open": lambda path, *_: refuse(path, names=True, folder=True),
        "os.mkdir": lambda path, *_: refuse(path, names=True),
        "os.rename": lambda *paths: any(refuse(path, names=True, opened=True) for path in paths[:2]),
        "os.remove": lambda path, *_: refuse(path, opened=True),
        "os.rmdir": lambda path, *_: refuse(path, opened=True),
    }

    def refuse(path: Any, *, names: bool = False, folder: bool = False, opened: bool = False) -> bool:
        if isinstance(path, int) or not os.path.abspath(path).startswith(beginning):
            return False
        name = os.path.abspath(os.fsdecode(path))
        if names and FORBIDDEN.fullmatch(os.path.basename(name)):
            raise OSError(22, "Invalid argument", name)
        if folder and os.path.isdir(name):
            raise PermissionError(13, "Permission denied", name)
        if opened and name in opened_files():
            raise PermissionError(13, "The process cannot access the file because it is being used", name)
        return False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in rules:
            rules[event](*arguments)

    beginning = os.path.abspath(folder) + os.sep
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    sys.addaudithook(hook)
    os.fsync = synced  # type: ignore[assignment]


def opened_files() -> set[str]:
    """The files that this process has open, or maps."""
    lines = Path("/proc/self/maps").read_text("utf-8").splitlines()
    links = {path for line in lines for path in line.split(maxsplit=5)[5:]}
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            links.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:
            continue
    return links


def synced(descriptor: int, real: Callable[[int], None] = os.fsync) -> None:
    """As `os.fsync`, for files that are open for writing only."""
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(9, "Bad file descriptor")
    real(descriptor)


if __name__ == "__main__":
    restrict(sys.argv[1])
    hide()
    warnings.filterwarnings("error", category=EncodingWarning, module="retrainer")
    sys.argv[1:] = sys.argv[2:]
    from retrainer.cli.main import main

    main()
