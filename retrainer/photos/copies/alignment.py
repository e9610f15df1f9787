"""Whether one thumbnail shows what another shows, or a part of it: where it lies in it, and how like the two are there.

What is compared is what varies within small cells, without what their rows and columns have in common. Pictures of the
same kind agree on the whole, copies in each cell; brightness, plain and shaded grounds and lines of text say nothing.
"""

import numpy as np
import numpy.typing as npt

from retrainer.arrays import Bools, Floats, Integers
from retrainer.photos.copies.fingerprints import SIDE

Frames = npt.NDArray[np.float64]
"""Parts of thumbnails, `(n, 4)`: width, left, height and top as shares of the side, 0 to 1."""

# Crops by 10 % of 375 photos are at 0.78 (98 of 100 are above), the most alike of 1,495 different photos at 0.5.
ALIKE = 0.6
_LEAST_CELL, _LEAST_CELLS, _FEWEST_CELLS = 0.5, 0.6, 10
_CELLS = 8
# Grey levels of noise, and of what stands out from it.
_NOISE, _TEXTURE = 1.0, 2.0
# Thumbnails are laid on one another in a few steps of Gauss and Newton at half of their size.
_STEPS, _STEP_SIDE, _LARGEST_STEP, _SMALLEST = 3, 24, 0.05, 0.7
_DAMPING = 0.01
# A first look tries frames of these widths and heights, at every twentieth of the side, on so few pixels.
_FRAME_SIZES, _FRAME_STEP, _LOOK_SIDE = (1.0, 0.9, 0.8), 0.05, 12


