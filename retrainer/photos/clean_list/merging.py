"""New findings, and the decisions that were made before."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from retrainer.photos.clean_list.clean_list import UNDECIDED, CleanList, Photo, is_about_class, photo_of
from retrainer.photos.clean_list.finding import Action, Finding, Row


def merged(old: CleanList, findings: Sequence[Finding]) -> CleanList:
    """The list of findings with the decisions of an old list; see `CleanList.merged`."""
    came_from = _origins(old, findings)
    rows, taken = [], set()
    for finding in findings:
        numbers = old.photos.get(came_from.get(photo_of(finding), photo_of(finding)), [])
        same = [number for number in numbers if old.rows[number].finding.kind == finding.kind]
        taken.update(same)
        rows.append(_with_decision(old, finding, numbers, same))
    now = {was: is_now for is_now, was in came_from.items()}
    for photo, numbers in old.photos.items():
        for number in numbers:
            row = old.rows[number]
            if number not in taken and (row.decision.action != Action.NONE or row.decision.note):
                path = now[photo][1] if photo in now else row.finding.path
                rows.append(replace(row, finding=replace(row.finding, path=path)))
    return CleanList(tuple(rows), old.path, old.extra_columns)


def _with_decision(old: CleanList, finding: Finding, numbers: Sequence[int], same: Sequence[int]) -> Row:
    """A row with the decision about its photo, and with the note and further cells of the row that it replaces."""
    decision = old.decision_about(numbers)
    if not same:
        return Row(finding, replace(decision, note="") if decision != UNDECIDED else UNDECIDED)
    before = old.rows[same[0]]
    # If rows disagree, a person has to see it still.
    decided = before.decision if decision.action == Action.NONE else decision
    return Row(finding, replace(decided, note=before.decision.note), before.extra)


def _origins(old: CleanList, findings: Iterable[Finding]) -> dict[Photo, Photo]:
    """Photo -> what the old list calls it, for the photos that it knows only by other paths."""
    known = known_places(old)
    free: dict[str, list[Photo]] = defaultdict(list)
    photos = {photo_of(finding): finding for finding in findings if not is_about_class(finding)}
    for photo in old.photos:
        if photo not in photos and photo[0]:
            free[photo[0]].append(photo)
    origins = {}
    for photo, finding in photos.items():
        candidates = free.get(finding.sha256, [])
        # A copy that the old list names stays what it was, and is not the one that is gone.
        if not candidates or photo in old.photos or (finding.sha256, finding.path) in known:
            continue
        name = os.path.basename(finding.path)
        best = next((one for one in candidates if os.path.basename(one[1]) == name), candidates[0])
        candidates.remove(best)
        origins[photo] = best
    return origins


def known_places(clean_list: CleanList) -> set[tuple[str, str]]:
    """The hashes and paths that a list names together, its photos' own ones and those that they are compared with."""
    places = set()
    for row in clean_list:
        places.add((row.finding.sha256, row.finding.path))
        places.update((row.finding.sha256, path) for path in row.finding.compared_with)
    return places
