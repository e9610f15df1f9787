"""Finds where one thumbnail lies in another, and measures how alike the two are there.

Thumbnails are compared cell by cell, less the means of each cell's rows and columns. Copies agree in each cell; other
pictures of one kind agree only as a whole. So brightness, plain and shaded grounds and lines of text do not count.
"""

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Floats, Integers
from retrainer.photos.copies.fingerprints import SIDE

Frames = npt.NDArray[np.float64]
"""Crops of thumbnails, `(n, 4)`: width, left, height and top as shares of the side, 0 to 1."""

# Likeness of copies. Of crops by 10 % of 375 photos, 98 % exceed 0.78; 1,495 different photos reach at most 0.5.
ALIKE = 0.6
_LEAST_CELL, _LEAST_CELLS, _FEWEST_CELLS = 0.5, 0.6, 10
_CELLS = 8
# Grey levels: the noise of a camera, and the least contrast of a cell that is not plain.
_NOISE, _TEXTURE = 1.0, 2.0
# Frames are refined by a few Gauss-Newton steps, at half of the thumbnails' size.
_STEPS, _STEP_SIDE, _LARGEST_STEP, _SMALLEST = 3, 24, 0.05, 0.7
_DAMPING = 0.01
# The coarse comparison tries frames of these widths and heights at every twentieth of the side, on 12 by 12 pixels.
_FRAME_SIZES, _FRAME_STEP, _COARSE_SIDE = (1.0, 0.9, 0.8), 0.05, 12


def likeness(ones: Floats, others: Floats) -> Floats:
    """The likeness of thumbnails, pair by pair, `(n,)`: 1 for the same, about 0 for different ones, 0 for plain ones.

    It is the mean correlation within the cells that are not plain; 0 unless most of these are somewhat alike.

    Args:
        ones, others: Greys `(n, SIDE, SIDE)`, 0 to 255.
    """
    one, other = _cells(ones), _cells(others)
    ones_power, others_power = (one * one).mean(axis=2), (other * other).mean(axis=2)
    floor = np.float32(_NOISE**2)
    scales = np.sqrt(np.maximum(ones_power, floor) * np.maximum(others_power, floor))
    correlations = (one * other).mean(axis=2) / scales
    textured = np.maximum(ones_power, others_power) > _TEXTURE**2
    counts = textured.sum(axis=1)
    mean = (correlations * textured).sum(axis=1) / np.maximum(counts, 1)
    somewhat = (textured & (correlations > _LEAST_CELL)).sum(axis=1)
    agree = (counts >= _FEWEST_CELLS) & (somewhat >= _LEAST_CELLS * counts)
    alike: Floats = np.where(agree, mean, 0).astype(np.float32)
    return alike


def _cells(thumbnails: Floats) -> Floats:
    """The cells of thumbnails, less the means of each cell's rows and columns, `(n, cells, pixels)`."""
    side = SIDE // _CELLS
    cells = thumbnails.reshape(-1, _CELLS, side, _CELLS, side).swapaxes(2, 3)
    cells = cells - cells.mean(axis=3, keepdims=True)
    cells -= cells.mean(axis=4, keepdims=True)
    flat: Floats = cells.reshape(-1, _CELLS**2, side**2)
    return flat


def aligned(ones: Floats, others: Floats, frames: Frames) -> Floats:
    """The crops of `others` that look most like `ones`, `(n, SIDE, SIDE)`.

    Args:
        ones: Greys of photos that may be crops, `(n, SIDE, SIDE)`.
        others: Greys of the photos that they may be crops of, `(n, SIDE, SIDE)`.
        frames: Where the crops are, roughly, `(n, 4)`.
    """
    wanted = _standard(_cut(ones, np.tile([1.0, 0.0, 1.0, 0.0], (len(ones), 1)), _STEP_SIDE))
    for _ in range(_STEPS):
        crops = _cut(others, frames, _STEP_SIDE)
        seen, slopes = _standard(crops), _slopes(crops, frames)
        curvature = slopes @ slopes.swapaxes(1, 2) + np.float32(_DAMPING) * np.eye(4, dtype=np.float32)
        steps = np.linalg.solve(curvature, slopes @ (wanted - seen)[:, :, np.newaxis])[:, :, 0]
        frames = _within(frames + steps.clip(-_LARGEST_STEP, _LARGEST_STEP))
    return _cut(others, frames, SIDE)