def likeness(ones: Floats, others: Floats) -> Floats:
    """How alike thumbnails are, pair by pair, `(n,)`: 1 for the same, around 0 for different ones, 0 for plain ones.

    It is the mean correlation within those cells that are not plain; 0 unless most of them are somewhat alike.

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
    """Cells without the means of their rows and columns, `(n, cells, pixels)`."""
    side = SIDE // _CELLS
    cells = thumbnails.reshape(-1, _CELLS, side, _CELLS, side).swapaxes(2, 3)
    cells = cells - cells.mean(axis=3, keepdims=True)
    cells -= cells.mean(axis=4, keepdims=True)
    flat: Floats = cells.reshape(-1, _CELLS**2, side**2)
    return flat


def aligned(ones: Floats, others: Floats, frames: Frames) -> Floats:
    """The parts of thumbnails that look the most like others, `(n, SIDE, SIDE)`.

    Args:
        ones: Greys that may be crops, `(n, SIDE, SIDE)`.
        others: What they may be crops of, `(n, SIDE, SIDE)`.
        frames: About where, `(n, 4)`.
    """
    wanted = _standard(_cut(ones, np.tile([1.0, 0.0, 1.0, 0.0], (len(ones), 1)), _STEP_SIDE))
    for _ in range(_STEPS):
        part = _cut(others, frames, _STEP_SIDE)
        seen, slopes = _standard(part), _slopes(part, frames)
        curvature = slopes @ slopes.swapaxes(1, 2) + np.float32(_DAMPING) * np.eye(4, dtype=np.float32)
        steps = np.linalg.solve(curvature, slopes @ (wanted - seen)[:, :, np.newaxis])[:, :, 0]
        frames = _within(frames + steps.clip(-_LARGEST_STEP, _LARGEST_STEP))
    return _cut(others, frames, SIDE)


def _slopes(parts: Floats, frames: Frames) -> Floats:
    """How parts `(n, side, side)`, standardised, change with each number of their frames, `(n, 4, side * side)`."""
    side = parts.shape[1]
    down, across = np.gradient(parts, np.float32(1 / side), axis=(1, 2))
    across /= frames[:, 0, np.newaxis, np.newaxis].astype(np.float32)
    down /= frames[:, 2, np.newaxis, np.newaxis].astype(np.float32)
    places = ((np.arange(side) + 0.5) / side).astype(np.float32)
    slopes = np.stack([across * places, across, down * places[:, np.newaxis], down], axis=1)
    rows = slopes.reshape(len(parts), 4, -1)
    flat = parts.reshape(len(parts), -1)
    lengths = np.linalg.norm(flat - flat.mean(axis=1, keepdims=True), axis=1).clip(1e-3)
    rows = (rows - rows.mean(axis=2, keepdims=True)) / lengths[:, np.newaxis, np.newaxis]
    seen = _standard(parts)[:, np.newaxis]
    standardised: Floats = rows - (rows * seen).sum(axis=2, keepdims=True) * seen
    return standardised


def _within(frames: Frames) -> Frames:
    """Frames that lie within the thumbnail, and show most of it."""
    sizes = frames[:, ::2].clip(_SMALLEST, 1)
    starts = np.minimum(frames[:, 1::2].clip(0, 1), 1 - sizes)
    return np.stack([sizes, starts], axis=2).reshape(-1, 4)


def _cut(thumbnails: Floats, frames: Frames, side: int) -> Floats:
    """Parts of thumbnails as squares `(n, side, side)`, each pixel the mean of what it covers."""
    across, down = _means(frames[:, 0], frames[:, 1], side), _means(frames[:, 2], frames[:, 3], side)
    parts: Floats = np.matmul(down @ thumbnails, across.swapaxes(1, 2))
    return parts


def _means(sizes: npt.NDArray[np.float64], starts: npt.NDArray[np.float64], side: int) -> Floats:
    """Matrices that cut a part out of a row of `SIDE` pixels, `(n, side, SIDE)`."""
    places = starts[:, np.newaxis] + sizes[:, np.newaxis] * np.arange(side + 1) / side
    edges = (places * SIDE).astype(np.float32)[:, :, np.newaxis]
    before: Floats = np.clip(edges - np.arange(SIDE, dtype=np.float32), 0, 1)
    shares: Floats = (side / SIDE / sizes).astype(np.float32)[:, np.newaxis, np.newaxis]
    weights: Floats = (before[:, 1:] - before[:, :-1]) * shares
    return weights


def _standard(parts: Floats) -> Floats:
    """Parts `(n, side, side)` as vectors of mean 0 and length 1, `(n, side * side)`."""
    rows = parts.reshape(len(parts), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    unit: Floats = rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True)).clip(1e-3)
    return unit


_STARTS = [(size, n * _FRAME_STEP) for size in _FRAME_SIZES for n in range(round((1 - size) / _FRAME_STEP) + 1)]
_SIZES, _LEFTS = np.array(_STARTS).T
_LOOKS: Floats = _means(_SIZES, _LEFTS, _LOOK_SIDE).reshape(-1, SIDE)
FRAMES: Frames = np.array([(*across, *down) for down in _STARTS for across in _STARTS])
"""The frames that a first look tries, `(F, 4)`; the first is the whole."""


def looks(thumbnails: Floats) -> Floats:
    """Each thumbnail's parts in all `FRAMES` on few pixels, float32 `(n, F, 144)`, of mean 0 and length 1."""
    count = len(_STARTS)
    rows: Floats = np.matmul(_LOOKS @ thumbnails, _LOOKS.T)
    cut = rows.reshape(-1, count, _LOOK_SIDE, count, _LOOK_SIDE).swapaxes(2, 3)
    return _standard(cut.reshape(-1, _LOOK_SIDE, _LOOK_SIDE)).reshape(len(thumbnails), len(FRAMES), -1)


def glance(thumbnails: Floats) -> Floats:
    """Each whole thumbnail on few pixels, float32 `(n, 144)`, of mean 0 and length 1."""
    whole = _LOOKS[:_LOOK_SIDE]
    seen: Floats = np.matmul(whole @ thumbnails, whole.T)
    return _standard(seen)


def mirrored(glances: Floats, flips: Bools) -> Floats:
    """Glances `(n, 144)` of thumbnails, some of them mirrored, `(n,)`."""
    square = glances.reshape(-1, _LOOK_SIDE, _LOOK_SIDE)
    both: Floats = np.where(flips[:, np.newaxis, np.newaxis], square[:, :, ::-1], square).reshape(len(glances), -1)
    return both


def best_frames(glances: Floats, parts: Floats) -> tuple[Floats, Integers]:
    """How like each glance `(n, 144)` the part of one thumbnail `(F, 144)` is that is most like it, and which it is."""
    correlations = glances @ parts.T
    best = correlations.argmax(axis=1)
    return correlations[np.arange(len(best)), best], best
