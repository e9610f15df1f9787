"""Findings about copies: which photos show the same picture as another one, and which of them to keep."""

import os
from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers
from retrainer.findings.evidence import Evidence
from retrainer.findings.measured import Measured
from retrainer.photos.clean_list.finding import Action, Finding, Kind
from retrainer.photos.parts import Part
from retrainer.text import shown

# The best class of a group must score that much more than the second for the others to be called wrong.
SURE = 0.5
# A finding names at most this many copies.
_COMPARED = 8


def copy_findings(evidence: Evidence, measured: Measured) -> list[Finding]:
    """Returns a finding for each photo that is a copy of one to keep, the surest first.

    One photo of each group is kept: the largest in pixels, then in bytes, then the first by its path. Another copy is
    suggested to be set aside if it is in the same class and part, or if the scores say that its class is wrong.
    """
    copies = measured.copies
    likenesses = _likenesses(len(copies.groups), copies.pairs, copies.likenesses)
    sizes = np.bincount(copies.groups, minlength=len(copies.groups))
    members = np.flatnonzero(sizes[copies.groups] > 1)
    order = members[np.argsort(copies.groups[members], kind="stable")]
    starts = np.flatnonzero(np.diff(copies.groups[order], prepend=-1))
    found = []
    for rows in np.split(order, starts[1:]) if len(order) else []:
        found += _Group.of(evidence, measured, rows).findings(likenesses)
    return sorted(found, key=lambda one: -one.score)


def _likenesses(count: int, pairs: Integers, likenesses: Floats) -> Floats:
    """The likeness of each photo to the copy that is most like it, `(count,)`."""
    best = np.zeros(count, np.float32)
    for rows in pairs.T:
        np.maximum.at(best, rows, likenesses)
    return best


@dataclass(frozen=True, eq=False)
class _Group:
    """Photos that are copies of one another, the one to keep first.

    Attributes:
        evidence, measured: What is known of all photos.
        rows: Of these photos, the best first.
        right: The class id that the scores favour; -1 if they cannot tell, or if there is only one class.
        scores: The mean scores of the group, `(C,)`.
    """

    evidence: Evidence
    measured: Measured
    rows: list[int]
    right: int
    scores: Floats

    @classmethod
    def of(cls, evidence: Evidence, measured: Measured, rows: Integers) -> "_Group":
        """Returns the group of some rows, ordered."""
        labels = evidence.dataset.label_ids
        scores = evidence.scores[rows].mean(axis=0)
        classes = np.unique(labels[rows])
        best, *others = classes[np.argsort(-scores[classes], kind="stable")].tolist()
        right = best if others and scores[best] - scores[others[0]] > SURE else -1
        looks, paths = measured.looks, evidence.dataset.paths

        def rank(row: int) -> tuple[bool, int, int, str]:
            wrong = right >= 0 and bool(labels[row] != right)
            return wrong, -int(looks.pixels[row]), -int(looks.sizes[row]), paths[row]

        return cls(evidence, measured, sorted(rows.tolist(), key=rank), right, scores)

    def findings(self, likenesses: Floats) -> list[Finding]:
        """Returns the findings about all but the first photo; likenesses `(N,)` are those of all photos."""
        labels, parts = self.evidence.dataset.label_ids, self.evidence.parts
        first, found = self.rows[0], []
        kept: dict[tuple[int, int], int] = {(int(labels[first]), int(parts[first])): first}
        for row in self.rows[1:]:
            wrong = 0 <= self.right != labels[row] and parts[row] == parts[first]
            of = first if wrong else kept.setdefault((int(labels[row]), int(parts[row])), row)
            # The best photo of another class or part is only listed.
            suggestion = Action.NONE if of == row else Action.SET_ASIDE
            of = first if of == row else of
            # Moving one name of a file away would take the other one with it.
            suggestion = Action.NONE if self._one_file(row, of) else suggestion
            found.append(self._finding(row, of, float(likenesses[row]), suggestion))
        return found

    def _finding(self, row: int, of: int, likeness: float, suggestion: Action) -> Finding:
        paths = self.evidence.dataset.paths
        compared = [of, *(other for other in self.rows[: _COMPARED + 1] if other not in (of, row))][:_COMPARED]
        reason = " ".join(filter(None, [self._same(row, of, likeness), *self._apart(row, of)]))
        return self.evidence.finding(
            row, Kind.COPY, likeness, reason,
            suggestion=suggestion, compared_with=tuple(paths[other] for other in compared),
        )  # fmt: skip

    def _one_file(self, row: int, of: int) -> bool:
        """Whether two photos are one file on the disk, by a link or because a table names it twice."""
        digests, paths = self.evidence.dataset.digests, self.evidence.dataset.paths
        return bool((digests[row] == digests[of]).all()) and os.path.realpath(paths[row]) == os.path.realpath(paths[of])

    def _same(self, row: int, of: int, likeness: float) -> str:
        """Says how the photo and the one to keep are alike."""
        digests, looks, name = (
            self.evidence.dataset.digests,
            self.measured.looks,
            shown(self.evidence.dataset.paths[of]),
        )
        if (digests[row] == digests[of]).all():
            by = ", by a link" if self._one_file(row, of) else ""
            return f"The same file as '{name}'{by}."
        sides = [f"{looks.widths[one]:,}×{looks.heights[one]:,}" for one in (row, of)]
        sizes = [f"{looks.sizes[one]:,}" for one in (row, of)]
        differing = [(two, unit) for two, unit in ((sides, "pixels"), (sizes, "bytes")) if two[0] != two[1]]
        apart = "".join(f", which has {two[1]} {unit}; this one has {two[0]}" for two, unit in differing[:1])
        return f"A near copy (likeness {likeness:.2f}) of '{name}'{apart}."

    def _apart(self, row: int, of: int) -> list[str]:
        """Says whether the two are in different classes or parts."""
        labels, parts, names = self.evidence.dataset.label_ids, self.evidence.parts, self.evidence.dataset.labels
        said = []
        if labels[row] != labels[of]:
            one, other = (shown(names[int(labels[which])]) for which in (row, of))
            scores = ", ".join(
                f"{shown(names[int(labels[which])])} {self.scores[labels[which]]:.2f}" for which in (of, row)
            )
            said.append(f"It is in {one}, the other in {other}; the scores are {scores}.")
        if parts[row] != parts[of]:
            one, other = (Part(int(parts[which])).word for which in (row, of))
            said.append(f"It is for {one}, the other for {other}, which flatters the figures.")
        return said
