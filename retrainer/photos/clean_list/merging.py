"""New findings, and the decisions that were made before."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from retrainer.photos.clean_list.finding import Action, Decision, Finding, Row
from retrainer.photos.clean_list.rows import (
    UNDECIDED,
    Photo,
    Photos,
    decision_in,
    is_about_class,
    known_places,
    photo_of,
)


def merged_rows(old: Sequence[Row], photos: Photos, findings: Sequence[Finding]) -> list[Row]:
    """The rows of findings with the decisions of old rows, and the old rows that are decided; see `CleanList.merged`.

    Args:
        old: The old rows.
        photos: The numbers of the rows of each photo.
        findings: What was found now.
    """
    was = _origins(old, photos, findings)
    decisions = {photo: decision_in([old[number] for number in numbers]) for photo, numbers in photos.items()}
    rows, taken = [], set()
    for finding in findings:
        photo = was.get(photo_of(finding), photo_of(finding))
        same = [number for number in photos.get(photo, ()) if old[number].finding.kind == finding.kind]
        taken.update(same)
        rows.append(_row(finding, decisions.get(photo, UNDECIDED), [old[number] for number in same]))
    now = {before: after for after, before in was.items()}
    for photo, numbers in photos.items():
        for row in [old[number] for number in numbers if number not in taken]:
            if row.decision.action != Action.NONE or row.decision.note:
                path = now[photo][1] if photo in now else row.finding.path
                rows.append(replace(row, finding=replace(row.finding, path=path)))
    return rows


def _row(finding: Finding, decision: Decision, before: Sequence[Row]) -> Row:
    """A row with the decision about its photo, and with the note and further cells of the row that it replaces."""
    if not before:
        return Row(finding, replace(decision, note=""))
    # If rows disagree, a person has to see it still.
    decided = before[0].decision if decision.action == Action.NONE else decision
    return Row(finding, replace(decided, note=before[0].decision.note), before[0].extra)


def _origins(old: Sequence[Row], photos: Photos, findings: Iterable[Finding]) -> dict[Photo, Photo]:
    """Photo -> what the old rows call it, for photos of which they know only other paths."""
    known = known_places(old)
    found = {photo_of(finding): finding for finding in findings if not is_about_class(finding)}
    gone: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        if photo not in found and photo[0]:
            gone[photo[0]].append(photo)
    origins = {}
    for photo, finding in found.items():
        candidates = gone.get(finding.sha256, [])
        # A copy that the old rows name stays what it was, and is not the one that is gone.
        if candidates and photo not in photos and (finding.sha256, finding.path) not in known:
            name = os.path.basename(finding.path)
            origins[photo] = next((one for one in candidates if os.path.basename(one[1]) == name), candidates[0])
            candidates.remove(origins[photo])
    return origins
