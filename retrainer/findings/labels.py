"""Photos whose label is probably wrong: scores and nearest photos both speak for another class."""

from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Bools, Floats, Integers
from retrainer.findings.discriminant import discriminant_scores
from retrainer.findings.evidence import Evidence
from retrainer.findings.outliers import strange
from retrainer.options.split import FOLDS
from retrainer.photos.clean_list.finding import Action, Finding, Kind
from retrainer.photos.splits import stratified_folds
from retrainer.text import shown

# A photo is suspected if another class is at least this much more likely than its own, as a share of both: 11 to 1.
# Measured with EfficientNet-Lite0 and MobileNet 0.50 on photos as they are: 2.0 % and 2.7 % of 1,250 flowers are
# suspected, and 3.7 % and 5.3 % of 245 photos of clothing; some of them do lie in a wrong folder.
SUSPECTED = 0.917
# If more than this share of the photos is suspected, wrong labels are common, and less is enough to suspect one.
_USUALLY_SUSPECTED = 0.07
# Below it the photo is set aside, because the other class may be wrong, too.
_RELABELLED = 0.97
# What is added to scores and votes, so that neither alone decides.
_SCORE_FLOOR, _VOTE_FLOOR = 0.03, 0.2
# A class of fewer different photos is one that some head did not learn.
_FEWEST = 2
_COMPARED = 3


@dataclass(frozen=True, eq=False)
class Suspicion:
    """How likely the label of each photo is wrong.

    Attributes:
        others: The class that is most likely, besides the photo's own, `(N,)`.
        shares: Its share of the likelihood of both, `(N,)`, 0 to 1.
    """

    others: Integers
    shares: Floats


def suspicion_of(evidence: Evidence) -> Suspicion:
    """Returns how likely each label is wrong: by scores of heads that did not see the photo, and by its neighbours."""
    label_ids, every = evidence.dataset.label_ids, np.arange(len(evidence.scores))
    folds = stratified_folds(evidence.dataset, FOLDS, 0)
    second = discriminant_scores(evidence.directions, label_ids, len(evidence.dataset.labels), folds)
    likelihoods = (evidence.scores + second) / 2 + np.float32(_SCORE_FLOOR)
    likelihoods *= evidence.votes + np.float32(_VOTE_FLOOR)
    own = likelihoods[every, label_ids]
    likelihoods[every, label_ids] = -1
    others = likelihoods.argmax(axis=1)
    best = likelihoods[every, others]
    return Suspicion(others, best / (best + own))


def label_findings(evidence: Evidence) -> list[Finding]:
    """Returns the photos that probably belong to another class, surest first. Photos like no class are left out."""
    suspicion = suspicion_of(evidence)
    judged: Bools = (evidence.different >= _FEWEST)[evidence.dataset.label_ids] & ~strange(evidence)
    rows = np.flatnonzero(judged & (suspicion.shares > least_share(suspicion.shares[judged])))
    rows = rows[np.argsort(-suspicion.shares[rows], kind="stable")]
    return [_finding(evidence, row, int(suspicion.others[row]), float(suspicion.shares[row])) for row in rows.tolist()]


def least_share(shares: Floats) -> float:
    """Returns the share above which a photo is suspected: by the odds of a wrong label, but never above `SUSPECTED`.

    Args:
        shares: The shares of all photos, `(N,)`; see `Suspicion`.
    """
    suspected = float((shares > SUSPECTED).mean()) if len(shares) else 0.0
    suspected = min(max(suspected, _USUALLY_SUSPECTED), 0.5)
    often = suspected / (1 - suspected) / (_USUALLY_SUSPECTED / (1 - _USUALLY_SUSPECTED))
    odds = SUSPECTED / (1 - SUSPECTED) / often
    return odds / (1 + odds)


def _finding(evidence: Evidence, row: int, other: int, share: float) -> Finding:
    dataset, scores = evidence.dataset, evidence.scores[row]
    own, neighbours = int(dataset.label_ids[row]), evidence.neighbours.of(row)
    like = neighbours[dataset.label_ids[neighbours] == other]
    reason = (
        f"Looks like {shown(dataset.labels[other])} ({scores[other]:.2f}); "
        f"the folder's class {shown(dataset.labels[own])} has {scores[own]:.2f}. "
        f"Of its {len(neighbours)} nearest photos, {len(like)} are {shown(dataset.labels[other])} "
        f"and {int((dataset.label_ids[neighbours] == own).sum())} are {shown(dataset.labels[own])}."
    )
    relabelled = share >= _RELABELLED
    return evidence.finding(
        row,
        Kind.LABEL,
        share,
        reason,
        suggestion=Action.RELABEL if relabelled else Action.SET_ASIDE,
        new_label=dataset.labels[other] if relabelled else "",
        compared_with=evidence.paths(like[:_COMPARED]),
    )
