"""Paths as users write them, and files that are either whole or absent."""

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from retrainer.errors import OptionError, OutputError
from retrainer.system.unfinished import unfinished_file, unfinished_folder
from retrainer.text import pasted
from retrainer.text import shown as shown  # noqa: PLC0414, most who name a path in a message write one, too

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def expanded(path: str) -> str:
    """The path with a leading `~` replaced by the home folder, otherwise as it was typed."""
    return os.path.expanduser(path)


def nearest_existing(path: str) -> str:
    """The longest existing beginning of a path: the folder to look in for a misspelt name."""
    current = os.path.abspath(path)
    while not os.path.isdir(current):
        current = os.path.dirname(current)
    return current


def require_folder(path: str, flag: str, purpose: str) -> None:
    """Raises OptionError unless `path` is a folder that can be listed.

    Args:
        path: The folder, as given.
        flag: The option that named it, for the message.
        purpose: What the folder should hold, for the message.
    """
    if not path:
        raise OptionError(f"{flag} is missing: expected {purpose}.", f"Give it as {flag} FOLDER.")
    if os.path.isdir(path):
        if not os.access(path, os.R_OK | os.X_OK):
            raise OptionError(f"{flag}: folder '{shown(path)}' may not be read: permission denied.")
        return
    if os.path.exists(path):
        raise OptionError(
            f"{flag}: expected {purpose}, received the file '{shown(path)}'.",
            f"Name the folder instead, perhaps {flag} {pasted(os.path.dirname(path) or '.')}",
        )
    raise _absent(path, flag, purpose, folders_only=True)


def require_file(path: str, flag: str, purpose: str) -> None:
    """Raises OptionError unless `path` is a file that can be read."""
    if not path:
        raise OptionError(f"{flag} is missing: expected {purpose}.", f"Give it as {flag} FILE.")
    if not os.path.exists(path):
        raise _absent(path, flag, purpose, folders_only=False)
    if not os.path.isfile(path):
        kind = "folder" if os.path.isdir(path) else "pipe, socket or device"
        raise OptionError(f"{flag}: expected {purpose}, received the {kind} '{shown(path)}'.")
    if not os.access(path, os.R_OK):
        raise OptionError(f"{flag}: '{shown(path)}' may not be read: permission denied.")


def _absent(path: str, flag: str, purpose: str, *, folders_only: bool) -> OptionError:
    if os.path.islink(path):
        problem = f"'{shown(path)}' is a link that leads nowhere or in a circle"
    else:
        problem = f"'{shown(path)}' does not exist"
    return OptionError(f"{flag}: {problem}; expected {purpose}.", _nearest_hint(path, folders_only=folders_only))


def _nearest_hint(path: str, *, folders_only: bool) -> str:
    from difflib import get_close_matches

    try:
        parent = nearest_existing(path)
        missing = os.path.relpath(os.path.abspath(path), parent).split(os.sep)[0]
        entries = [e.name for e in os.scandir(parent) if os.path.isdir(e.path) or not folders_only]
        entries = [name for name in entries if name != missing]  # a link that leads nowhere
    except OSError:  # the folder may not be listed, or the working folder is gone
        return ""
    close = get_close_matches(missing, entries, n=1, cutoff=0.75)
    if close:
        return f"Did you mean '{shown(os.path.join(parent, close[0]))}'?"
    return f"The nearest existing folder is '{shown(parent)}'."


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a file for writing that appears under its name only when it is complete and on the disk.

    The bytes go to a temporary name in the same folder, are synced and renamed, and the folder is synced. Whatever
    goes wrong, the temporary file is removed and an older file of that name stays as it was.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    target = _target_of(path)
    with _clear_errors(target):
        with _unfinished(target) as (handle, temporary):
            yield handle
            _sync(handle)
            os.replace(temporary, target)
        _sync_folder(target.parent)


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with unfinished_file(target) as opened:
        yield opened


