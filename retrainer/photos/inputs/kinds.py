"""The table of what can be labelled; a new kind is a row."""

import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from retrainer.errors import OptionError
from retrainer.photos.inputs.source import FLAG, TABLES, Opener, Request, Source
from retrainer.photos.photo import Photo
from retrainer.system.paths import is_address, require_file

STDIN = "-"
# The name of an archive, or of what lies in one.
_ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(bz2|gz|xz|zst))([/\\]|$)", re.IGNORECASE)


class Kind(NamedTuple):
    """A kind of values.

    Attributes:
        fits: Whether a value is of this kind; the first row that fits is taken.
        opened: What it stands for. Its module is imported only then, since a label of one photo needs none of them.
    """

    fits: Callable[[str], bool]
    opened: Opener


def _photo(value: str, _: Request) -> Source:
    require_file(value, FLAG, "a photo, a folder, an archive, a glob, a table, an address, or - for a list")
    return Source([value], 1)


def _folder(value: str, request: Request) -> Source:
    from retrainer.photos.inputs.files import files_below

    return files_below(value, request)


def _archive(value: str, request: Request) -> Source:
    from retrainer.photos.inputs.files import files_in_archive

    return files_in_archive(value, request)


def _glob(value: str, request: Request) -> Source:
    from retrainer.photos.inputs.files import files_of_glob

    return files_of_glob(value, request)


def _list(_: str, request: Request) -> Source:
    from retrainer.photos.inputs.lists import listed_on_stdin

    return listed_on_stdin(request)


def _table(value: str, request: Request) -> Source:
    from retrainer.photos.inputs.tables import photos_of_table

    return photos_of_table(value, request)


def _address(value: str, _: Request) -> Source:
    from retrainer.photos.inputs.addresses import photo_at

    return Source([photo_at(value)], 1)


KINDS = (
    Kind(lambda value: value == STDIN, _list),
    Kind(is_address, _address),
    Kind(os.path.isdir, _folder),
    Kind(lambda value: _ARCHIVE.search(value) is not None and not glob.has_magic(value), _archive),
    Kind(lambda value: value.lower().endswith(TABLES) and os.path.isfile(value), _table),
    Kind(lambda value: glob.has_magic(value) and not os.path.lexists(value), _glob),
    Kind(lambda _: True, _photo),
)


class Inputs:
    """All that is to be labelled, in the order given.

    Attributes:
        count: How many photos there are; None if only the end tells.
        is_one_photo: Whether the user named one photo and nothing else.

    Args:
        sources: One for each value.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        counts = [source.count for source in sources if source.count is not None]
        self.count = sum(counts) if len(counts) == len(sources) else None
        self.is_one_photo = self.count == 1 and sources[0].named

    def __iter__(self) -> "Iterator[tuple[str | Photo, bool]]":
        """Yields each photo, and whether it should be one: see `Source.named`."""
        for source in self._sources:
            for photo in source.photos:
                yield photo, source.named


def inputs_of(values: Sequence[str], request: Request) -> Inputs:
    """What values stand for; each is checked before the first photo is read.

    Raises:
        OptionError: a value stands for nothing, or for something that cannot be read.
    """
    if not values:
        raise OptionError(
            f"{FLAG} is missing: expected a photo, a folder, an archive, a glob, a table, an address, or - for a list.",
            "Type `retrainer label PHOTO`.",
        )
    if values.count(STDIN) > 1:
        raise OptionError(f"{FLAG}: standard input can be read once; received - {values.count(STDIN)} times.")
    kinds = [next(kind for kind in KINDS if kind.fits(value)) for value in values]
    if request.column and all(kind.opened is not _table for kind in kinds):
        raise OptionError(f"--column: expected a table, one of {', '.join(TABLES)}; received none.", "Leave it out.")
    return Inputs([kind.opened(value, request) for kind, value in zip(kinds, values, strict=True)])
