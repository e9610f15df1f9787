"""The photos of a run that may be wrong: wrong labels and outliers, by the scores and vectors that the run left."""

from pathlib import Path

import numpy as np

from retrainer.arrays import Digests, Integers
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.errors import RetrainerError
from retrainer.events import silent
from retrainer.findings.evidence import Evidence
from retrainer.findings.labels import label_findings
from retrainer.findings.outliers import outlier_findings
from retrainer.photos.copies.search import NO_COPIES, find_copies
from retrainer.photos.dataset import Dataset
from retrainer.reports.photos import RunPhotos
from retrainer.reports.vectors import Vectors
from retrainer.training.examples import Examples

# Every photo is compared with all others; a report of more photos leaves that to `clean`.
_MOST = 5_000


def suspects_of(photos: RunPhotos, vectors: Vectors, bottlenecks: Path) -> list[int] | None:
    """Returns the rows of photos that may be wrong, the surest first; None if nobody can tell, or not in seconds.

    Args:
        photos: All photos; only those of a run with folds have scores by heads that did not see them.
        vectors: Their vectors.
        bottlenecks: The folder of the cache, which knows copies.
    """
    rows = np.flatnonzero(vectors.known)
    if photos.scores is None or not 0 < len(rows) <= _MOST:
        return None
    paths, digests = tuple(photos.paths[row] for row in rows.tolist()), photos.digests[rows]
    groups = _groups(digests, bottlenecks)
    evidence = Evidence(
        Dataset(photos.labels, paths, photos.label_ids[rows], digests, groups),
        Examples(vectors.matrix, vectors.rows[rows], photos.label_ids[rows], groups),
        photos.parts[rows],
        photos.scores[rows],
    )
    found = [*label_findings(evidence), *outlier_findings(evidence)]
    row_of = {(path, digest.tobytes().hex()): row for path, digest, row in zip(paths, digests, rows, strict=True)}
    return list(dict.fromkeys(int(row_of[one.path, one.sha256]) for one in found))


def _groups(digests: Digests, bottlenecks: Path) -> Integers:
    """The groups of copies; only those of the same bytes if the cache does not know the others."""
    try:
        return find_copies(digests, FingerprintCache(bottlenecks, silent).near_copies).groups
    except RetrainerError:
        return find_copies(digests, lambda _: NO_COPIES).groups
