"""The hash of a split or of folds; runs with the same hash measure the same photos in the same way."""

import hashlib

import numpy as np

from retrainer.arrays import Integers
from retrainer.photos.dataset import Dataset
from retrainer.photos.parts import Part
from retrainer.photos.splits import Split

_NOT_MEASURED = len(Part)


def split_digest(dataset: Dataset, split: Split, measured: Integers) -> str:
    """Returns the hash of a split, in hexadecimal.

    Args:
        dataset: N photos.
        split: Their parts.
        measured: The rows of the test photos that are measured, `(n,)`. Other test photos get a number of their own.
    """
    numbers = np.where(split.parts == Part.TESTING, _NOT_MEASURED, split.parts).astype(np.int64)
    numbers[measured] = Part.TESTING
    return assignment_digest(dataset, numbers)


def assignment_digest(dataset: Dataset, numbers: Integers) -> str:
    """Returns the hash of the numbers of parts or folds of photos, `(N,)`, in hexadecimal.

    It is the SHA-256 of sorted lines, one for each photo: the SHA-256 of its bytes, its number and its label.
    """
    rows = zip(dataset.digests, numbers.tolist(), dataset.label_ids.tolist(), strict=True)
    lines = sorted(f"{digest.tobytes().hex()} {number} {dataset.labels[label]}\n" for digest, number, label in rows)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