def _slopes(crops: Floats, frames: Frames) -> Floats:
    """The derivatives of standardised crops `(n, side, side)` by the numbers of their frames, `(n, 4, side * side)`."""
    side = crops.shape[1]
    down, across = np.gradient(crops, np.float32(1 / side), axis=(1, 2))
    across /= frames[:, 0, np.newaxis, np.newaxis].astype(np.float32)
    down /= frames[:, 2, np.newaxis, np.newaxis].astype(np.float32)
    centres = ((np.arange(side) + 0.5) / side).astype(np.float32)
    slopes = np.stack([across * centres, across, down * centres[:, np.newaxis], down], axis=1)
    rows = slopes.reshape(len(crops), 4, -1)
    flat = crops.reshape(len(crops), -1)
    lengths = np.linalg.norm(flat - flat.mean(axis=1, keepdims=True), axis=1).clip(1e-3)
    rows = (rows - rows.mean(axis=2, keepdims=True)) / lengths[:, np.newaxis, np.newaxis]
    seen = _standard(crops)[:, np.newaxis]
    standardised: Floats = rows - (rows * seen).sum(axis=2, keepdims=True) * seen
    return standardised


def _within(frames: Frames) -> Frames:
    """Frames moved into the thumbnail and enlarged to show most of it."""
    sizes = frames[:, ::2].clip(_SMALLEST, 1)
    starts = np.minimum(frames[:, 1::2].clip(0, 1), 1 - sizes)
    return np.stack([sizes, starts], axis=2).reshape(-1, 4)


def _cut(thumbnails: Floats, frames: Frames, side: int) -> Floats:
    """Crops of thumbnails as squares `(n, side, side)`; each pixel is the mean of the area that it covers."""
    across, down = _means(frames[:, 0], frames[:, 1], side), _means(frames[:, 2], frames[:, 3], side)
    crops: Floats = np.matmul(down @ thumbnails, across.swapaxes(1, 2))
    return crops


def _means(sizes: npt.NDArray[np.float64], starts: npt.NDArray[np.float64], side: int) -> Floats:
    """Matrices that crop a row of `SIDE` pixels to `side` pixels, `(n, side, SIDE)`."""
    borders = starts[:, np.newaxis] + sizes[:, np.newaxis] * np.arange(side + 1) / side
    edges = (borders * SIDE).astype(np.float32)[:, :, np.newaxis]
    before: Floats = np.clip(edges - np.arange(SIDE, dtype=np.float32), 0, 1)
    shares: Floats = (side / SIDE / sizes).astype(np.float32)[:, np.newaxis, np.newaxis]
    weights: Floats = (before[:, 1:] - before[:, :-1]) * shares
    return weights


def _standard(crops: Floats) -> Floats:
    """Crops `(n, side, side)` as vectors of mean 0 and length 1, `(n, side * side)`."""
    rows = crops.reshape(len(crops), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    unit: Floats = rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True)).clip(1e-3)
    return unit


_STARTS = [(size, n * _FRAME_STEP) for size in _FRAME_SIZES for n in range(round((1 - size) / _FRAME_STEP) + 1)]
_SIZES, _LEFTS = np.array(_STARTS).T
_COARSE: Floats = _means(_SIZES, _LEFTS, _COARSE_SIDE).reshape(-1, SIDE)
FRAMES: Frames = np.array([(*across, *down) for down in _STARTS for across in _STARTS])
"""The frames of the coarse comparison, `(F, 4)`; the first one shows the whole thumbnail."""


def coarse_crops(thumbnails: Floats) -> Floats:
    """The crops of each thumbnail by all `FRAMES`, coarse: float32 `(n, F, 144)`, of mean 0 and length 1."""
    count = len(_STARTS)
    rows: Floats = np.matmul(_COARSE @ thumbnails, _COARSE.T)
    cut = rows.reshape(-1, count, _COARSE_SIDE, count, _COARSE_SIDE).swapaxes(2, 3)
    return _standard(cut.reshape(-1, _COARSE_SIDE, _COARSE_SIDE)).reshape(len(thumbnails), len(FRAMES), -1)


def coarse(thumbnails: Floats) -> Floats:
    """Each whole thumbnail, coarse: float32 `(n, 144)`, of mean 0 and length 1."""
    whole = _COARSE[:_COARSE_SIDE]
    seen: Floats = np.matmul(whole @ thumbnails, whole.T)
    return _standard(seen)


def mirrored(thumbnails: Floats, flips: Bools) -> Floats:
    """Coarse thumbnails `(n, 144)`, mirrored if `flips` says so, `(n,)`."""
    square = thumbnails.reshape(-1, _COARSE_SIDE, _COARSE_SIDE)
    both: Floats = np.where(flips[:, np.newaxis, np.newaxis], square[:, :, ::-1], square).reshape(len(thumbnails), -1)
    return both


def best_frames(thumbnails: Floats, crops: Floats) -> tuple[Floats, Integers]:
    """The crop of one photo, `(F, 144)`, that is most like each coarse thumbnail `(n, 144)`.

    Returns:
        The correlations with these crops, `(n,)`, and the numbers of their frames, `(n,)`.
    """
    correlations = thumbnails @ crops.T
    best = correlations.argmax(axis=1)
    return correlations[np.arange(len(best)), best], best
