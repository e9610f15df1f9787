"""Honours decisions: photos that are set aside leave the others, and relabelled ones change their class."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from retrainer.arrays import Integers
from retrainer.errors import DatasetError
from retrainer.events import Cleaned, Noted, Observer, Warned
from retrainer.photos.clean_list.carried_out import CarriedOut
from retrainer.photos.clean_list.clean_list import CleanList
from retrainer.photos.clean_list.finding import Action, Decision
from retrainer.photos.clean_list.honoured import Honoured
from retrainer.photos.clean_list.matching import Hashes, Matched, matched
from retrainer.photos.clean_list.rows import Photo
from retrainer.photos.dataset import FEWEST_CLASSES
from retrainer.photos.files import PhotoFiles
from retrainer.photos.labels import label_of
from retrainer.text import counted, first_paths, named, shown

_NAMED, _NAMED_CLASSES = 3, 20


def honoured(
    files: PhotoFiles, clean_list: CleanList, hashes: Hashes, observer: Observer, fewest: int = FEWEST_CLASSES
) -> PhotoFiles:
    """The files after the decisions of a list, by the photos' bytes. What cannot be honoured is reported by name.

    Args:
        files: The files of photos.
        clean_list: The decisions.
        hashes: Returns the hashes of files; see `matching.matched`.
        observer: Called with what was honoured, and with warnings.
        fewest: The least number of classes that must be left.

    Raises:
        DatasetError: a class has no photo left, or too few classes are left.
    """
    carried_out = CarriedOut.of(files.root)
    found = matched(carried_out.left_of(clean_list), files, hashes)
    warn_of_lost(found, clean_list, observer)
    class_ids, aside = files.class_ids.copy(), np.zeros(len(files.names), np.bool_)
    unknown: list[tuple[int, str]] = []
    classes = _classes(files)
    for row, decision in found.decisions.items():
        if decision.action == Action.SET_ASIDE:
            aside[row] = True
        elif decision.action == Action.RELABEL:
            class_id = _class_id(decision.new_label, classes)
            if class_id < 0:
                unknown.append((row, decision.new_label))
            else:
                class_ids[row] = class_id
    _warn_of_unknown(unknown, files, clean_list.path, observer)
    changed = np.flatnonzero((class_ids != files.class_ids) & ~aside)
    _require_classes(files, class_ids[~aside], clean_list.path, fewest)
    event = cleaned(int(aside.sum()), len(changed), f"'{shown(clean_list.path)}'", clean_list.path)
    observer(_with_moved(event, clean_list, carried_out))
    relabelled: dict[str, list[str]] = {}
    for row, sha256 in zip(changed.tolist(), hashes(changed.tolist()), strict=True):
        relabelled.setdefault(files.labels[class_ids[row]], []).append(sha256)
    # Files are sorted by class.
    rows = np.flatnonzero(~aside)
    left = replace(files, class_ids=class_ids).at(rows[np.argsort(class_ids[rows], kind="stable")])
    return replace(left, honoured=Honoured(tuple(hashes(np.flatnonzero(aside).tolist())), relabelled))


def _classes(files: PhotoFiles) -> dict[str, int]:
    """The class ids by the names of classes, by labels, and by what the names become as labels."""
    classes: dict[str, int] = {}
    for names in (files.classes, files.labels, map(label_of, files.classes)):
        for class_id, name in enumerate(names):
            classes.setdefault(name, class_id)
    return classes


def _class_id(label: str, classes: Mapping[str, int]) -> int:
    return classes.get(label, classes.get(label_of(label), -1))


def cleaned(set_aside: int, relabelled: int, by: str, path: str = "") -> Cleaned:
    """The event that tells how many photos were set aside and relabelled, and by what."""
    return Cleaned(
        f"{counted(set_aside, 'photo')} set aside and {relabelled:,} relabelled by {by}.", path, set_aside, relabelled
    )


def _with_moved(event: Cleaned, clean_list: CleanList, carried_out: CarriedOut) -> Cleaned:
    """The event that also tells how many photos lie in the folder of those that were moved."""
    moved = len(carried_out.photos_of(clean_list))
    if not moved:
        return event
    which = f"{counted(moved, 'photo')} that '{shown(clean_list.path)}' sets aside"
    note = f"{which} {'lies' if moved == 1 else 'lie'} in '{shown(carried_out.folder)}'"
    more = f"; {event.set_aside:,} more set aside and {event.relabelled:,} relabelled"
    return replace(event, message=f"{note}{more if event.set_aside or event.relabelled else ''}.")


def warn_of_lost(found: Matched, clean_list: CleanList, observer: Observer) -> None:
    """Reports the photos whose decisions cannot be honoured."""
    path = shown(clean_list.path)
    if conflicts := _names([*clean_list.conflicts, *found.disputed]):
        have = f"has several decisions for {_photos(conflicts)}: {first_paths(conflicts)}"
        observer(Warned(f"'{path}' {have}. None of them is honoured: decide on one."))
    if changed := _names(found.changed):
        which = f"{_photos(changed)} of '{path}' changed since: {first_paths(changed)}"
        observer(Warned(f"{which}. Decisions about other bytes are not honoured."))
    if lost := _gone(found.gone, Action.RELABEL):
        observer(Warned(f"{_photos(lost)} that '{path}' relabels cannot be found: {first_paths(lost)}."))
    if aside := _gone(found.gone, Action.SET_ASIDE):
        observer(Noted(f"{_photos(aside)} that '{path}' sets aside cannot be found: {first_paths(aside)}"))


def _photos(names: Sequence[str]) -> str:
    return counted(len(names), "photo")


def _gone(gone: Mapping[Photo, Decision], action: Action) -> list[str]:
    return _names([photo for photo, decision in gone.items() if decision.action == action])


def _names(photos: Sequence[Photo]) -> list[str]:
    return [photo[1] or photo[0] for photo in photos]


def _warn_of_unknown(unknown: Sequence[tuple[int, str]], files: PhotoFiles, path: str, observer: Observer) -> None:
    """Reports labels that are no class."""
    photos = Counter(label for _, label in unknown)
    for label, count in photos.items():
        first = next(files.paths[row] for row, of_row in unknown if of_row == label)
        which = f"'{shown(first)}'" if count == 1 else f"{count:,} photos such as '{shown(first)}'"
        expected = named(files.classes, _NAMED_CLASSES)
        line = f"'{shown(path)}' relabels {which} as '{shown(label)}', which is no class; expected one of {expected}."
        observer(Warned(f"{line} This is not honoured."))


def _require_classes(files: PhotoFiles, class_ids: Integers, path: str, fewest: int) -> None:
    """Raises DatasetError if decisions leave a class without photos, or too few classes."""
    before, after = (np.bincount(ids, minlength=len(files.classes)) for ids in (files.class_ids, class_ids))
    if fewest < FEWEST_CLASSES:
        return
    empty = [name for name, old, new in zip(files.classes, before, after, strict=True) if old and not new]
    if not empty:
        return
    left = int((after > 0).sum())
    if left < fewest:
        problem = f"leaves photos of {'one class' if left == 1 else 'no class'}; expected at least two"
    else:
        problem = f"leaves no photo in {named(empty, _NAMED)}; expected one or more in each class"
    fix = f"Change its decisions, or remove the {files.unit} to train without the class."
    raise DatasetError(f"'{shown(path)}' {problem}.", fix, path=path or None)
