"""Which photos are copies of others: saved again, resized, cropped a little, mirrored, brightened, or the same bytes.

Whether two photos are copies follows from the two alone, so that photos that are added change nothing for others. Only
in sets where very many photos look the same do the most similar ones of each have to do.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers
from retrainer.photos.copies.alignment import ALIKE, FRAMES, aligned, best_frames, glance, likeness, looks, mirrored
from retrainer.photos.copies.fingerprints import Fingerprints, greys
from retrainer.photos.copies.lookalikes import Lookalikes, lookalikes
from retrainer.system.parallel import in_order, usable_cores

# How alike a photo and another, or a part of it, look on few pixels if they are worth a closer look.
_SAME_AT_A_GLANCE, _PART_AT_A_GLANCE = 0.9, 0.8
# So many photos that look most like parts of one are looked at closely: an export may have ten crops of each photo.
_MOST_PARTS = 16
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class NearCopies:
    """Pairs of photos that are near copies: `(P, 2)`, and how alike they are, `(P,)`, 0 to 1."""

    pairs: Integers
    likenesses: Floats


@dataclass(frozen=True, eq=False)
class Copies:
    """Which photos are copies of one another.

    Attributes:
        groups: The group of each photo, `(N,)`: the number of its first, which copies share, and others do not.
        pairs: Photos that are copies, the earlier first, `(P, 2)`; all of a group are linked by some.
        likenesses: How alike those are, `(P,)`, 0 to 1; 1 for the same bytes.
    """

    groups: Integers
    pairs: Integers = field(repr=False)
    likenesses: Floats = field(repr=False)


NO_COPIES = NearCopies(np.empty((0, 2), np.int64), np.empty(0, np.float32))


def find_copies(digests: Digests, near: Callable[[Digests], NearCopies]) -> Copies:
    """Finds the copies among photos, those of the same bytes and near ones.

    Args:
        digests: `(N, 32)`, SHA-256 of the photos' bytes.
        near: Different digests, sorted -> the near copies among them.
    """
    keys = np.ascontiguousarray(digests).view("S32").reshape(-1)
    _, first, contents = np.unique(keys, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[contents] != np.arange(len(contents)))
    same = np.stack([first[contents[again]], again], axis=1)
    found = near(digests[first])
    pairs = np.concatenate([same, np.sort(first[found.pairs], axis=1)])
    likenesses = np.concatenate([np.ones(len(same), np.float32), found.likenesses])
    return Copies(components(len(digests), pairs), pairs, likenesses)


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


def near_copies(prints: Fingerprints) -> NearCopies:
    """The near copies among different photos; fingerprints `(N, FINGERPRINT_BYTES)`, in the order of their digests."""
    found = lookalikes(prints)
    if not len(found.ones):
        return NO_COPIES
    glances = np.concatenate([glance(greys(prints[chunk])) for chunk in _chunks(len(prints))])
    whole = _whole(prints, glances, found)
    # Who is in one group already needs no closer look.
    groups = components(len(prints), whole.pairs)
    rest = groups[found.ones] != groups[found.others]
    parts = _parts(prints, glances, Lookalikes(found.ones[rest], found.others[rest], found.mirrored[rest]))
    return NearCopies(np.concatenate([whole.pairs, parts.pairs]), np.concatenate([whole.likenesses, parts.likenesses]))


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE))


def _whole(prints: Fingerprints, glances: Floats, found: Lookalikes) -> NearCopies:
    """The pairs that show the same from edge to edge."""
    pairs, alike = [np.empty((0, 2), np.int64)], [np.empty(0, np.float32)]
    for chunk in _chunks(len(found.ones)):
        ones, others, flips = found.ones[chunk], found.others[chunk], found.mirrored[chunk]
        near = (glances[ones] * mirrored(glances[others], flips)).sum(axis=1) > _SAME_AT_A_GLANCE
        ones, others, flips = ones[near], others[near], flips[near]
        if not len(ones):
            continue
        found_alike = likeness(greys(prints[ones]), _flipped(greys(prints[others]), flips))
        kept = found_alike > ALIKE
        pairs.append(np.stack([ones[kept], others[kept]], axis=1))
        alike.append(found_alike[kept])
    return NearCopies(np.concatenate(pairs), np.concatenate(alike))


def _flipped(thumbnails: Floats, flips: Bools) -> Floats:
    """Thumbnails `(n, SIDE, SIDE)`, some of them mirrored, `(n,)`."""
    thumbnails[flips] = thumbnails[flips, :, ::-1]
    return thumbnails


def _parts(prints: Fingerprints, glances: Floats, found: Lookalikes) -> NearCopies:
    """The pairs of which one shows a part of the other."""
    crops, wholes, flips, frames = _framed(prints, glances, found)
    if not len(crops):
        return NO_COPIES

    def alike(_: None, chunk: slice) -> Floats:
        small = _flipped(greys(prints[crops[chunk]]), flips[chunk])
        return likeness(small, aligned(small, greys(prints[wholes[chunk]]), FRAMES[frames[chunk]]))

    chunks = list(_chunks(len(crops)))
    likenesses = np.concatenate(list(in_order([None] * min(usable_cores(), len(chunks)), alike, chunks)))
    kept = likenesses > ALIKE
    return NearCopies(np.stack([crops, wholes], axis=1)[kept], likenesses[kept])


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
    return [slice(int(start), int(stop)) for start, stop in zip(starts, np.append(starts, end)[1:], strict=True)]


def _looks_of(prints: Fingerprints, rows: Sequence[int] | Integers) -> Iterator[Floats]:
    """The looks of some photos, one after the other."""
    for chunk in _chunks(len(rows)):
        yield from looks(greys(prints[rows[chunk]]))
