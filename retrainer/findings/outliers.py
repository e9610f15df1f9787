"""Photos like no class: those that are far from the photos of every class."""

import numpy as np

from retrainer.arrays import Bools, Floats
from retrainer.findings.evidence import Evidence
from retrainer.photos.clean_list.finding import Action, Finding, Kind
from retrainer.text import shown

# Deviations above the median distance from which a photo is like no class. Measured with EfficientNet-Lite0 and
# MobileNet 0.50 on photos as they are: it takes 1.1 % and 1.9 % of 1,250 flowers for outliers, and 0.8 % of 245 photos
# of clothing.
OUTLYING = 2.1
# If all neighbours belong to another class, the photo does, too, though it may be an unusual one.
_UNANIMOUS = 0.9
# Fewer photos have no typical distance, and the photos of a class of fewer different ones have few to be compared with.
_FEWEST_PHOTOS, _FEWEST_OF_CLASS = 20, 5
_COMPARED = 3
# Distances below it are rounding. The standard deviation of normal numbers is 1.4826 times their median deviation.
_NO_DISTANCE, _DEVIATION = 1e-6, 1.4826


def deviations_of(evidence: Evidence) -> Floats:
    """Returns how far each photo is from its nearest class, in deviations above the median of all, `(N,)`.

    They are those of the distances' logarithms, so that a photo twice as far as the median is as unusual in loose
    classes as in tight ones.
    """
    distances = evidence.class_distances.distances
    known: Bools = np.isfinite(distances)
    deviations = np.zeros(len(distances), np.float32)
    if known.sum() < _FEWEST_PHOTOS:
        return deviations
    logarithms = np.log(np.maximum(distances[known], _NO_DISTANCE))
    above = logarithms - np.median(logarithms)
    usual = _DEVIATION * float(np.median(np.abs(above)))
    if usual > _NO_DISTANCE:
        deviations[known] = above / usual
    return deviations


def strange(evidence: Evidence) -> Bools:
    """Returns whether each photo is like no class, `(N,)`."""
    label_ids = evidence.dataset.label_ids
    enough = (evidence.different >= _FEWEST_OF_CLASS)[label_ids]
    of_another = (evidence.votes.max(axis=1) > _UNANIMOUS) & (evidence.votes.argmax(axis=1) != label_ids)
    outlying: Bools = enough & ~of_another & (deviations_of(evidence) > OUTLYING)
    return outlying


def outlier_findings(evidence: Evidence) -> list[Finding]:
    """Returns the photos that are like no class, surest first."""
    deviations = deviations_of(evidence)
    rows = np.flatnonzero(strange(evidence))
    rows = rows[np.argsort(-deviations[rows], kind="stable")]
    return [_finding(evidence, row, float(deviations[row])) for row in rows.tolist()]


def _finding(evidence: Evidence, row: int, deviation: float) -> Finding:
    found = evidence.class_distances
    label = evidence.dataset.labels[int(found.classes[row])]
    usual = float(np.median(found.distances[np.isfinite(found.distances)]))
    reason = (
        f"Even the nearest class, {shown(label)}, is at distance {found.distances[row]:.2f}; "
        f"half of all photos lie within {usual:.2f} of one."
    )
    return evidence.finding(
        row,
        Kind.OUTLIER,
        1 / (1 + np.exp(-deviation)),
        reason,
        suggestion=Action.SET_ASIDE,
        compared_with=evidence.paths(evidence.neighbours.of(row)[:_COMPARED]),
    )