def _sync(handle: BinaryIO) -> None:
    handle.flush()
    os.fsync(handle.fileno())


@contextlib.contextmanager
def _clear_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(target, error) from error


def require_writable_folder(folder: str | os.PathLike[str]) -> None:
    """Raises OutputError unless files can be written in this folder; it is made where it is absent."""
    try:
        require_writable(Path(folder) / "file")
    except OutputError as error:
        cause = error.__cause__
        raise (output_error(Path(folder), cause) if isinstance(cause, OSError) else error) from cause


def _target_of(path: str | os.PathLike[str]) -> Path:
    """The file that a path leads to; a folder or a device is none."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "a device or a pipe"
        raise OutputError(f"Cannot write '{shown(path)}': expected a file's name, received {kind}.")
    return target


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes one file by `whole_file`."""
    write_together({path: content})


def write_together(
    contents: Mapping[str | os.PathLike[str], bytes], replacing: Callable[[], None] = lambda: None
) -> None:
    """Writes files that belong together as `whole_file` does: none appears before all of them are on the disk.

    They appear one after the other, the first of them last.

    Args:
        contents: Path -> the bytes.
        replacing: Called when all are on the disk and none has appeared.
    """
    with contextlib.ExitStack() as files:
        unfinished = {}
        for path, content in contents.items():
            target = _target_of(path)
            with _clear_errors(target):
                handle, unfinished[target] = files.enter_context(_unfinished(target))
                handle.write(content)
                _sync(handle)
        replacing()
        for target, temporary in reversed(unfinished.items()):
            with _clear_errors(target):
                os.replace(temporary, target)
                _sync_folder(target.parent)


def keep_as(path: str | os.PathLike[str], kept: str | os.PathLike[str]) -> None:
    """Gives a file a second name, in place of what has that name: at once, or a copy on disks without links.

    Raises:
        OutputError: it cannot be written.
    """
    source, target = os.path.realpath(path), _target_of(kept)
    with _clear_errors(target):
        with unfinished_folder(target) as folder:
            try:
                os.link(source, folder / target.name)
            except OSError:
                with open(source, "rb") as content, open(folder / target.name, "xb") as handle:
                    shutil.copyfileobj(content, handle)
                    _sync(handle)
            os.replace(folder / target.name, target)
        _sync_folder(target.parent)


def require_writable(path: str | os.PathLike[str]) -> None:
    """Raises OutputError unless `whole_file` can write this file, by making its temporary file.

    Long work is not lost to a wrong output path when it is checked before the work.
    """
    target = _target_of(path)
    with _clear_errors(target), _unfinished(target):
        if target.exists():
            os.close(os.open(target, os.O_RDWR))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lets one process at a time make what belongs to a lock file; the others wait for it.

    The lock goes with the process that holds it, however that ends; the file stays.

    Raises:
        OutputError: the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A pipe in its place is not waited for, and locks as well.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise output_error(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a file for reading; what a file is not, such as a pipe, is neither opened nor waited for.

    Raises:
        OSError: it is absent, no file, or may not be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "expected a file, received a folder, pipe or device", os.fspath(path))
    # Whatever takes its place meanwhile is not waited for, either.
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def content_digest(path: Path) -> str:
    """SHA-256 of a file's content, or of the names and contents of all files in a folder; hexadecimal."""
    import hashlib  # takes milliseconds, which a label does without

    if path.is_file():
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    lines = [f"{content_digest(path / file)} {file}\n" for file in files]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def output_error(target: Path, error: OSError) -> OutputError:
    """What went wrong in writing a file or folder, as an OutputError."""
    if isinstance(error, FileExistsError):
        reason = f"'{shown(error.filename)}' is a file; expected a folder"
    else:
        reason = error.strerror or str(error)
    full = error.errno in DISK_FULL
    fix = "Free some space, or name another place." if full else "Name another place."
    return OutputError(f"Cannot write '{shown(target)}': {reason}.", f"{fix} Nothing half-written stays.")
