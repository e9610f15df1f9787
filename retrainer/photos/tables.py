"""Tables of photos: columns `path` and `label`, and perhaps `split` and `group`."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from retrainer.arrays import Integers
from retrainer.events import Noted, Observer, PhotoSkipped, Warned
from retrainer.options.in_memory import PicturesInMemory, TableInMemory
from retrainer.options.split import AUTO, FOLDERS
from retrainer.photos.files import PhotoFiles, no_photos_in
from retrainer.photos.given_parts import kept_and_drawn, warn_of_lost_parts, with_files
from retrainer.photos.leaks import warn_of_torn_groups
from retrainer.photos.parts import DRAWN, Part, Parts
from retrainer.photos.photo import PictureName
from retrainer.photos.table_files import TableFile, open_table, table_error
from retrainer.photos.table_paths import Places
from retrainer.photos.table_rows import Row, is_perhaps_nothing, rows_of, without_repetitions
from retrainer.photos.walk import Stamps
from retrainer.system.paths import require_file
from retrainer.text import shown

# The stamps of a picture that is no file; no file has them.
IN_MEMORY: Stamps = (-1, -1, -1)


def table_files(image_dir: str, observer: Observer, fewest: int, split_by: str) -> PhotoFiles:
    """Returns the files that a table lists; its paths are relative to the table's folder.

    Args:
        image_dir: The path of a table, or a `TableInMemory`, whose paths are relative to the working folder.
        observer: Called with what the table states, and with files that do not exist.
        fewest: The least number of classes.
        split_by: As in `SplitOptions`; the column `split` is used by `auto` and `folders` only.

    Raises:
        OptionError: there is no file of that name.
        DatasetError: the table cannot be read, a column is missing, a cell is wrong, or there are too few classes.
    """
    if not isinstance(image_dir, TableInMemory):
        require_file(image_dir, "--image_dir", "a table of photos")
    table = open_table(image_dir)
    stated = list(rows_of(table, observer))
    existing = _existing(table, stated, observer)
    first = without_repetitions(table, [row for row, _ in existing], observer)
    found = sorted((existing[number] for number in first), key=partial(_order, image_dir))
    rows = [row for row, _ in found]
    _warn_of_lost(stated, rows, observer)
    labels = tuple(dict.fromkeys(row.label for row in rows))
    if len(labels) < fewest:
        problem = f"expected at least {fewest} classes {table.place_of_labels}, received only '{shown(labels[0])}'"
        raise table_error(table, problem)
    ids = {label: number for number, label in enumerate(labels)}
    parts = _parts(table, rows, fewest, split_by, observer)
    return PhotoFiles(
        str(image_dir),
        labels,
        labels,
        [row.path for row in rows],
        np.array([ids[row.label] for row in rows], np.int64),
        np.array([stamps for _, stamps in found], np.int64),
        beside=True,
        unit="class",
        parts=parts,
        groups=_groups(rows, parts, split_by, observer),
    )


def _order(image_dir: str, found: tuple[Row, Stamps]) -> tuple[str, str | int]:
    """By class and path, as in a folder; pictures stay in their order, since names such as `picture 10` have none."""
    row, _ = found
    return row.label, row.number if isinstance(image_dir, PicturesInMemory) else row.path


def _warn_of_lost(stated: Sequence[Row], rows: Sequence[Row], observer: Observer) -> None:
    """Warns of classes and of given parts none of whose files exist, and of a class that may be a missing value."""
    counts = Counter(row.label for row in rows)
    for label in sorted({row.label for row in stated}.difference(counts)):
        observer(no_photos_in(label, "No files exist of", unit="class"))
    for label in filter(is_perhaps_nothing, counts):
        files = with_files(f"'{shown(label)}'", counts[label])
        observer(Warned(f"{files} is a class like the others. Leave out its rows if their class is unknown."))
    warn_of_lost_parts([row.part for row in stated], [row.part for row in rows], "exists", observer)


def _existing(table: TableFile, rows: Sequence[Row], observer: Observer) -> list[tuple[Row, Stamps]]:
    """The rows whose files exist, with their names as they are spelt there, and their stamps; reports the others.

    Raises:
        DatasetError: no file exists.
    """
    places = Places(table.folder)
    found: list[tuple[Row, Stamps]] = []
    missing: list[tuple[Row, str]] = []
    for row in rows:
        if isinstance(row.path, PictureName):
            found.append((row, IN_MEMORY))
            continue
        try:
            name, stamps = places.found(row.path)
            found.append((row if name == row.path else replace(row, path=name), stamps))
        except OSError as error:
            missing.append((row, error.strerror or str(error)))
    if not found:
        row, reason = missing[0]
        problem = f"none of {len(rows):,} files can be read; the first is '{shown(row.path)}': {reason}"
        folder = shown(os.path.abspath(table.folder))
        raise table_error(table, problem, row.number, f"Paths are relative to '{folder}'.")
    of_table = "" if isinstance(table.path, PicturesInMemory) else " of the table"
    for row, reason in missing:
        observer(PhotoSkipped(os.path.join(table.folder, row.path), f"{reason} ({table.place(row.number)}{of_table})"))
    return found


def _parts(table: TableFile, rows: Sequence[Row], fewest: int, split_by: str, observer: Observer) -> Parts | None:
    """The parts that the table states, `(N,)`; None if it states none or they are not used."""
    parts = np.array([row.part for row in rows], np.int8)
    if (parts == DRAWN).all():
        if split_by == FOLDERS:
            raise table_error(table, "--split_by folders expects a column 'split' that states parts")
        return None
    if split_by not in (AUTO, FOLDERS):
        observer(Noted(f"The column 'split' is not used, because --split_by {split_by} is given"))
        return None
    counts = Counter(parts.tolist())
    if fewest > 1 and not {Part.TRAINING, DRAWN} & counts.keys():
        problem = "the column 'split' states no training photos"
        raise table_error(table, problem, fix="Give photos of each class the split train.")
    said = [with_files(part.word, counts[part]) for part in Part if part in counts]
    line = f"The column 'split' states {', '.join(said)}, of {len(rows):,}"
    observer(Noted(f"{line}: {kept_and_drawn(counts)}" if fewest > 1 else line))
    return parts


def _groups(rows: Sequence[Row], parts: Parts | None, split_by: str, observer: Observer) -> Integers | None:
    """The group of each file, `(N,)`; a file without one is a group of its own. None if no file has one."""
    names = sorted({row.group for row in rows if row.group})
    if not names:
        return None
    ids = {name: number for number, name in enumerate(names)}
    groups = np.array([ids.get(row.group, len(names) + place) for place, row in enumerate(rows)], np.int64)
    if split_by == "path":
        observer(Warned("--split_by path may separate the photos of a group, which flatters the figures."))
    else:
        have = "1 group" if len(names) == 1 else f"{len(names):,} groups"
        without = sum(not row.group for row in rows)
        others = f"; {without:,} of {len(rows):,} photos have none" if without else ""
        kept = "stay together and count as one in intervals"
        observer(Noted(f"The column 'group' has {have}, whose photos {kept}{others}"))
    if parts is not None:
        warn_of_torn_groups(parts, groups, names, observer)
    return groups
