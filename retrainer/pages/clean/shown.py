"""What the page of findings needs to know besides the list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from retrainer.photos.photo import content_of


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownPhotos:
    """The photos that a list of findings is about.

    Attributes:
        classes: The labels of the classes; a photo can be relabelled to one of them.
        read: Path as in the list -> the bytes of the photo's file. It may run in several threads and raise anything.
        known: Path -> class and part of photos that others are compared with; of photos that are not in it the class
            is that of their own row in the list, or else unknown.
        command: The command that serves the page, such as `retrainer clean photos --interactive`; empty if none does.
    """

    classes: Sequence[str]
    read: Callable[[str], bytes] = content_of
    known: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    command: str = ""
