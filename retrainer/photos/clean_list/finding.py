"""What may be wrong with a photo or a class, and what to do about it, as values."""

from dataclasses import dataclass
from enum import StrEnum

from retrainer.photos.parts import Part


class Kind(StrEnum):
    """What may be wrong; the value is the word in the list, in flags and in pages."""

    LABEL = "label"
    """Probably a photo of another class."""
    COPY = "copy"
    """The same picture as another photo, perhaps cropped, resized, re-encoded or mirrored."""
    OUTLIER = "outlier"
    """Like no photo of any class."""
    UNREADABLE = "unreadable"
    """No picture, or a damaged one."""
    EXTENSION = "extension"
    """The ending of its name belongs to another format."""
    DARK = "dark"
    LIGHT = "light"
    BLURRY = "blurry"
    EMPTY = "empty"
    """One colour, or nearly."""
    SHAPE = "shape"
    """So narrow or so small that the network sees little of it."""
    SMALL_CLASS = "small class"
    """A class of few photos. A finding about a class has no path."""
    SAME_CLASS = "same class"
    """Two classes that look like one."""
    OTHER = "other"
    """Listed by a person or a script, for a reason of their own."""


class Action(StrEnum):
    """What is suggested, or decided; the value is the word in the list."""

    NONE = ""
    """Not decided; as a suggestion: only look at it."""
    KEEP = "keep"
    RELABEL = "relabel"
    SET_ASIDE = "set aside"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What may be wrong with a photo, or with a class.

    Attributes:
        kind: What may be wrong.
        path: The photo's path as the scan spells it; empty if the finding is about a class.
        sha256: Of its bytes, 64 hexadecimal digits; empty if it has no path or cannot be read from the disk.
        label: The class that its folder or table gives it.
        score: How sure the finding is, 0 to 1; scores of one kind are comparable.
        reason: One sentence for people, such as `Looks like tulips (0.97); roses has 0.01.`, without a line break.
        suggestion: What to do.
        new_label: The suggested class if the suggestion is to relabel.
        compared_with: Paths of the photos that show why: those that it is a copy of, or its nearest ones.
        part: `training`, `validation` or `testing`, or empty if it has none.
    """

    kind: Kind
    path: str = ""
    sha256: str = ""
    label: str = ""
    score: float = 1.0
    reason: str = ""
    suggestion: Action = Action.NONE
    new_label: str = ""
    compared_with: tuple[str, ...] = ()
    part: str = ""

    @property
    def is_testing(self) -> bool:
        """Whether it is about a test photo."""
        return self.part == Part.TESTING.word


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person, or a script, decided about a photo.

    Attributes:
        action: `Action.NONE` if it is not decided.
        new_label: The class if the action is to relabel.
        note: Any text.
    """

    action: Action = Action.NONE
    new_label: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the list: a finding, the decision about its photo, and the cells of columns that a person added."""

    finding: Finding
    decision: Decision = Decision()
    extra: tuple[str, ...] = ()
