"""Rows of the list: which of them are about one photo, and what they decide."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from retrainer.photos.clean_list.finding import Action, Decision, Finding, Row

Photo = tuple[str, ...]
"""What rows share that are about one photo: SHA-256 and path. Rows about a class share what they say of it."""

Photos = Mapping[Photo, Sequence[int]]
"""The numbers of the rows of each photo or class, from 0."""

UNDECIDED = Decision()


def is_about_class(finding: Finding) -> bool:
    """Whether a finding is about a class, and not about a photo."""
    return not finding.path and not finding.sha256


def photo_of(finding: Finding) -> Photo:
    """What all findings about one photo, or one class, share."""
    if is_about_class(finding):
        return "", "", finding.kind, finding.label, finding.new_label
    return finding.sha256, finding.path


def photos_of(rows: Sequence[Row]) -> Photos:
    """The numbers of the rows of each photo or class, in the order of their first rows."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.finding.path and row.finding.sha256:
            hashes[row.finding.path].add(row.finding.sha256)
    photos: dict[Photo, list[int]] = {}
    for number, row in enumerate(rows):
        photo = photo_of(row.finding)
        # A person may have left out the hash of a photo that has one in another row.
        if not photo[0] and len(of_path := hashes.get(row.finding.path, ())) == 1:
            photo = (*of_path, row.finding.path)
        photos.setdefault(photo, []).append(number)
    return photos


def actions_in(rows: Iterable[Row]) -> dict[tuple[str, str], Decision]:
    """The different decisions in rows about one photo, by action and new label."""
    return {meaning_of(row.decision): row.decision for row in rows if row.decision.action != Action.NONE}


def meaning_of(decision: Decision) -> tuple[str, str]:
    """The action and, if it is to relabel, the new label; notes and other labels do not matter."""
    return decision.action, decision.new_label if decision.action == Action.RELABEL else ""


def decision_in(rows: Iterable[Row]) -> Decision:
    """The decision about a photo in its rows; `Decision()` if there is none, or if they disagree."""
    actions = actions_in(rows)
    return next(iter(actions.values())) if len(actions) == 1 else UNDECIDED


def known_places(rows: Iterable[Row]) -> set[tuple[str, str]]:
    """The hashes and paths that rows name together, those of photos and of what they are compared with."""
    places = set()
    for row in rows:
        places.add((row.finding.sha256, row.finding.path))
        places.update((row.finding.sha256, path) for path in row.finding.compared_with)
    return places
