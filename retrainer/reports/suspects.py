"""The photos of a run that may be wrong: wrong labels and outliers, by the vectors that the run left."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrainer.arrays import Digests, Integers
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.errors import RetrainerError
from retrainer.events import silent
from retrainer.findings.evidence import Evidence, out_of_fold_scores
from retrainer.findings.labels import label_findings
from retrainer.findings.outliers import outlier_findings
from retrainer.measuring.measured import Measured
from retrainer.options.fit import FitOptions
from retrainer.photos.copies.search import NO_COPIES, find_copies
from retrainer.photos.dataset import Dataset
from retrainer.reports.photos import RunPhotos
from retrainer.reports.vectors import Vectors
from retrainer.training.examples import Examples
from retrainer.training.solvers import solver_of

# Every photo is compared with all others; a report of more photos leaves that to `clean`.
_MOST = 5_000


@dataclass(frozen=True, eq=False)
class Suspects:
    """Photos that may be wrong.

    Attributes:
        rows: The rows of the n photos that were looked at among those of the run, `(n,)`.
        measured: The same photos, with scores by heads that did not see them.
        numbers: Which of them may be wrong, the surest first.
    """

    rows: Integers
    measured: Measured
    numbers: list[int]


def suspects_of(photos: RunPhotos, vectors: Vectors, bottlenecks: Path) -> Suspects | None:
    """Returns the photos that may be wrong; None if nobody can tell, or not in seconds.

    Args:
        photos: All photos. The scores of a run without folds are computed, by heads that did not see the photos.
        vectors: Their vectors.
        bottlenecks: The folder of the cache, which knows copies.
    """
    rows = np.flatnonzero(vectors.known)
    if not 0 < len(rows) <= _MOST:
        return None
    paths, digests = tuple(photos.paths[row] for row in rows.tolist()), photos.digests[rows]
    groups = _groups(digests, bottlenecks)
    dataset = Dataset(photos.labels, paths, photos.label_ids[rows], digests, groups)
    examples = Examples(vectors.matrix, vectors.rows[rows], dataset.label_ids, groups)
    if photos.scores is not None:
        scores = photos.scores[rows]
    else:
        scores = out_of_fold_scores(dataset, examples, solver_of(FitOptions(), dataset.counts, silent), 0, silent)
    evidence = Evidence(dataset, examples, photos.parts[rows], scores)
    found = [*label_findings(evidence), *outlier_findings(evidence)]
    number_of = {(path, digest.tobytes().hex()): n for n, (path, digest) in enumerate(zip(paths, digests, strict=True))}
    numbers = dict.fromkeys(number_of[one.path, one.sha256] for one in found)
    return Suspects(rows, Measured(photos.labels, paths, dataset.label_ids, scores), list(numbers))


def _groups(digests: Digests, bottlenecks: Path) -> Integers:
    """The groups of copies; only those of the same bytes if the cache does not know the others."""
    try:
        return find_copies(digests, FingerprintCache(bottlenecks, silent).near_copies).groups
    except RetrainerError:
        return find_copies(digests, lambda _: NO_COPIES).groups
