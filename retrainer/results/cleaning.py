"""The result of looking for photos that may be wrong."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from retrainer.answers.texts import plain
from retrainer.measuring.cleaning_effect import CleaningEffect
from retrainer.measuring.measured import dataframe
from retrainer.photos.clean_list.accepting import ALL, accepted, kinds_of
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Finding, Kind, Row
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.photos.clean_list.names import KIND_NAMES
from retrainer.reporting import Problem
from retrainer.results.fields import Fields, of_problems, of_row
from retrainer.results.lines import line, of_texts
from retrainer.system.files import write_whole

if TYPE_CHECKING:
    import pandas

    from retrainer.pages.clean.shown import ShownPhotos

# How many findings a notebook shows.
_SHOWN = 12


@dataclass(frozen=True)
class KindCount:
    """How many findings of a kind there are.

    Attributes:
        kind: The kind.
        findings: All of them.
        set_aside, relabel: How many suggest to set a photo aside, or to relabel it.
        undecided: How many are about photos that nothing is decided about.
        testing: How many of these are about test photos.
    """

    kind: Kind
    findings: int
    set_aside: int
    relabel: int
    undecided: int
    testing: int


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Cleaning:
    """Photos and classes that may be wrong, and what is decided about them.

    Attributes:
        image_dir: The folder or table of photos, as typed.
        photos: How many photos were looked at.
        labels: Their classes.
        backbone: The backbone whose feature vectors were compared.
        clean_list: The findings, each with the decision about its photo.
        known: Path -> class and part of each photo, for pages.
        command: Serves a page to decide on; empty if there is no such command.
        seconds: Stage -> how long it took.
        problems: All warnings, and all files and folders that were left out.
        warnings: A line for the warnings of each kind.
        effect_of: Measures what the decisions of a list bring.
    """

    image_dir: str
    photos: int
    labels: tuple[str, ...]
    backbone: str
    clean_list: CleanList
    effect_of: Callable[[CleanList], CleaningEffect]
    known: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    command: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        surest = [f"{row.finding.path or row.finding.label}: {row.finding.reason}" for row in self.surest(4)]
        return "\n".join(
            [
                f"Cleaning: {self._headline} of {self.image_dir}",
                line(self._found, "findings"),
                line(f"{self.decided:,} of {len(self.clean_list.photos):,}", "decided"),
                *of_texts("surest", surest),
                *of_texts("warnings", self.warnings),
            ]
        )

    def _repr_html_(self) -> str:
        from retrainer.pages.suspected import suspected_html

        decided = f"{self.decided:,} of {len(self.clean_list.photos):,}"
        described = {"Photos": str(self.image_dir), "Findings": self._found, "Decided": decided}
        return suspected_html(self._headline, described, [row.finding for row in self.surest(_SHOWN)])

    @property
    def _headline(self) -> str:
        return f"{len(self.findings):,} findings in {self.photos:,} photos"

    @property
    def _found(self) -> str:
        """How many findings of each kind there are, in words."""
        return ", ".join(f"{KIND_NAMES[kind][1]} {count:,}" for kind, count in self.counts.items()) or "none"

    @property
    def rows(self) -> tuple[Row, ...]:
        """The findings, each with the decision about its photo."""
        return self.clean_list.rows

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings."""
        return tuple(row.finding for row in self.rows)

    @property
    def counts(self) -> dict[Kind, int]:
        """How many findings of each kind there are; kinds without any are left out."""
        return {one.kind: one.findings for one in self.kinds}

    @property
    def kinds(self) -> tuple[KindCount, ...]:
        """What is found of each kind; kinds without findings are left out."""
        suggested = Counter((row.finding.kind, row.finding.suggestion) for row in self.rows)
        undecided = Counter(row.finding.kind for row in self._undecided())
        testing = Counter(row.finding.kind for row in self._undecided() if row.finding.is_testing)
        return tuple(
            KindCount(
                kind,
                sum(suggested[kind, action] for action in Action),
                suggested[kind, Action.SET_ASIDE],
                suggested[kind, Action.RELABEL],
                undecided[kind],
                testing[kind],
            )
            for kind in Kind
            if any(suggested[kind, action] for action in Action)
        )

    @property
    def decided(self) -> int:
        """How many photos and classes something is decided about."""
        return self.clean_list.progress()[0]

    def surest(self, most: int) -> list[Row]:
        """Returns the surest undecided findings, at most `most`: of each kind in turn, then in the order of kinds."""
        by_kind: dict[Kind, list[Row]] = {}
        for row in self._undecided():
            by_kind.setdefault(row.finding.kind, []).append(row)
        for rows in by_kind.values():
            rows.sort(key=lambda row: (not row.finding.suggestion, -row.finding.score))
        chosen: Counter[Kind] = Counter()
        for place in range(max(map(len, by_kind.values()), default=0)):
            for kind in Kind:
                chosen[kind] += place < len(by_kind.get(kind, ())) and chosen.total() < most
        return [row for kind in Kind for row in by_kind.get(kind, [])[: chosen[kind]]]

    def accept(self, kinds: Iterable[str] | str = ALL) -> "Cleaning":
        """Returns the result with the suggestions of undecided photos taken, but not those of test photos.

        If several suggestions differ, a photo is set aside.

        Args:
            kinds: The kinds of findings, such as `["label", "copy"]` or `"label,copy"`, or `"all"`.

        Raises:
            OptionError: there is no such kind.
        """
        return replace(self, clean_list=accepted(self.clean_list, kinds_of(kinds)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the list of findings and decisions, a CSV table; an older one is replaced.

        Raises:
            OutputError: it cannot be written, or another process decides on it.
        """
        with ListFile(path) as file:
            file.update(lambda _: self.clean_list)

    def page(self, path: str | os.PathLike[str]) -> None:
        """Writes a page to look at in a browser, with small pictures of the photos; it needs no other file.

        Raises:
            OutputError: it cannot be written.
        """
        from retrainer.pages.clean.page import clean_page

        write_whole(path, clean_page(self.clean_list, self.shown_photos).html().encode("utf-8"))

    @property
    def shown_photos(self) -> "ShownPhotos":
        """What pages need to show the photos."""
        from retrainer.pages.clean.shown import ShownPhotos

        return ShownPhotos(classes=self.labels, known=self.known, command=self.command)

    def measure(self) -> CleaningEffect:
        """Returns what the decisions bring: heads without and with them, by the same folds, on the same photos."""
        return self.effect_of(self.clean_list)

    def to_dict(self) -> Fields:
        """The content of the document that `clean --json` prints, as values that JSON knows."""
        fields: Fields = plain(
            {
                "image_dir": self.image_dir,
                "photos": self.photos,
                "labels": self.labels,
                "backbone": self.backbone,
                "counts": [asdict(one) for one in self.kinds],
                "decided": self.decided,
                "undecided": len(self.clean_list.photos) - self.decided,
                "findings": [of_row(row) for row in self.rows],
                "problems": of_problems(self.problems),
                "seconds": self.seconds,
            },
            str,
        )
        return fields

    def to_dataframe(self) -> "pandas.DataFrame":
        """A row for each finding, with the columns of the list.

        Raises:
            PackageError: pandas is not installed.
        """
        rows = [of_row(row) for row in self.rows]
        names = of_row(Row(Finding(kind=Kind.OTHER)))
        return dataframe({name: [row[name] for row in rows] for name in names})

    def _undecided(self) -> Iterator[Row]:
        """The rows of the photos and classes that nothing is decided about."""
        for numbers in self.clean_list.photos.values():
            if all(self.rows[number].decision.action == Action.NONE for number in numbers):
                yield from (self.rows[number] for number in numbers)
