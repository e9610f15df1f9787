"""What one of the user's values stands for: photos, as they come."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrainer.photos.photo import Photo

if TYPE_CHECKING:
    from retrainer.events import Observer

FLAG = "--image"
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
"""The endings of tables of photos."""


@dataclass(frozen=True)
class Request:
    """How values are read.

    Attributes:
        observer: Called with what is left out; perhaps in another thread, while photos are taken.
        column: The column of a table that holds the photos; empty if its name tells.
        allow_urls: Whether addresses in lists and tables are fetched.
    """

    observer: "Observer"
    column: str = ""
    allow_urls: bool = False


@dataclass(frozen=True)
class Source:
    """Photos in their order.

    Attributes:
        photos: Taken once, and one by one; may be endless.
        count: How many there are; None if only the end tells.
        named: Whether each of them should be a photo, as the user named it; a folder may hold other files, too.
    """

    photos: Iterable[str | Photo]
    count: int | None = None
    named: bool = True


Opener = Callable[[str, Request], Source]
"""Returns what a value stands for, and raises OptionError if it stands for nothing."""
