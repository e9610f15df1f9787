"""Moves files one by one into a folder with sub-folders of classes, and keeps why some cannot be moved."""

import errno
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from retrainer.errors import OutputError, PictureError
from retrainer.photos.files import PhotoFiles
from retrainer.sorting.inside import own_path
from retrainer.sorting.names import folder_names, numbered
from retrainer.sorting.placing import has_bytes, move
from retrainer.sorting.record import MOVE, Placed, Record
from retrainer.system.files import output_error

Before = dict[str, list[Placed]]
"""The path of a photo -> the rows of its earlier moves, the last one first."""


@dataclass
class Mover:
    """Moves photos, each after its row is on the disk.

    Attributes:
        files: The files of photos.
        folder: Where they go.
        record: The list of what went where.
        before: The earlier moves.
        moved: How many were moved.
        left: Why some were not -> their paths.
    """

    files: PhotoFiles
    folder: str
    record: Record
    before: Before
    moved: int = 0
    left: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._folders = folder_names(self.files.classes)
        self._taken = Counter[str]()

    def move(self, row: int, sha256: str) -> None:
        """Moves a file; keeps the reason if it cannot be moved.

        Raises:
            OutputError: the disk is full, or the folder cannot be written.
        """
        path = self.files.paths[row]
        try:
            source = own_path(path)
            if os.path.islink(source):
                raise PictureError("it is a link, whose file lies elsewhere")
            if not sha256 or not has_bytes(source, sha256):
                raise PictureError("it cannot be read" if not sha256 else "it changed meanwhile")
            if not self._finished(source, sha256):
                self._place(source, self._folders[self.files.classes[self.files.class_ids[row]]], sha256)
            self.moved += 1
        except PictureError as error:
            self.left.setdefault(str(error), []).append(path)

    def _finished(self, source: str, sha256: str) -> bool:
        """Ends a move that was killed when the photo had both places; whether there was one."""
        for row in self.before.get(source, ()):
            target = os.path.join(self.folder, *row.target.split("/"))
            is_other = os.path.realpath(target) != os.path.realpath(source)
            if row.sha256 == sha256 and is_other and not os.path.islink(target) and has_bytes(target, sha256):
                try:
                    os.unlink(source)
                except OSError as error:
                    raise _refused(error, source) from error
                return True
        return False

    def _place(self, source: str, folder: str, sha256: str) -> None:
        for target in self._free(folder, os.path.basename(source)):
            path = os.path.join(self.folder, *target.split("/"))
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                self.record.add(Placed(source, target, None, None, MOVE, sha256))
                move(source, path, self.folder, sha256)
            except FileExistsError as error:
                if path not in (error.filename, error.filename2):
                    raise output_error(Path(path), error) from error
            except OSError as error:
                raise _refused(error, source) from error
            else:
                return

    def _free(self, folder: str, name: str) -> Iterator[str]:
        """Yields places that are free now, with other numbers in the name."""
        first = f"{folder}/{name}"
        for number in count(self._taken[first.casefold()] + 1):
            self._taken[first.casefold()] = number
            target = f"{folder}/{numbered(name, number)}"
            if not os.path.lexists(os.path.join(self.folder, target)):
                yield target


def _refused(error: OSError, source: str) -> PictureError | OutputError:
    """The error of one photo that may not be moved, or that of the disk."""
    of_photo = isinstance(error, PermissionError | FileNotFoundError) or error.errno == errno.EROFS
    if of_photo:
        return PictureError(error.strerror or str(error))
    return output_error(Path(error.filename2 or error.filename or source), error)
