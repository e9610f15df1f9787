"""Takes back a sorting by its list: what has changed since, or would be overwritten, stays."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from retrainer.errors import PictureError
from retrainer.options.sorting import LIST
from retrainer.photos.reading import read_file
from retrainer.sorting.placing import has_bytes, move
from retrainer.sorting.record import COPY, LINK, MOVE, Placed, Record
from retrainer.system.files import DISK_FULL, output_error
from retrainer.text import shown


@dataclass
class Undone:
    """What was taken back.

    Attributes:
        counts: How many photos were taken back, for each way in which they had been placed.
        left: How many stay where they are.
        bad_lines: How many lines of the list are no whole rows.
    """

    counts: Counter[str] = field(default_factory=Counter)
    left: int = 0
    bad_lines: int = 0


def undo(path: str, tell: Callable[[str], None]) -> Undone:
    """Takes back all that a list names, the last first, and removes the list, or the rows of what was taken back.

    Args:
        path: The list, or its folder.
        tell: Called with a line for each photo that stays.

    Raises:
        OptionError: there is no such list.
        OutputError: it is in use, it cannot be written, or a disk is full.
    """
    path = os.path.join(path, LIST) if os.path.isdir(path) else path
    root, done, kept, folders = os.path.realpath(os.path.dirname(path) or os.curdir), Undone(), set(), set()
    with Record(path, new=False) as record:
        for number, row in record.backwards():
            if row is None:
                done.bad_lines += 1
                kept.add(number)
                continue
            target = os.path.join(root, *row.target.split("/"))
            folders.add(os.path.dirname(target))
            try:
                done.counts[row.how] += _took_back(row, target)
            except PictureError as error:
                done.left += 1
                kept.add(number)
                tell(f"'{shown(target)}' stays: {error}.")
        record.keep(kept)
    for folder in (*folders, root):
        _remove_if_empty(folder)
    return done


def _took_back(row: Placed, target: str) -> bool:
    """Takes back one photo; returns False if there is nothing to do.

    Raises:
        PictureError: it stays, for a reason.
        OutputError: the disk is full.
    """
    try:
        if row.how == MOVE:
            return _moved_back(row, target)
        if not os.path.lexists(target):
            return False
        if row.how == LINK:
            if not os.path.islink(target) or os.readlink(target) != row.source:
                raise PictureError("it is no longer the link that was made")
        else:
            _require_unchanged(row, target)
            if row.how == COPY and not _is_elsewhere(row, target):
                raise PictureError(f"the photo that it was copied from, '{shown(row.source)}', is gone or has changed")
        os.unlink(target)
        return True
    except OSError as error:
        if error.errno in DISK_FULL:
            raise output_error(Path(target), error) from error
        # The others may go back, for example to disks that are there.
        place = error.filename2 or error.filename or target
        raise PictureError(f"'{shown(place)}': {error.strerror or error}") from error


def _moved_back(row: Placed, target: str) -> bool:
    if os.path.lexists(row.source):
        if not os.path.lexists(target):
            return False
        # A process that was killed between the two steps of a move leaves both.
        if not (has_bytes(target, row.sha256) and _is_elsewhere(row, target)):
            raise PictureError(f"another file is at '{shown(row.source)}'")
        os.unlink(target)
        return True
    if not os.path.lexists(target):
        raise PictureError("it is gone")
    _require_unchanged(row, target)
    home = os.path.dirname(row.source)
    os.makedirs(home, exist_ok=True)
    move(target, row.source, home, row.sha256)
    return True


def _require_unchanged(row: Placed, target: str) -> None:
    if os.path.islink(target) or not has_bytes(target, row.sha256):
        raise PictureError("it has changed")


def _is_elsewhere(row: Placed, target: str) -> bool:
    """Whether the photo is at its old place, too, which must not lead to the new one."""
    if os.path.realpath(row.source) == os.path.realpath(target):
        return False
    try:
        return hashlib.sha256(read_file(row.source)).hexdigest() == row.sha256
    except PictureError:
        return has_bytes(row.source, row.sha256)


def _remove_if_empty(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        return
