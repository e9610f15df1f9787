"""The photos that are most alike: exact search, block by block, in bounded memory."""

from dataclasses import dataclass

import numpy as np

from retrainer.arrays import Floats, Integers, normalised, spread
from retrainer.training.examples import Examples

# Similarities that are in memory at once, 64 MiB.
_AT_ONCE = 2**24
# More photos than these are compared by their main directions, so that 100,000 photos take minutes. Measured on the
# flowers: with 128 directions the votes find as many of the planted errors, within 0.02.
MOST_IN_FULL, _DIRECTIONS, _SAMPLE = 10_000, 128, 8192
# A photo of the nearest ones is among the chunks with the largest maxima, so only these are looked through.
_CHUNK = 64


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest photos of each photo, none of them its copy.

    Attributes:
        rows: Their rows, `(N, K)`, the nearest first; -1 if there are fewer.
        similarities: Their cosine similarities, -1 to 1, `(N, K)`; -1 if there are fewer.
    """

    rows: Integers
    similarities: Floats

    def of(self, row: int) -> Integers:
        """Returns the rows of a photo's neighbours, at most K."""
        rows: Integers = self.rows[row][self.rows[row] >= 0]
        return rows

    def votes(self, label_ids: Integers, classes: int) -> Floats:
        """Returns the share of each class among a photo's neighbours, by their similarities, `(N, C)`, 0 to 1.

        A photo without neighbours has equal shares.
        """
        votes = np.zeros((len(self.rows), classes), np.float32)
        weights = np.where(self.rows >= 0, np.maximum(self.similarities, 0), 0)
        # One neighbour after the other, so that no photo meets a class twice at once.
        for rows, weight in zip(self.rows.T, weights.T, strict=True):
            votes[np.arange(len(votes)), label_ids[rows]] += weight
        totals = weights.sum(axis=1, keepdims=True)
        equal = np.full_like(votes, 1 / classes)
        shares: Floats = np.divide(votes, totals, out=equal, where=totals > 0)
        return shares


def directions_of(examples: Examples) -> Floats:
    """Returns unit vectors, `(N, D)`; of many photos the parts along the main directions, of length 1 at most.

    What lies outside of the main directions counts as different, so that similarities are never overstated by much.
    """
    if len(examples) <= MOST_IN_FULL or examples.matrix.shape[1] <= _DIRECTIONS:
        return normalised(examples.features)
    sample = normalised(examples.at(spread(len(examples), _SAMPLE)).features)
    _, vectors = np.linalg.eigh(sample.T @ sample)
    main = np.ascontiguousarray(vectors[:, -_DIRECTIONS:])
    return np.concatenate([normalised(chunk.features) @ main for chunk in examples.chunks()])


def nearest(vectors: Floats, groups: Integers, count: int) -> Neighbours:
    """Returns the nearest photos of each photo, without those of its own group.

    Args:
        vectors: As `directions_of` gives them, `(N, D)`.
        groups: The group of each photo, `(N,)`.
        count: K, how many neighbours each photo has at most.
    """
    total = len(vectors)
    count = min(count, max(total - 1, 1))
    padding = -total % _CHUNK
    columns = np.concatenate([vectors, np.zeros((padding, vectors.shape[1]), np.float32)]).T
    numbers = np.unique(groups, return_inverse=True)[1].astype(np.int32)
    rows, similarities = np.full((total, count), -1), np.full((total, count), -1, np.float32)
    step = max(1, _AT_ONCE // columns.shape[1])
    for start in range(0, total, step):
        block = slice(start, min(start + step, total))
        products = vectors[block] @ columns
        products[:, total:] = -np.inf
        products[:, :total][numbers[block, np.newaxis] == numbers] = -np.inf
        rows[block], similarities[block] = _largest(products, count)
    np.clip(similarities, -1, 1, out=similarities)
    return Neighbours(rows, similarities)


def _largest(products: Floats, count: int) -> tuple[Integers, Floats]:
    """The columns of the largest products of each row, `(n, count)`, largest first, and these products."""
    chunks = products.reshape(len(products), -1, _CHUNK)
    kept = min(count, chunks.shape[1])
    best = np.argpartition(-chunks.max(axis=2), kept - 1, axis=1)[:, :kept]
    columns = (best[:, :, np.newaxis] * _CHUNK + np.arange(_CHUNK)).reshape(len(products), -1)
    values = np.take_along_axis(products, columns, axis=1)
    order = np.argpartition(-values, count - 1, axis=1)[:, :count]
    order = np.take_along_axis(order, np.argsort(-np.take_along_axis(values, order, axis=1), axis=1), axis=1)
    columns, values = np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)
    missing = np.isneginf(values)
    return np.where(missing, -1, columns), np.where(missing, np.float32(-1), values)
