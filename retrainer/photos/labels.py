"""Folder names -> labels, and the labels file."""

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence

from retrainer.errors import DatasetError, ModelError
from retrainer.system.files import shown

_NUMBERED = re.compile(r"(\d+|n\d{8})(?:\s*[:,;]\s*|[\s_-]+)(\S.*)")


def label_of(folder: str) -> str:
    """The label of a class folder: lower case, each run of other characters than a-z and 0-9 one space.

    That is the 2017 rule, without its spaces at the ends. A name whose letters would all vanish (`日本語`) keeps
    them; a name that is blank even then keeps its printable characters.

    Returns:
        The label; empty only for a name without a printable character.
    """
    with contextlib.suppress(UnicodeDecodeError):  # a name that was read under a locale without UTF-8
        folder = os.fsencode(folder).decode("utf-8")
    name = unicodedata.normalize("NFC", folder).lower()
    latin = re.sub(r"[^a-z0-9]+", " ", name).strip()
    if re.search(r"[a-z]", latin) or (latin and not re.search(r"[^\W\d_]", name)):
        return latin
    letters = re.sub(r"[\W_]+", " ", name).strip()
    return letters or "".join(c for c in name if c.isprintable()).strip()


def labels_of(folders: Sequence[str]) -> tuple[str, ...]:
    """The labels of class folders, in their order.

    Raises:
        DatasetError: two folders would share a label, or one would have none.
    """
    seen: dict[str, str] = {}
    for folder in folders:
        label = label_of(folder)
        if not label:
            raise DatasetError(
                f"Folder '{shown(folder)}' gives no label: expected letters or digits in its name.",
                "Rename the folder.",
            )
        if label in seen:
            raise DatasetError(
                f"Folders '{shown(seen[label])}' and '{shown(folder)}' would both become the label '{label}'.",
                "Rename one of them, or merge the two.",
            )
        seen[label] = folder
    return tuple(seen)


def labels_file(labels: Sequence[str]) -> bytes:
    """The content of 2017's labels file: UTF-8, one label per line, in the order of the model's outputs."""
    return "".join(f"{label}\n" for label in labels).encode("utf-8")


def read_labels(path: str, known: Sequence[str] = ()) -> tuple[str, ...]:
    """Reads a labels file, one label per line, in the order of the model's scores.

    Spaces around a label do not count. Blank lines count only if that gives as many labels as are known. If the lines
    are numbered from 0, such as `0 daisy` or `0: daisy`, the numbers give the order and are left out.

    Args:
        path: The file, UTF-8 with or without a byte order mark.
        known: The labels that the model states itself; none if it states none.

    Raises:
        ModelError: the file cannot be read as UTF-8 text, or holds no label.
    """
    try:
        with open(path, encoding="utf-8-sig") as handle:
            lines = [line.strip() for line in handle.read().removesuffix("\n").split("\n")]
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"Labels file '{shown(path)}' cannot be read: expected UTF-8 text. {error}") from error
    labels = tuple(filter(None, lines))
    if not labels:
        raise ModelError(f"Labels file '{shown(path)}' is empty: expected one label per line.")
    if len(lines) == len(known):
        labels = tuple(lines)
    return labels if labels == tuple(known) else _without_numbers(labels)


def class_ids_of(folders: Sequence[str], labels: Sequence[str]) -> list[int]:
    """The place of each folder's label among a model's, -1 for folders that stand for none.

    A folder stands for the label that is its name as it is, else for the one that gives the same label as its name by
    `label_of`. If there is none, an identifier or number before a name (`n01440764 tench`) and further names of the
    same class (`tench, Tinca tinca`) do not count.
    """
    heads, tails = zip(*(_parted(label) for label in labels), strict=True)
    tables = (
        _places(label_of(label) for label in labels),
        _places(label_of(head) for head in heads),
        _places(label_of(tail) for tail in tails),
        _places(label_of(tail.split(",")[0]) for tail in tails),
    )
    exact = _places(labels)

    def place(folder: str) -> int:
        if (found := exact.get(folder, -1)) >= 0:
            return found
        names = label_of(folder), label_of(_parted(folder)[1])
        candidates = (table.get(name, -1) for name in names for table in tables)
        return next((found for found in candidates if found >= 0), -1)

    return [place(folder) for folder in folders]


def _places(names: Iterable[str]) -> dict[str, int]:
    """Name -> its place, -1 for a name that stands at several places; without blank names."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if name:
            places[name] = -1 if name in places else place
    return places


def _parted(label: str) -> tuple[str, str]:
    """The number or identifier of WordNet that a label begins with, empty if it does not, and the rest."""
    found = _NUMBERED.fullmatch(label)
    return (found[1], found[2]) if found else ("", label)


def _without_numbers(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Labels in the order of the numbers before them, without these, if they count from 0; otherwise as they are."""
    pairs = [_parted(label) for label in labels]
    numbers = [int(head) if head.isdecimal() else -1 for head, _ in pairs]
    names = tuple(pairs[place][1] for place in sorted(range(len(pairs)), key=numbers.__getitem__))
    counts = sorted(numbers) == list(range(len(labels)))
    return names if counts and len(set(names)) == len(names) else labels
