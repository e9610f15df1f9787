"""Classes that are too small, and two classes that look like one."""

import numpy as np

from retrainer.arrays import Floats, members_of
from retrainer.findings.evidence import Evidence
from retrainer.photos.clean_list.finding import Finding, Kind
from retrainer.photos.dataset import FEW_PHOTOS
from retrainer.text import shown

# Two classes look like one if heads tell their photos apart at most this often; guessing does half the time. Of the 55
# pairs of classes of the flowers and the clothing as they are, none is below it with EfficientNet-Lite0 or MobileNet.
SAME = 0.65
# Fewer different photos of a class say nothing, and classes that share no such mean score are not alike.
_FEWEST, _SHARED = 10, 0.15
_COMPARED = 3


def class_findings(evidence: Evidence) -> list[Finding]:
    """Returns the pairs of classes that look like one, and the classes that are too small; each surest first."""
    return [*_pairs(evidence), *_small(evidence)]


def _small(evidence: Evidence) -> list[Finding]:
    different = evidence.different
    return [
        Finding(
            kind=Kind.SMALL_CLASS,
            label=evidence.dataset.labels[number],
            score=float(1 - different[number] / FEW_PHOTOS),
            reason=f"{shown(evidence.dataset.labels[number])} has only {_photos(int(different[number]))}; "
            f"with {FEW_PHOTOS} or more it is learnt better.",
        )
        for number in np.argsort(different, kind="stable").tolist()
        if different[number] < FEW_PHOTOS
    ]


def _photos(count: int) -> str:
    return "one different photo" if count == 1 else f"{count} different photos"


def _pairs(evidence: Evidence) -> list[Finding]:
    members = members_of(evidence.dataset.label_ids, len(evidence.dataset.labels))
    means: Floats = np.stack([evidence.scores[rows].sum(axis=0) / max(len(rows), 1) for rows in members])
    shared = np.minimum(means, means.T)
    enough = evidence.different >= _FEWEST
    pairs = np.argwhere(np.triu(shared > _SHARED, 1) & enough & enough[:, np.newaxis])
    findings = (_pair(evidence, first, second) for first, second in pairs.tolist())
    return sorted((finding for finding in findings if finding), key=lambda finding: -finding.score)


def told_apart(evidence: Evidence, first: int, second: int) -> float:
    """Returns how often heads tell photos of two classes apart, 0 to 1; both classes count alike."""
    margins, label_ids = evidence.scores[:, first] - evidence.scores[:, second], evidence.dataset.label_ids
    right = float((margins[label_ids == first] > 0).mean()), float((margins[label_ids == second] < 0).mean())
    return sum(right) / 2


def _pair(evidence: Evidence, first: int, second: int) -> Finding | None:
    """The finding that two classes look like one, about the smaller of them; None if heads tell them apart."""
    dataset, right = evidence.dataset, told_apart(evidence, first, second)
    if right > SAME:
        return None
    small, large = sorted((first, second), key=lambda number: int(dataset.counts[number]))
    rows = np.flatnonzero(dataset.label_ids == small)
    rows = rows[np.argsort(-evidence.scores[rows, large], kind="stable")]
    return Finding(
        kind=Kind.SAME_CLASS,
        label=dataset.labels[small],
        score=min(1.0, 2 * (1 - right)),
        reason=f"{shown(dataset.labels[small])} and {shown(dataset.labels[large])} look like one class: heads tell "
        f"them apart in {right:.0%} of cases; guessing is right in 50%.",
        new_label=dataset.labels[large],
        compared_with=evidence.paths(rows[:_COMPARED]),
    )
