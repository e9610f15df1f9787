"""Which decisions changed the photos, as a value that stays with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Honoured:
    """Decisions that were honoured.

    Attributes:
        set_aside: The SHA-256 of the photos that were set aside, hexadecimal; empty if one cannot be read.
        relabelled: The label of a class -> the SHA-256 of the photos that got it.
    """

    set_aside: Sequence[str] = ()
    relabelled: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def counts(self) -> tuple[int, int]:
        """How many photos were set aside, and how many were relabelled."""
        return len(self.set_aside), sum(map(len, self.relabelled.values()))
