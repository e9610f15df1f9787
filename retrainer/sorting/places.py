"""Free places for photos: a name that is taken gets a number."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count

from retrainer.sorting.names import numbered
from retrainer.sorting.placing import has_bytes

_NO_FILE = -1


@dataclass
class _Taken:
    """The numbers of a name that are taken, by the sizes of the files; the following one may be free."""

    following: int = 1
    numbers: dict[int, list[int]] = field(default_factory=dict)


class Places:
    """Finds places below a folder.

    Args:
        root: The folder.
        planning: Whether a place counts as taken when it was found, since no file comes there.
    """

    def __init__(self, root: str, *, planning: bool) -> None:
        self._root, self._planning = root, planning
        self._planned: dict[str, tuple[str, int]] = {}
        self._taken: dict[str, _Taken] = {}

    def free(self, folder: str, name: str, sha256: str, size: int) -> Iterator[str]:
        """Yields free places until the caller has one; ends if the same bytes are at a place.

        Args:
            folder: Directly below the root.
            name: The name that a file should have there.
            sha256: The hash of its bytes.
            size: Their number.
        """
        first = f"{folder}/{name}"
        taken = self._taken.get(first)
        # Thousands of photos may have one name. Only files of the same size may have the same bytes.
        known = [*taken.numbers.get(size, ())] if taken else []
        for number in chain(known, count(taken.following if taken else 1)):
            place = f"{folder}/{numbered(name, number)}"
            there = self._size_at(place)
            if there is None:
                if self._planning:
                    self._planned[place] = sha256, size
                yield place
            elif there == size and self._is_at(place, sha256):
                return
            taken = self._taken.setdefault(first, _Taken())
            if number >= taken.following:
                taken.following = number + 1
                taken.numbers.setdefault(size if there is None else there, []).append(number)

    def _size_at(self, place: str) -> int | None:
        """The size of the file at a place; None if the place is free."""
        if place in self._planned:
            return self._planned[place][1]
        path = os.path.join(self._root, place)
        try:
            status = os.stat(path)
        except OSError:
            return _NO_FILE if os.path.lexists(path) else None
        return status.st_size if stat.S_ISREG(status.st_mode) else _NO_FILE

    def _is_at(self, place: str, sha256: str) -> bool:
        if place in self._planned:
            return self._planned[place][0] == sha256
        return has_bytes(os.path.join(self._root, place), sha256)
