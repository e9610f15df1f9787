"""Decisions that `clean --apply` carried out, as the record in the folder beside that of the photos tells."""

import csv
import os
from collections import defaultdict
from dataclasses import dataclass, field

from retrainer.answers.texts import original
from retrainer.options.sorting import LIST
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action
from retrainer.photos.clean_list.rows import UNDECIDED, Photo
from retrainer.system.files import open_regular

ENDING = ".set_aside"
_COLUMNS, _MOVE = 6, "move"


@dataclass(frozen=True)
class CarriedOut:
    """Photos that were moved out of the folder of photos.

    Attributes:
        folder: The folder that they lie in, as typed if possible.
        root: The real path of the folder of photos.
        places: SHA-256 -> the places that photos with these bytes were moved from and are no longer at.
    """

    folder: str = ""
    root: str = ""
    places: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, image_dir: str) -> "CarriedOut":
        """Returns what was moved out of a folder; nothing if there is no record, or none that can be read."""
        if not isinstance(image_dir, str) or not os.path.isdir(image_dir):
            return cls()
        root = os.path.realpath(image_dir)
        try:
            with open_regular(os.path.join(root + ENDING, LIST)) as file:
                lines = file.read().splitlines()
        except OSError:
            return cls()
        places: dict[str, set[str]] = defaultdict(set)
        for line in lines:
            source, sha256 = _moved(line)
            if source and not os.path.lexists(source):
                places[sha256].add(source)
        typed = os.path.normpath(image_dir) + ENDING
        return cls(typed if os.path.realpath(typed) == root + ENDING else root + ENDING, root, dict(places))

    def photos_of(self, clean_list: CleanList) -> list[Photo]:
        """Returns the photos that a list sets aside and that were moved, by the bytes and the place that it names."""
        return [
            photo
            for photo, numbers in (clean_list.photos if self.places else {}).items()
            if photo[1] and self._holds(*photo[:2]) and clean_list.decision_in(numbers).action == Action.SET_ASIDE
        ]

    def left_of(self, clean_list: CleanList) -> CleanList:
        """Returns a list without its decisions about photos that were moved: a copy of one is another photo."""
        numbers = [number for photo in self.photos_of(clean_list) for number in clean_list.photos[photo]]
        return clean_list.decided_rows(numbers, UNDECIDED) if numbers else clean_list

    def _holds(self, sha256: str, path: str) -> bool:
        return any(self._is_at(path, source) for source in self.places.get(sha256, ()))

    def _is_at(self, path: str, source: str) -> bool:
        """Whether a path of a list names a place; the folder of photos may be typed in another way."""
        if "\0" in path:
            return False
        below = source.removeprefix(os.path.join(self.root, ""))
        if path in (source, below) or path.endswith(os.sep + below):
            return True
        folder, name = os.path.split(path)
        return os.path.join(os.path.realpath(folder or os.curdir), name) == source


def _moved(line: bytes) -> tuple[str, str]:
    """The place that a photo was moved from and its hash, of a line of the record; empty if it says something else."""
    try:
        cells = [original(cell) for cell in next(csv.reader([line.decode()], strict=True), [])]
        if len(cells) == _COLUMNS and cells[4] == _MOVE and os.path.isabs(cells[0]) and "\0" not in cells[0]:
            os.fsencode(cells[0])
            return cells[0], cells[5]
    except (ValueError, csv.Error):
        pass
    return "", ""
