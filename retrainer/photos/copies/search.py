"""Finds copies: photos of the same bytes, or saved again, resized, cropped a little, mirrored or brightened.

Only the two photos of a pair decide whether they are copies, so adding photos changes nothing for others. There is one
exception: if very many photos are similar, each is compared only with the most similar ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from retrainer.arrays import Bools, Digests, Floats, Integers, digest_keys
from retrainer.photos.copies.alignment import (
    ALIKE,
    FRAMES,
    aligned,
    best_frames,
    coarse,
    coarse_crops,
    likeness,
    mirrored,
)
from retrainer.photos.copies.candidates import Candidates, find_candidates
from retrainer.photos.copies.fingerprints import Fingerprints, greys
from retrainer.system.parallel import in_order, usable_cores

# Correlations of coarse thumbnails above which a pair is compared closely: whole photos, and a photo and a crop.
_WHOLE_CORRELATION, _CROP_CORRELATION = 0.9, 0.8
# At most this many likely crops of one photo are compared closely; an export may have ten crops of each photo.
_MOST_CROPS = 16
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class NearCopies:
    """Pairs of photos that are near copies, `(P, 2)`, and their likenesses, `(P,)`, 0 to 1."""

    pairs: Integers
    likenesses: Floats


@dataclass(frozen=True, eq=False)
class Copies:
    """Which photos are copies of one another.

    Attributes:
        groups: The group of each photo, `(N,)`: the row of the group's first photo. Copies share a group.
        pairs: Pairs of copies, the earlier photo first, `(P, 2)`. They link all photos of a group.
        likenesses: The likeness of each pair, `(P,)`, 0 to 1; 1 for the same bytes.
    """

    groups: Integers
    pairs: Integers = field(repr=False)
    likenesses: Floats = field(repr=False)


NO_COPIES = NearCopies(np.empty((0, 2), np.int64), np.empty(0, np.float32))


def find_copies(digests: Digests, near: Callable[[Digests], NearCopies]) -> Copies:
    """Finds photos of the same bytes, and near copies.

    Args:
        digests: `(N, 32)`, SHA-256 of the photos' bytes.
        near: Finds near copies among different digests; called with sorted digests.
    """
    _, first, contents = np.unique(digest_keys(digests), return_index=True, return_inverse=True)
    again = np.flatnonzero(first[contents] != np.arange(len(contents)))
    same = np.stack([first[contents[again]], again], axis=1)
    found = near(digests[first])
    pairs = np.concatenate([same, np.sort(first[found.pairs], axis=1)])
    likenesses = np.concatenate([np.ones(len(same), np.float32), found.likenesses])
    return Copies(components(len(digests), pairs), pairs, likenesses)


def components(count: int, pairs: Integers) -> Integers:
    """The connected component of each photo, `(count,)`, named by its first photo; pairs `(P, 2)`."""
    groups = np.arange(count)
    ones, others = pairs.T
    while (groups[ones] != groups[others]).any():
        lowest = np.minimum(groups[ones], groups[others])
        np.minimum.at(groups, groups[ones], lowest)
        np.minimum.at(groups, groups[others], lowest)
        groups = groups[groups]
    return groups


def near_copies(prints: Fingerprints) -> NearCopies:
    """Finds near copies among different photos; fingerprints `(N, FINGERPRINT_BYTES)`, sorted by their digests."""
    found = find_candidates(prints)
    if not len(found.ones):
        return NO_COPIES
    small = np.concatenate([coarse(greys(prints[chunk])) for chunk in _chunks(len(prints))])
    whole = _whole(prints, small, found)
    # Photos that share a group already are not compared again.
    groups = components(len(prints), whole.pairs)
    rest = groups[found.ones] != groups[found.others]
    crops = _crops(prints, small, Candidates(found.ones[rest], found.others[rest], found.mirrored[rest]))
    return NearCopies(np.concatenate([whole.pairs, crops.pairs]), np.concatenate([whole.likenesses, crops.likenesses]))


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE))


def _whole(prints: Fingerprints, small: Floats, found: Candidates) -> NearCopies:
    """The pairs of photos that show the same from edge to edge; `small` are coarse thumbnails."""
    pairs, alike = [np.empty((0, 2), np.int64)], [np.empty(0, np.float32)]
    for chunk in _chunks(len(found.ones)):
        ones, others, flips = found.ones[chunk], found.others[chunk], found.mirrored[chunk]
        near = (small[ones] * mirrored(small[others], flips)).sum(axis=1) > _WHOLE_CORRELATION
        ones, others, flips = ones[near], others[near], flips[near]
        if not len(ones):
            continue
        found_alike = likeness(greys(prints[ones]), _flipped(greys(prints[others]), flips))
        kept = found_alike > ALIKE
        pairs.append(np.stack([ones[kept], others[kept]], axis=1))
        alike.append(found_alike[kept])
    return NearCopies(np.concatenate(pairs), np.concatenate(alike))


def _flipped(thumbnails: Floats, flips: Bools) -> Floats:
    """Mirrors thumbnails `(n, SIDE, SIDE)` in place if `flips` says so, `(n,)`."""
    thumbnails[flips] = thumbnails[flips, :, ::-1]
    return thumbnails


def _crops(prints: Fingerprints, small: Floats, found: Candidates) -> NearCopies:
    """The pairs of photos of which one is a crop of the other; `small` are coarse thumbnails."""
    crops, wholes, flips, frames = _framed(prints, small, found)
    if not len(crops):
        return NO_COPIES

    def alike(_: None, chunk: slice) -> Floats:
        cropped = _flipped(greys(prints[crops[chunk]]), flips[chunk])
        return likeness(cropped, aligned(cropped, greys(prints[wholes[chunk]]), FRAMES[frames[chunk]]))

    chunks = list(_chunks(len(crops)))
    likenesses = np.concatenate(list(in_order([None] * min(usable_cores(), len(chunks)), alike, chunks)))
    kept = likenesses > ALIKE
    return NearCopies(np.stack([crops, wholes], axis=1)[kept], likenesses[kept])


def _framed(prints: Fingerprints, small: Floats, found: Candidates) -> tuple[Integers, Integers, Bools, Integers]:
    """The photos that look like crops of others on coarse thumbnails.

    Returns:
        Of each pair, `(P,)`: the crop, the whole photo, whether the crop is mirrored, and the number of its frame.
    """
    crops, wholes = np.concatenate([found.others, found.ones]), np.concatenate([found.ones, found.others])
    flips = np.tile(found.mirrored, 2)
    order = np.argsort(wholes, kind="stable")
    crops, wholes, flips = crops[order], wholes[order], flips[order]
    different, starts = np.unique(wholes, return_index=True)
    kept, frames = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for rows, candidates in zip(_runs(starts, len(wholes)), _coarse_crops(prints, different), strict=True):
        correlations, best = best_frames(mirrored(small[crops[rows]], flips[rows]), candidates)
        most = np.argsort(-correlations, kind="stable")[:_MOST_CROPS]
        most = most[correlations[most] > _CROP_CORRELATION]
        kept.append(most + rows.start)
        frames.append(best[most])
    pairs = np.concatenate(kept)
    return crops[pairs], wholes[pairs], flips[pairs], np.concatenate(frames)


def _runs(starts: Integers, end: int) -> list[slice]:
    return [slice(int(start), int(stop)) for start, stop in zip(starts, np.append(starts, end)[1:], strict=True)]


def _coarse_crops(prints: Fingerprints, rows: Integers) -> Iterator[Floats]:
    """The coarse crops of some photos, `(F, 144)` each, photo by photo."""
    for chunk in _chunks(len(rows)):
        yield from coarse_crops(greys(prints[rows[chunk]]))
