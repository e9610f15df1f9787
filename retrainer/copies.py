"""Which photos are copies of others: saved again, resized, cropped a little, mirrored, brightened, or the same bytes.

Whether two photos are copies follows from the two alone, so that photos that are added change nothing for others. Only
in sets where very many photos look the same do the most similar ones of each have to do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from retrainer.alignment import ALIKE, FRAMES, aligned, best_frames, glance, likeness, looks, mirrored
from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.fingerprints import Fingerprints, greys
from retrainer.lookalikes import Lookalikes, lookalikes

# How alike a photo and another, or a part of it, look on few pixels if they are worth a closer look.
_SAME_AT_A_GLANCE, _PART_AT_A_GLANCE = 0.9, 0.8
# So many photos that look most like parts of one are looked at closely.
_MOST_PARTS = 4
_AT_ONCE = 256


@dataclass(frozen=True)
class Copies:
    """Which photos are copies of one another.

    Attributes:
        groups: The group of each photo, `(N,)`: a number that copies share, and others do not.
        pairs: The photos that were found to be copies, `(P, 2)`; all of a group are linked by some.
        likenesses: How alike those are, `(P,)`, 0 to 1; 1 for the same bytes.
    """

    groups: Integers
    pairs: Integers = field(repr=False)
    likenesses: Floats = field(repr=False)


def find_copies(digests: Digests, prints: Fingerprints) -> Copies:
    """Finds the copies among photos.

    Args:
        digests: `(N, 32)`, SHA-256 of the photos' bytes.
        prints: `(N, FINGERPRINT_BYTES)`.
    """
    keys = np.ascontiguousarray(digests).view("S32").reshape(-1)
    _, first, contents = np.unique(keys, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[contents] != np.arange(len(contents)))
    same = np.stack([first[contents[again]], again], axis=1)
    near, likenesses = _near_copies(prints[first])
    pairs = np.concatenate([same, np.sort(first[near], axis=1)])
    alike = np.concatenate([np.ones(len(same), np.float32), likenesses])
    return Copies(components(len(digests), pairs), pairs, alike)


def components(count: int, pairs: Integers) -> Integers:
    """The connected components of photos, `(count,)`: the smallest number of each; pairs `(P, 2)`."""
    groups = np.arange(count)
    ones, others = pairs.T
    while (groups[ones] != groups[others]).any():
        lowest = np.minimum(groups[ones], groups[others])
        np.minimum.at(groups, groups[ones], lowest)
        np.minimum.at(groups, groups[others], lowest)
        groups = groups[groups]
    return groups


def _near_copies(prints: Fingerprints) -> tuple[Integers, Floats]:
    """The pairs of near copies among different photos, `(P, 2)`, and how alike they are, `(P,)`."""
    found = lookalikes(prints)
    glances = np.concatenate([np.empty((0, 144), np.float32), *(glance(greys(prints[c])) for c in _chunks(len(prints)))])
    whole, alike = _whole(prints, glances, found)
    groups = components(len(prints), whole)
    rest = groups[found.ones] != groups[found.others]
    parts, parts_alike = _parts(prints, glances, Lookalikes(found.ones[rest], found.others[rest], found.mirrored[rest]))
    return np.concatenate([whole, parts]), np.concatenate([alike, parts_alike])


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE))


def _whole(prints: Fingerprints, glances: Floats, found: Lookalikes) -> tuple[Integers, Floats]:
    """The pairs that show the same from edge to edge, and how alike they are."""
    pairs, alike = [np.empty((0, 2), np.int64)], [np.empty(0, np.float32)]
    for chunk in _chunks(len(found.ones)):
        ones, others, flips = found.ones[chunk], found.others[chunk], found.mirrored[chunk]
        near = (glances[ones] * mirrored(glances[others], flips)).sum(axis=1) > _SAME_AT_A_GLANCE
        ones, others, flips = ones[near], others[near], flips[near]
        found_alike = likeness(greys(prints[ones]), _flipped(greys(prints[others]), flips))
        kept = found_alike > ALIKE
        pairs.append(np.stack([ones[kept], others[kept]], axis=1))
        alike.append(found_alike[kept])
    return np.concatenate(pairs), np.concatenate(alike)


def _flipped(thumbnails: Floats, flips: Bools) -> Floats:
    """Thumbnails `(n, SIDE, SIDE)`, some of them mirrored, `(n,)`."""
    thumbnails[flips] = thumbnails[flips, :, ::-1]
    return thumbnails


def _parts(prints: Fingerprints, glances: Floats, found: Lookalikes) -> tuple[Integers, Floats]:
    """The pairs of which one shows a part of the other, and how alike it is to that part."""
    crops, wholes, flips, frames = _framed(prints, glances, found)
    alike = [np.empty(0, np.float32)]
    for chunk in _chunks(len(crops)):
        small = _flipped(greys(prints[crops[chunk]]), flips[chunk])
        alike.append(likeness(small, aligned(small, greys(prints[wholes[chunk]]), FRAMES[frames[chunk]])))
    likenesses = np.concatenate(alike)
    kept = likenesses > ALIKE
    return np.stack([crops, wholes], axis=1)[kept], likenesses[kept]


def _framed(prints: Fingerprints, glances: Floats, found: Lookalikes) -> tuple[Integers, Integers, Bools, Integers]:
    """Which photos look on few pixels like parts of which others: crops, wholes, whether mirrored, and the frames."""
    crops, wholes = np.concatenate([found.others, found.ones]), np.concatenate([found.ones, found.others])
    flips = np.tile(found.mirrored, 2)
    order = np.argsort(wholes, kind="stable")
    crops, wholes, flips = crops[order], wholes[order], flips[order]
    different, starts = np.unique(wholes, return_index=True)
    kept, frames = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for rows, parts in zip(_runs(starts, len(wholes)), _looks_of(prints, different), strict=True):
        correlations, best = best_frames(mirrored(glances[crops[rows]], flips[rows]), parts)
        most = np.argsort(-correlations, kind="stable")[:_MOST_PARTS]
        most = most[correlations[most] > _PART_AT_A_GLANCE]
        kept.append(most + rows.start)
        frames.append(best[most])
    chosen = np.concatenate(kept)
    return crops[chosen], wholes[chosen], flips[chosen], np.concatenate(frames)


def _runs(starts: Integers, end: int) -> list[slice]:
    return [slice(int(start), int(stop)) for start, stop in zip(starts, [*starts[1:], end], strict=True)]


def _looks_of(prints: Fingerprints, rows: Sequence[int] | Integers) -> Iterator[Floats]:
    """The looks of some photos, one after the other."""
    for chunk in _chunks(len(rows)):
        yield from looks(greys(prints[rows[chunk]]))
