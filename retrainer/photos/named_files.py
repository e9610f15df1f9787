"""The layout of names: photos in one folder or several, whose names tell their classes, such as `cat.123.jpg`."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from retrainer.errors import DatasetError
from retrainer.events import FilesLeftOut, FolderScanned, Noted, Observer
from retrainer.options.split import AUTO, FOLDERS
from retrainer.photos.files import PhotoFiles
from retrainer.photos.given_parts import kept_and_drawn, with_files
from retrainer.photos.labels import label_of
from retrainer.photos.name_hints import label_hint
from retrainer.photos.name_labels import FLAG, labels_in
from retrainer.photos.parts import DRAWN, Part, Parts, part_of
from retrainer.photos.walk import Stamps, counted
from retrainer.text import shown


def named_files(
    image_dir: str,
    found: Sequence[tuple[str, Stamps]],
    label_from: str,
    fewest: int,
    split_by: str,
    observer: Observer,
) -> PhotoFiles:
    """Returns the files whose names tell their class, sorted by class and path; names of one label are one class.

    Args:
        image_dir: The folder, as typed.
        found: All files in it, at any depth: paths below it, sorted, with stamps.
        label_from: As in `SplitOptions`.
        fewest: The least number of classes.
        split_by: As in `SplitOptions`. Folders such as `train` and `test` are given parts by `auto` and `folders` only.
        observer: Called with the files that tell no class, and with given parts.

    Raises:
        OptionError: `label_from` is no pattern.
        DatasetError: too few classes are found.
    """
    observer(FolderScanned(image_dir, len(found)))
    names = [name.replace(os.sep, "/") for name, _ in found]
    spelt = labels_in(names, label_from)
    labels = {text: label_of(text) for text in set(spelt)}
    rows = [row for row, text in enumerate(spelt) if labels[text]]
    _note_merged([spelt[row] for row in rows], labels, observer)
    classes = {labels[spelt[row]]: spelt[row] for row in reversed(rows)}
    _require_classes(image_dir, names, label_from, list(classes.values()), fewest)
    if others := [os.path.join(image_dir, found[row][0]) for row, text in enumerate(spelt) if not labels[text]]:
        observer(
            FilesLeftOut(
                counted(others), len(others), f"the pattern of {FLAG} finds no class in their names", tuple(others)
            )
        )
    ids = {label: number for number, label in enumerate(sorted(classes))}
    rows.sort(key=lambda row: (ids[labels[spelt[row]]], found[row][0]))
    parts = _parts([names[row] for row in rows], fewest) if split_by in (AUTO, FOLDERS) else None
    if parts is not None:
        counts = Counter(parts.tolist())
        said = ", ".join(with_files(part.word, counts[part]) for part in Part if part in counts)
        line = f"'{shown(image_dir)}' is split already, into {said}, of {len(rows):,}"
        observer(Noted(f"{line}: {kept_and_drawn(counts)}" if fewest > 1 else line))
    elif split_by == FOLDERS:
        raise DatasetError(
            f"--split_by folders: expected folders 'train' and 'val' or 'test' with photos in '{shown(image_dir)}'.",
            "Leave --split_by out if the photos are not split.",
        )
    return PhotoFiles(
        image_dir,
        tuple(classes[label] for label in ids),
        tuple(ids),
        [found[row][0] for row in rows],
        np.array([ids[labels[spelt[row]]] for row in rows], np.int64),
        np.array([found[row][1] for row in rows], np.int64),
        unit="class",
        parts=parts,
    )


def _note_merged(texts: Sequence[str], labels: Mapping[str, str], observer: Observer) -> None:
    """Says that names which differ in more than case are one class, such as `c++` and `c#`."""
    first: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        other = first.setdefault(labels[text], text)
        if other.casefold() != text.casefold():
            names = f"'{shown(other)}' and '{shown(text)}'"
            observer(Noted(f"Names that differ only in signs are one class, such as {names}: '{labels[text]}'"))
            return


def _parts(names: Sequence[str], fewest: int) -> Parts | None:
    """The parts that the first folders of paths name; None unless there are several, training among them."""
    given = [part_of(name.partition("/")[0]) if "/" in name else None for name in names]
    kinds = set(given) - {None}
    if len(kinds) < 2 or (fewest > 1 and Part.TRAINING not in kinds):
        return None
    return np.array([DRAWN if part is None else part for part in given], np.int8)


def _require_classes(image_dir: str, names: Sequence[str], label_from: str, classes: list[str], fewest: int) -> None:
    if len(classes) >= max(fewest, 1):
        return
    if not names:
        raise DatasetError(f"No photos found at {shown(image_dir)}.")
    pattern = f"{FLAG} '{shown(label_from)}'"
    if classes:
        problem = f"{pattern} finds only one class in the names, '{shown(classes[0])}'; expected at least {fewest}."
    else:
        problem = f"{pattern} finds no class in any of {len(names):,} names, such as '{shown(names[0])}'."
    raise DatasetError(problem, label_hint(names[:1000]))
