"""Which file each decision is about: that with the same bytes, and of several the one at the same place."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Decision
from retrainer.photos.clean_list.places import Places
from retrainer.photos.clean_list.rows import Photo, known_places, meaning_of
from retrainer.photos.files import PhotoFiles

Hashes = Callable[[Sequence[int]], Sequence[str]]
"""Returns the SHA-256 of files by their numbers, hexadecimal; empty if a file cannot be read."""


@dataclass(frozen=True)
class Matched:
    """The files of decisions.

    Attributes:
        decisions: The number of a file -> the decision about it.
        gone: Photos that no file is, with the decisions about them.
        changed: Photos whose file has other bytes now.
        disputed: Photos that are one file by different paths, with different decisions, none of which holds.
    """

    decisions: dict[int, Decision] = field(default_factory=dict)
    gone: dict[Photo, Decision] = field(default_factory=dict)
    changed: list[Photo] = field(default_factory=list)
    disputed: list[Photo] = field(default_factory=list)


def matched(clean_list: CleanList, files: PhotoFiles, hashes: Hashes) -> Matched:
    """Finds the file of each decision.

    A photo without a hash is the file with its path. Otherwise a file has the bytes of the hash: that at the same
    place, or else one with the same name, or else the first by its path. A file that the list names at its own place is
    no other photo. All files are read only if a photo is not at its place.

    Args:
        clean_list: The decisions; those of photos whose rows disagree do not count.
        files: The files that there are.
        hashes: Their hashes.
    """
    found, places = Matched(), Places(files)
    decisions = {
        photo: decision
        for photo, numbers in clean_list.photos.items()
        if any(photo[:2]) and (decision := clean_list.decision_in(numbers)).action != Action.NONE
    }
    missing = _at_their_places(decisions, places, hashes, found)
    if any(decision.action != Action.KEEP for decision in missing.values()):
        _elsewhere(missing, clean_list, files, places, hashes, found)
    return found


def _at_their_places(
    decisions: Mapping[Photo, Decision], places: Places, hashes: Hashes, found: Matched
) -> dict[Photo, Decision]:
    """Matches photos at their places; returns those with a hash that are not there."""
    rows = {photo: places.same(photo[1]) if photo[0] else places.at(photo[1]) for photo in decisions}
    looked_at = [row for photo, row in rows.items() if row >= 0 and photo[0]]
    known = dict(zip(looked_at, hashes(looked_at), strict=True))
    missing, photo_of = {}, dict[int, Photo]()
    for photo, decision in decisions.items():
        row = rows[photo]
        if row >= 0 and (not photo[0] or known[row] == photo[0]):
            first = photo_of.setdefault(row, photo)
            if meaning_of(found.decisions.setdefault(row, decision)) != meaning_of(decision):
                found.disputed.extend(one for one in (first, photo) if one not in found.disputed)
        elif photo[0]:
            missing[photo] = decision
        else:
            found.gone[photo] = decision
    for photo in found.disputed:
        found.decisions.pop(rows[photo], None)
    return missing


def _elsewhere(
    missing: Mapping[Photo, Decision],
    clean_list: CleanList,
    files: PhotoFiles,
    places: Places,
    hashes: Hashes,
    found: Matched,
) -> None:
    """Matches photos by their bytes alone. Those to keep come first, so that of two copies the right one stays."""
    wanted = {photo[0] for photo in missing}
    named = {(sha256, places.same(path)) for sha256, path in known_places(clean_list) if sha256 in wanted}
    free: dict[str, list[int]] = defaultdict(list)
    rows = [row for row in range(len(files.names)) if row not in found.decisions]
    for row, sha256 in zip(rows, hashes(rows), strict=True):
        if sha256 in wanted and (sha256, row) not in named:
            free[sha256].append(row)
    for of_sha256 in free.values():
        of_sha256.sort(key=files.paths.__getitem__)
    left = _by_name(_keeping_first(missing), files, free, found)
    for photo, decision in left:
        if rows_left := free[photo[0]]:
            found.decisions[rows_left.pop(0)] = decision
        elif places.same(photo[1]) >= 0 and photo[1]:
            found.changed.append(photo)
        else:
            found.gone[photo] = decision


def _keeping_first(decisions: Mapping[Photo, Decision]) -> list[tuple[Photo, Decision]]:
    return sorted(decisions.items(), key=lambda item: item[1].action != Action.KEEP)


def _by_name(
    decisions: Iterable[tuple[Photo, Decision]], files: PhotoFiles, free: Mapping[str, list[int]], found: Matched
) -> list[tuple[Photo, Decision]]:
    """Matches photos to files with the same name and the same bytes; returns the others."""
    left = []
    for photo, decision in decisions:
        name = os.path.basename(photo[1])
        row = next((row for row in free.get(photo[0], ()) if os.path.basename(files.names[row]) == name), -1)
        if row >= 0:
            free[photo[0]].remove(row)
            found.decisions[row] = decision
        else:
            left.append((photo, decision))
    return left
