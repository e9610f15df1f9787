"""The list while one process decides: locked, and on the disk after each decision."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from retrainer.errors import OutputError
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.columns import cells_of, heading_of
from retrainer.photos.clean_list.file import lines_of, read_clean_list
from retrainer.system.files import has_content, output_error, write_together
from retrainer.system.portable import lock, opened
from retrainer.text import shown

Change = Callable[[CleanList], CleanList]
_State = tuple[int, int, int]
_UNKNOWN = (0, 0, 0)
_TRIES = 20


class _SavedError(Exception):
    """Another program saved the list while it was being changed."""


class ListFile:
    """A list that one process reads and changes; begins with `with`. All threads of the process may use it.

    Another program, such as a spreadsheet, may save the file meanwhile: it is read again before it is used.

    Attributes:
        path: Where it is; it need not exist yet.
        version: Grows by one with each change, also with those of other programs.

    Raises:
        OptionError: it is a folder, or cannot be read.
        DatasetError: it is another file, or a row is wrong.
        OutputError: another process uses it, or it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.version = 0
        self._thread = threading.RLock()
        self._list, self._state = CleanList(path=self.path), _state_of(self.path)
        self._lines: list[bytes] = []
        self._lock_path = f"{os.path.realpath(self.path)}.lock"
        self._descriptor = -1

    def __enter__(self) -> "ListFile":
        self._descriptor = _taken(self._lock_path, self.path)
        try:
            self._read()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._release()

    @property
    def current(self) -> CleanList:
        """The list as it is on the disk; empty if there is none.

        Raises:
            RetrainerError: another program left a file that cannot be read.
        """
        with self._thread:
            state = _state_of(self.path)
            if state not in (self._state, None):
                self._read()
            return self._list

    def update(self, change: Change) -> CleanList:
        """Changes the list, and returns it when it is on the disk.

        Args:
            change: Is given the current list and returns another, such as `lambda known: known.decided(…)`. It is
                called again if another program saves the file meanwhile.

        Raises:
            OutputError: it cannot be written, or another program saves it all the time; it stays as it was.
            RetrainerError: another program left a file that cannot be read; that stays.
        """
        with self._thread:
            for _ in range(_TRIES):
                with contextlib.suppress(_SavedError):
                    return self._changed(change)
        raise OutputError(
            f"'{shown(self.path)}' is saved by another program all the time.", "End that program.", path=self.path
        )

    def _changed(self, change: Change) -> CleanList:
        """Changes the list once; raises _SavedError if another program saved it meanwhile."""
        before = self.current
        after = change(before)
        lines = self._lines_of(before, after)
        content = b"".join([*lines_of([heading_of(after.extra_columns)]), *lines])

        def require_same() -> None:
            if _state_of(self.path) not in (self._state, None) and not has_content(Path(self.path), content):
                raise _SavedError

        write_together({self.path: content}, require_same)
        self._list, self._lines, self._state = after, lines, _state_of(self.path)
        if not has_content(Path(self.path), content):  # saved by another program since: it is read again
            self._state = _UNKNOWN
        self.version += 1
        return after

    def _read(self) -> None:
        state = _state_of(self.path)
        self._list = read_clean_list(self.path) if state else CleanList(path=self.path)
        self._lines, self._state = lines_of(map(cells_of, self._list)), state
        _ = self._list.photos  # the first decision would wait for it
        self.version += 1

    def _lines_of(self, before: CleanList, after: CleanList) -> list[bytes]:
        """The lines of all rows; those of rows that stay in their places are kept, since most do."""
        known = zip(before.rows, self._lines, strict=True)
        lines = [line if row is old else b"" for row, (old, line) in zip(after.rows, known, strict=False)]
        lines += [b""] * (len(after.rows) - len(lines))
        new = [number for number, line in enumerate(lines) if not line]
        for number, line in zip(new, lines_of(cells_of(after.rows[number]) for number in new), strict=True):
            lines[number] = line
        return lines

    def _release(self) -> None:
        with contextlib.suppress(OSError):  # Windows removes no open file
            os.unlink(self._lock_path)
        os.close(self._descriptor)


def _state_of(path: str) -> _State | None:
    """What changes when a program saves a file; None if there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _taken(lock_path: str, path: str) -> int:
    """Locks a list by a file beside it, since the list itself is replaced.

    Raises:
        OutputError: another process holds it, or the file cannot be made.
    """
    try:
        Path(lock_path).parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = opened(lock_path, os.O_RDWR | os.O_CREAT)
            try:
                _lock(descriptor)
                if os.path.samestat(os.fstat(descriptor), os.stat(lock_path)):
                    return descriptor
            except FileNotFoundError:  # the process that held it ended meanwhile, and removed it
                pass
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    except BlockingIOError as error:
        raise OutputError(
            f"'{shown(path)}' is in use by another process, such as `retrainer clean --interactive`.",
            "Wait until it is done, or end it.",
            path=path,
        ) from error
    except OSError as error:
        raise output_error(Path(path), error) from error


def _lock(descriptor: int) -> None:
    """Raises BlockingIOError if another process holds the lock; a disk without locks gives none."""
    try:
        lock(descriptor, wait=False)
    except BlockingIOError:
        raise
    except OSError:
        pass
