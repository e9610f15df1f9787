"""What an archive holds: the names of its members, where the bytes of each lie, and what is left out."""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from retrainer.errors import DatasetError

MOST_MEMBERS = 10_000_000
# The limit of a path on Linux, and more folders than anybody has.
_LONGEST_NAME, _DEEPEST = 4096, 100
# Unpacked by packed size. Photos reach 1.1, drawings in BMP 100, and deflated zeros 1,032. Less than `_HARMLESS` bytes
# may have any ratio.
_MOST_RATIO, _HARMLESS = 200, 64 * 2**20

BAD_NAMES = "their names are empty or too long, or lead out of the archive"
NO_FILES = "they are links, devices or sparse files"
ENCRYPTED = "they are encrypted"
BOMBS = f"they unpack to more than {_MOST_RATIO} times their size"
TWICE = "a later member of the archive has the same name"


class Place(NamedTuple):
    """Where a member's bytes lie in an archive, and what they must become.

    Attributes:
        start: The offset of the member's header in a ZIP, or of its bytes in a tar.
        packed, size: Its bytes in the archive and unpacked.
        check: The CRC-32 of a member of a ZIP; zero in a tar.
        method: How a member of a ZIP is compressed; zero if it is not.
    """

    start: int
    packed: int
    size: int
    check: int = 0
    method: int = 0


_FIELDS = len(Place._fields)


class Contents:
    """The members of an archive, in its order. A member takes about 200 bytes of memory.

    Attributes:
        left_out: Why members cannot be used -> their names, not sanitised.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._names: list[str] = []
        self._numbers = array("q")
        self.left_out: dict[str, list[str]] = {}
        self._seen = 0

    def add(self, name: str, place: Place, problem: str = "") -> None:
        """Adds a member, or leaves it out if it has a problem; the last of several members of one name stays.

        Raises:
            DatasetError: there are more members than `MOST_MEMBERS`.
        """
        self._seen += 1
        if self._seen > MOST_MEMBERS:
            raise DatasetError(f"expected at most {MOST_MEMBERS:,} files in an archive, received more.")
        safe = "" if problem else safe_name(name)
        problem = problem or ("" if safe else BAD_NAMES)
        if not problem and is_bomb(place.packed, place.size):
            problem = BOMBS
        if problem:
            self.left_out.setdefault(problem, []).append(name)
            return
        if safe in self._rows:
            self.left_out.setdefault(TWICE, []).append(name)
        self._rows[safe] = len(self._names)
        self._names.append(safe)
        self._numbers.extend(place)

    def __iter__(self) -> Iterator[int]:
        """The numbers of all members that can be used."""
        return iter(self._rows.values())

    def __getitem__(self, number: int) -> tuple[str, Place]:
        """The name of a member, and where it lies."""
        return self._names[number], Place(*self._numbers[number * _FIELDS : (number + 1) * _FIELDS])

    def place(self, name: str) -> Place | None:
        """Where a member lies; None if there is none of that name."""
        number = self._rows.get(name)
        return None if number is None else self[number][1]


def safe_name(name: str) -> str:
    """The name of a member below its archive, without `./` and empty parts; empty if it leads out or is no name."""
    if name.startswith("/") or "\0" in name or len(name) > _LONGEST_NAME or name[1:3] == ":/":
        return ""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "" if ".." in parts or len(parts) > _DEEPEST else "/".join(parts)


def is_bomb(packed: int, unpacked: int) -> bool:
    """Whether a number of unpacked bytes is more than photos of a number of packed bytes can become."""
    return unpacked > max(_HARMLESS, _MOST_RATIO * packed)
