"""The parts of a split, and the names that data sets give them."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt


class Part(IntEnum):
    """A part of a split. Models store the numbers."""

    TRAINING = 0
    VALIDATION = 1
    TESTING = 2

    @property
    def word(self) -> str:
        """The name of the part in lists, messages and pages."""
        return self.name.lower()


Parts = npt.NDArray[np.int8]
"""The `Part` of each photo, `(N,)`."""

DRAWN = -1
"""In place of a given part: the photo has none, and the rule of the split draws one."""

_NAMES = {
    **dict.fromkeys(("train", "training"), Part.TRAINING),
    **dict.fromkeys(("val", "valid", "validation", "dev"), Part.VALIDATION),
    **dict.fromkeys(("test", "testing"), Part.TESTING),
}
NAMES = tuple(_NAMES)
"""The names of parts, in lower case."""


def part_of(name: str) -> Part | None:
    """The part that a folder or a cell of a table names, in any case; None if it names none."""
    return _NAMES.get(name.strip().lower())
