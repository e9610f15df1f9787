"""The layout of parts: folders such as `train`, `val` and `test`, each with one sub-folder of photos per class."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from retrainer.errors import DatasetError
from retrainer.events import FilesLeftOut, Noted, Observer, Warned
from retrainer.options.split import AUTO, FOLDERS
from retrainer.photos.class_folders import Found
from retrainer.photos.files import PhotoFiles
from retrainer.photos.labels import label_of, labels_of
from retrainer.photos.layouts import require_classes
from retrainer.photos.parts import DRAWN, Part, part_of
from retrainer.photos.walk import Stamps, counted
from retrainer.text import shown

_FEWEST_ALIKE = 2
_PART_FLAG = "--split_by folders"


def are_parts(image_dir: str, found: Found, fewest: int, split_by: str) -> bool:
    """Whether folders are the parts of a split, and not classes.

    They are if their names are those of parts and class folders lie below. A folder of another name beside them is left
    out only if two parts have the same classes; otherwise all may be classes.

    Args:
        image_dir: The folder above, for the message.
        found: The folders and their files.
        fewest: The least number of classes. If it is more than one, there must be training photos.
        split_by: As in `SplitOptions`; `folders` needs parts.

    Raises:
        DatasetError: there are none, and `split_by` is `folders`.
    """
    classes = {folder: _class_folders(found, folder) for folder in found if part_of(folder) is not None}
    parts = {part_of(folder) for folder, inside in classes.items() if len(inside) >= fewest}
    trains = fewest < 2 or Part.TRAINING in parts
    if split_by == FOLDERS:
        if parts and trains:
            return True
        names = ", ".join(f"'{shown(folder)}'" for folder in list(found)[:3]) or "no folder with files"
        raise DatasetError(
            f"{_PART_FLAG}: expected a folder 'train' with class folders in '{shown(image_dir)}', received {names}.",
            "Leave --split_by out if the folders are classes.",
        )
    several = len({part_of(folder) for folder in classes}) > 1
    return several and trains and bool(parts) and (len(classes) == len(found) or _alike(list(classes.values())))


def given_parts(image_dir: str, found: Found, fewest: int, split_by: str, observer: Observer) -> PhotoFiles:
    """Returns the files of all parts. A class is the folders of one name, in any case, in all parts.

    Args:
        image_dir: The folder of parts, as typed.
        found: The folders in it and their files.
        fewest: The least number of classes. If it is more than one, each class needs a label of its own.
        split_by: As in `SplitOptions`. The parts are stated by `auto` and `folders` only.
        observer: Called with the files left out, and with the parts.

    Raises:
        DatasetError: there are too few classes, or two have the same label.
    """
    spelt: dict[str, str] = {}
    rows: list[tuple[str, str, Stamps, Part]] = []
    for folder, part, name, stamps in _in_parts(found):
        own = name.split(os.sep, 1)[0]
        spelt.setdefault(own.casefold(), own)
        rows.append((own.casefold(), os.path.join(folder, name), stamps, part))
    classes = sorted(spelt, key=lambda key: spelt[key])
    ids = {key: number for number, key in enumerate(classes)}
    rows.sort(key=lambda row: (ids[row[0]], row[1]))
    names = tuple(spelt[key] for key in classes)
    require_classes(image_dir, names, fewest)
    labels = labels_of(names) if fewest > 1 else tuple(map(label_of, names))
    parts = np.array([row[3] for row in rows], np.int8)
    _report_left_out(image_dir, found, observer)
    _report_parts(image_dir, found, fewest, split_by, observer)
    return PhotoFiles(
        image_dir,
        names,
        labels,
        [row[1] for row in rows],
        np.array([ids[row[0]] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int64),
        parts=parts if split_by in (AUTO, FOLDERS) else None,
    )


def _in_parts(found: Found) -> Iterator[tuple[str, Part, str, Stamps]]:
    """The files in class folders of parts: the part's folder, the part, the path below the folder, and the stamps."""
    for folder, files in found.items():
        part = part_of(folder)
        if part is not None:
            yield from ((folder, part, name, stamps) for name, stamps in files if os.sep in name)


def _class_folders(found: Found, folder: str) -> frozenset[str]:
    """The labels of the class folders in a part."""
    return frozenset(label_of(name.split(os.sep, 1)[0]) for name, _ in found[folder] if os.sep in name)


def _alike(classes: Sequence[frozenset[str]]) -> bool:
    """Whether two of some parts have at least two classes in common."""
    counts = [len(one & other) for number, one in enumerate(classes) for other in classes[:number]]
    return max(counts, default=0) >= _FEWEST_ALIKE


def _report_left_out(image_dir: str, found: Found, observer: Observer) -> None:
    for folder, files in found.items():
        in_part = part_of(folder) is not None
        names = [name for name, _ in files if not in_part or os.sep not in name]
        if names:
            paths = tuple(os.path.join(image_dir, folder, name) for name in names)
            reason = "in no class folder" if in_part else "beside the parts"
            observer(FilesLeftOut(counted(paths), len(paths), reason, paths))


def _report_parts(image_dir: str, found: Found, fewest: int, split_by: str, observer: Observer) -> None:
    """Says which folder is which part, and whether the split keeps them."""
    if split_by not in (AUTO, FOLDERS):
        observer(Noted(f"The parts in '{shown(image_dir)}' are not kept, because --split_by {split_by} is given"))
        return
    counts = Counter(folder for folder, _, _, _ in _in_parts(found))
    folders = sorted(counts, key=lambda folder: part_of(folder) or Part.TRAINING)
    named = ", ".join(with_files(f"'{shown(folder)}'", counts[folder]) for folder in folders)
    line = f"'{shown(image_dir)}' is split already, into {named}"
    observer(Noted(f"{line}: {kept_and_drawn(map(part_of, folders))}" if fewest > 1 else line))


def warn_of_lost_parts(stated: Iterable[int], kept: Iterable[int], can: str, observer: Observer) -> None:
    """Warns of given parts that have lost all their photos.

    Args:
        stated: The part of each photo, or `DRAWN`.
        kept: The same for those that are left.
        can: What no photo of the part does, such as `exists`.
        observer: Called with a warning about each such part.
    """
    counts, left = Counter(stated), set(kept)
    for part in Part:
        if counts[part] and part not in left:
            name = part.word
            instead = "" if part == Part.TRAINING else " If other photos are drawn for it, its figures are of those."
            observer(Warned(f"None of the {counts[part]:,} photos of the given part '{name}' {can}.{instead}"))


def with_files(part: str, count: int) -> str:
    """A part with the number of its files, in words."""
    return f"{part} ({count:,} file{'s' * (count != 1)})"


def kept_and_drawn(stated: Iterable[int | None]) -> str:
    """What becomes of the parts that are given, perhaps `DRAWN`, and of those that are missing, in words."""
    stated = set(stated)
    drawn = [part.word for part in Part if part not in stated and part != Part.TRAINING]
    missing = f"; {' and '.join(drawn)} photos are drawn from those of training" if drawn else ""
    return f"{_PART_FLAG} keeps that{'; the others are drawn' if DRAWN in stated else ''}{missing}"
