"""Candidates: pairs of photos that may be copies, found among all pairs of a hundred thousand photos.

A descriptor, a unit vector, holds the low frequencies of a photo's edges and colours; a crop changes them little.
Matrix products compare the descriptors of all photos, and of their mirror images.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Floats, Integers
from retrainer.photos.copies.fingerprints import COLOUR_SIDE, SIDE, Fingerprints, colours, greys
from retrainer.system.parallel import in_order, usable_cores

# Cosine similarity. On 375 photos, 99 of 100 crops by 10 % of any sides are at least that similar to their photo. So is
# one pair in 300 of different flowers, and one in 7 of clothes on white.
SIMILAR = 0.68
# A photo is compared with at most this many others; in a set of things on white too many are similar.
MOST_SIMILAR = 32
_FREQUENCIES = 4
_EDGE_SIDE = SIDE // 2
# On a plain surface, the square roots of neighbouring pixels' brightness differ by less.
_NOISE = 0.03
_ROWS, _COLUMNS, _DESCRIBED = 512, 4096, 1024


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs of similar photos.

    Attributes:
        ones, others: The photos of each pair, `(P,)`. A pair may occur twice.
        mirrored: Whether the one is similar to the mirror image of the other, `(P,)`.
    """

    ones: Integers
    others: Integers
    mirrored: Bools


def find_candidates(prints: Fingerprints) -> Candidates:
    """Finds similar photos; each photo is paired with at most `MOST_SIMILAR` of the photos after it.

    Args:
        prints: `(N, FINGERPRINT_BYTES)`. Adding photos must not change the order of the others.
    """
    plain = np.concatenate([np.empty((0, _SIGNS.size), np.float32), *map(_described, _blocks(prints))])
    mirrored = plain[:, _SWAPPED] * _SIGNS
    starts = range(0, len(plain), _ROWS)

    def similar(_: None, start: int) -> list[tuple[Integers, Integers, Bools]]:
        rows = plain[start : start + _ROWS]
        return [_similar(rows, others, start, flipped) for flipped, others in ((False, plain), (True, mirrored))]

    found = [one for both in in_order([None] * min(usable_cores(), len(starts) or 1), similar, starts) for one in both]
    if not found:
        return Candidates(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))
    ones, others, flips = map(np.concatenate, zip(*found, strict=True))
    return Candidates(ones, others, flips)


def _blocks(prints: Fingerprints) -> list[Fingerprints]:
    return [prints[start : start + _DESCRIBED] for start in range(0, len(prints), _DESCRIBED)]


def _similar(rows: Floats, others: Floats, start: int, flipped: bool) -> tuple[Integers, Integers, Bools]:
    """The pairs of photos `start` and following, `(n, d)`, with those after them among all photos, `(N, d)`."""
    cosines = np.empty((len(rows), len(others) - start), np.float32)
    for column in range(start, len(others), _COLUMNS):
        np.matmul(
            rows, others[column : column + _COLUMNS].T, out=cosines[:, column - start : column - start + _COLUMNS]
        )
    cosines[:, : len(rows)][np.tri(len(rows), dtype=np.bool_)] = -1
    close = cosines > SIMILAR
    for row in np.flatnonzero(close.sum(axis=1) > MOST_SIMILAR):
        close[row] = cosines[row] > np.partition(cosines[row], -MOST_SIMILAR - 1)[-MOST_SIMILAR - 1]
    ones, behind = np.nonzero(close)
    return ones + start, behind + start, np.full(len(ones), flipped)


def _described(prints: Fingerprints) -> Floats:
    """The descriptors of photos: unit vectors float32 `(n, d)`."""
    grey = greys(prints)
    light = _COSINES @ grey @ _COSINES.T * _LIGHT_WEIGHTS
    hue = _COLOUR_COSINES @ colours(prints) @ _COLOUR_COSINES.T * _COLOUR_WEIGHTS
    seen = np.concatenate([light[:, np.newaxis], hue], axis=1)
    both = np.concatenate([_unit(_edges(grey)), _unit(seen)], axis=1)
    described: Floats = both.reshape(len(prints), -1) * np.float32(np.sqrt(0.5))
    return described


def _edges(grey: Floats) -> Floats:
    """The low frequencies of the edges in each of four directions, `(n, 4, 4, 4)`."""
    light = np.sqrt(grey).reshape(-1, _EDGE_SIDE, 2, _EDGE_SIDE, 2).mean(axis=(2, 4))
    across = light[:, 1:-1, 2:] - light[:, 1:-1, :-2]
    down = light[:, 2:, 1:-1] - light[:, :-2, 1:-1]
    half = np.float32(np.sqrt(0.5))
    directions = np.stack([across, down, (across + down) * half, (across - down) * half], axis=1)
    strength = (across * across + down * down + np.float32(_NOISE))[:, np.newaxis]
    # An edge counts for its own direction, by the square root of its strength.
    squares = directions * directions
    edges: Floats = _EDGE_COSINES @ (squares * squares / strength**1.75) @ _EDGE_COSINES.T * _EDGE_WEIGHTS
    return edges


def _unit(frequencies: Floats) -> Floats:
    """Arrays `(n, k, 4, 4)` scaled to length 1."""
    lengths = np.sqrt((frequencies * frequencies).sum(axis=(1, 2, 3), keepdims=True))
    unit: Floats = frequencies / np.maximum(lengths, np.float32(1e-6))
    return unit


def _cosine_transform(side: int, scale: float = 1.0) -> Floats:
    """The first four rows of the discrete cosine transform of `side` values, `(4, side)`."""
    angles = np.outer(np.arange(_FREQUENCIES), np.arange(side) + 0.5)
    rows = np.cos(np.pi * angles / side) * np.sqrt(2 / side) * scale
    rows[0] /= np.sqrt(2)
    transform: Floats = rows.astype(np.float32)
    return transform


_COSINES, _EDGE_COSINES = _cosine_transform(SIDE), _cosine_transform(_EDGE_SIDE - 2)
# The scale makes up for the fewer pixels of the colours, which count four times.
_COLOUR_COSINES = _cosine_transform(COLOUR_SIDE, 2 * np.sqrt(SIDE / COLOUR_SIDE))
_FREQUENCY = np.hypot(*np.indices((_FREQUENCIES, _FREQUENCIES)))


def _weights(others: npt.NDArray[np.float64], first: float) -> Floats:
    """The weights of frequencies, `(4, 4)`; `first` is the weight of the mean."""
    weights = others.astype(np.float32)
    weights[0, 0] = first
    return weights


_EDGE_WEIGHTS = _weights(np.exp(-((_FREQUENCY / 3) ** 2)), 0.2)
_LIGHT_WEIGHTS, _COLOUR_WEIGHTS = _weights(np.sqrt(_FREQUENCY), 0.0), _weights(np.sqrt(_FREQUENCY), 0.5)
# Mirroring a photo changes the sign of odd horizontal frequencies, and swaps the two slanting directions.
_NUMBERS = np.arange(7 * _FREQUENCIES**2).reshape(7, _FREQUENCIES, _FREQUENCIES)
_SWAPPED = _NUMBERS[[0, 1, 3, 2, 4, 5, 6]].reshape(-1)
_SIGNS = np.tile(np.array([1, -1, 1, -1], np.float32), 7 * _FREQUENCIES)
