"""The list of findings and decisions as a value."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row
from retrainer.photos.clean_list.merging import merged_rows
from retrainer.photos.clean_list.rows import Photo, Photos, actions_in, decision_in, photos_of


@dataclass(frozen=True, eq=False)
class CleanList:
    """Findings with decisions.

    Attributes:
        rows: A photo may have several; its decision is the one action among them.
        path: Where the list lies, for messages; empty if it is new.
        extra_columns: Columns that a person added. Each row may have a cell for each of them.
    """

    rows: tuple[Row, ...] = ()
    path: str = ""
    extra_columns: tuple[str, ...] = ()
    _known: list[Photos] = field(default_factory=list, repr=False)

    @property
    def photos(self) -> Photos:
        """The numbers of the rows of each photo or class, from 0, in the order of their first rows."""
        if not self._known:  # lists that differ only in decisions share it
            self._known.append(photos_of(self.rows))
        return self._known[0]

    @cached_property
    def conflicts(self) -> list[Photo]:
        """The photos whose rows have different actions, or relabel differently."""
        return [photo for photo, numbers in self.photos.items() if len(actions_in(self._at(numbers))) > 1]

    def decision_of(self, sha256: str, path: str) -> Decision:
        """The decision about a photo; `Decision()` if there is none, or if its rows disagree."""
        return decision_in(self._at(self._numbers_of(sha256, path)))

    def decision_in(self, numbers: Iterable[int]) -> Decision:
        """The decision about a photo or class, by the numbers of its rows."""
        return decision_in(self._at(numbers))

    def decided(self, sha256: str, path: str, decision: Decision) -> "CleanList":
        """Returns the list with a decision in all rows of a photo; a photo without a row gets one.

        The notes of the rows stay if the decision has none.
        """
        numbers = self._numbers_of(sha256, path)
        if numbers:
            return self.decided_rows(numbers, decision)
        finding = Finding(kind=Kind.OTHER, path=path, sha256=sha256)
        return CleanList((*self.rows, Row(finding, decision)), self.path, self.extra_columns)

    def decided_rows(self, numbers: Iterable[int], decision: Decision) -> "CleanList":
        """Returns the list with a decision in some rows, by their numbers from 0, and in no others."""
        rows = list(self.rows)
        for number in numbers:
            noted = replace(decision, note=decision.note or rows[number].decision.note)
            rows[number] = replace(rows[number], decision=noted)
        return replace(self, rows=tuple(rows))

    def progress(self) -> tuple[int, int]:
        """How many photos and classes are decided, and how many there are."""
        decided = sum(decision_in(self._at(numbers)).action != Action.NONE for numbers in self.photos.values())
        return decided, len(self.photos)

    def merged(self, findings: Iterable[Finding]) -> "CleanList":
        """Returns the list of other findings, with the decisions and notes that this one has.

        Rows that are decided or have a note stay, even if nothing is found in their photo any more. A photo that moved
        keeps its decision if its bytes are the same.
        """
        rows = merged_rows(self.rows, self.photos, list(findings))
        return CleanList(tuple(rows), self.path, self.extra_columns)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _at(self, numbers: Iterable[int]) -> list[Row]:
        return [self.rows[number] for number in numbers]

    def _numbers_of(self, sha256: str, path: str) -> Sequence[int]:
        # A person may name a photo by one of the two alone.
        names = [name for name in ((sha256, path), ("", path), (sha256, "")) if any(name)]
        return next((self.photos[name] for name in names if name in self.photos), [])
