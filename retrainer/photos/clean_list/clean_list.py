"""The list of findings and decisions as a value: whose rows belong together, what was decided, and what is new."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from retrainer.photos.clean_list.finding import Action, Decision, Finding, Kind, Row

Photo = tuple[str, ...]
"""What rows share that are about one photo: SHA-256 and path. Rows about a class share what they say of it."""

UNDECIDED = Decision()


def is_about_class(finding: Finding) -> bool:
    """Whether a finding is about a class, and not about a photo."""
    return not finding.path and not finding.sha256


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
    _known: "list[dict[Photo, list[int]]]" = field(default_factory=list, repr=False)

    @property
    def photos(self) -> Mapping[Photo, Sequence[int]]:
        """The numbers of the rows of each photo or class, from 0, in the order of their first rows."""
        if not self._known:  # lists that differ only in decisions share it
            self._known.append(_photos(self.rows))
        return self._known[0]

    @cached_property
    def conflicts(self) -> list[Photo]:
        """The photos whose rows have different actions, or relabel differently."""
        return [photo for photo, numbers in self.photos.items() if len(self._actions(numbers)) > 1]

    def decision_of(self, sha256: str, path: str) -> Decision:
        """The decision about a photo; `Decision()` if there is none, or if its rows disagree."""
        return self.decision_about(self._numbers_of(sha256, path))

    def decision_about(self, numbers: Iterable[int]) -> Decision:
        """The decision in some rows, which are about one photo."""
        actions = self._actions(numbers)
        return next(iter(actions.values())) if len(actions) == 1 else UNDECIDED

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
        decided = sum(self.decision_about(numbers).action != Action.NONE for numbers in self.photos.values())
        return decided, len(self.photos)

    def merged(self, findings: Iterable[Finding]) -> "CleanList":
        """Returns the list of other findings, with the decisions and notes that this one has.

        Rows that are decided or have a note stay, even if nothing is found in their photo any more. A photo that moved
        keeps its decision if its bytes are the same.
        """
        from retrainer.photos.clean_list.merging import merged

        return merged(self, list(findings))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _numbers_of(self, sha256: str, path: str) -> Sequence[int]:
        photos = self.photos
        # A person may name a photo by one of the two alone.
        return next(
            (photos[one] for one in ((sha256, path), ("", path), (sha256, "")) if one in photos and any(one)), []
        )

    def _actions(self, numbers: Iterable[int]) -> dict[tuple[str, str], Decision]:
        """The different decisions in some rows, by action and new label."""
        decisions = (self.rows[number].decision for number in numbers)
        made = [decision for decision in decisions if decision.action != Action.NONE]
        return {(one.action, one.new_label if one.action == Action.RELABEL else ""): one for one in made}


def photo_of(finding: Finding) -> Photo:
    """What all findings about one photo, or one class, share."""
    if is_about_class(finding):
        return "", "", finding.kind, finding.label, finding.new_label
    return finding.sha256, finding.path


def _photos(rows: Sequence[Row]) -> dict[Photo, list[int]]:
    hashes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.finding.path and row.finding.sha256:
            hashes[row.finding.path].add(row.finding.sha256)
    photos: dict[Photo, list[int]] = {}
    for number, row in enumerate(rows):
        photo = photo_of(row.finding)
        # A person may have left out the hash of a photo that has one in another row.
        if not photo[0] and len(of_path := hashes.get(row.finding.path, ())) == 1:
            photo = (*of_path, row.finding.path)
        photos.setdefault(photo, []).append(number)
    return photos
