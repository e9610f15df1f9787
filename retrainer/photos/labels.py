"""Folder names -> labels, and the labels file."""

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence

from retrainer.errors import DatasetError, ModelError
from retrainer.text import shown

# What joins letters or chooses their form, without a form of its own.
_JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
# Marks need a letter or a digit before them.
_WORD = re.compile(r"[^\W_]\S*")
_NUMBERED = re.compile(r"(\d+|n\d{8})(?:\s*[:,;]\s*|[\s_-]+)(\S.*)")


def label_of(folder: str) -> str:
    """The label of a class folder: lower case, and one space for each run of characters that are no letters or digits.

    For names in ASCII this is the 2017 rule, except that spaces at the ends are removed. Letters of other scripts, with
    their marks, are kept: `Pão_2` is `pão 2` (2017: `p o 2`). A name of signs alone (`+++`) keeps its printable
    characters.

    Returns:
        The label; empty only if the name has no printable character.
    """
    with contextlib.suppress(UnicodeDecodeError):  # a locale without UTF-8 misreads names
        folder = os.fsencode(folder).decode("utf-8")
    name = unicodedata.normalize("NFC", folder).lower()
    words = _WORD.findall("".join(c if _is_of_a_word(c) else " " for c in _JOINERS.sub("", name)))
    return " ".join(words) or "".join(c for c in name if c.isprintable()).strip()


def _is_of_a_word(character: str) -> bool:
    """Whether a character is a letter, a digit or a mark, such as a vowel sign of Hindi."""
    return character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")


def labels_of(folders: Sequence[str]) -> tuple[str, ...]:
    """The labels of class folders, in the same order.

    Raises:
        DatasetError: two folders give the same label, or one gives none.
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
    """The content of a labels file as in 2017: UTF-8, one label per line, in the order of the model's scores."""
    return "".join(f"{label}\n" for label in labels).encode("utf-8")


def read_labels(path: str, known: Sequence[str] = ()) -> tuple[str, ...]:
    """Reads a labels file, one label per line, in the order of the model's scores.

    Spaces around a label are removed. Blank lines are labels only if the file then has as many labels as the model. If
    the lines are numbered from 0, such as `0 daisy` or `0: daisy`, the numbers give the order and are removed.

    Args:
        path: The file, UTF-8 with or without a byte order mark.
        known: The labels in the model; empty if it has none.

    Raises:
        ModelError: the file cannot be read as UTF-8 text, or has no label.
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
    """The class id of each folder among a model's labels; -1 if no label matches.

    The label that equals the folder's name matches first, then the label that is equal after `label_of`. If neither
    exists, numbers and WordNet identifiers before a name (`n01440764 tench`) are ignored, and so are further names of a
    class (`tench, Tinca tinca`).
    """
    heads, tails = zip(*(_number_and_name(label) for label in labels), strict=True)
    tables = (
        _ids_by_name(label_of(label) for label in labels),
        _ids_by_name(label_of(head) for head in heads),
        _ids_by_name(label_of(tail) for tail in tails),
        _ids_by_name(label_of(tail.split(",")[0]) for tail in tails),
    )
    exact = _ids_by_name(labels)

    def class_id(folder: str) -> int:
        if (found := exact.get(folder, -1)) >= 0:
            return found
        names = label_of(folder), label_of(_number_and_name(folder)[1])
        candidates = (table.get(name, -1) for name in names for table in tables)
        return next((found for found in candidates if found >= 0), -1)

    return [class_id(folder) for folder in folders]


def _ids_by_name(names: Iterable[str]) -> dict[str, int]:
    """Each name -> its number, or -1 if the name occurs more than once; blank names are left out."""
    ids: dict[str, int] = {}
    for number, name in enumerate(names):
        if name:
            ids[name] = -1 if name in ids else number
    return ids


def _number_and_name(label: str) -> tuple[str, str]:
    """The number or WordNet identifier before a label, empty if there is none, and the rest."""
    found = _NUMBERED.fullmatch(label)
    return (found[1], found[2]) if found else ("", label)


def _without_numbers(labels: tuple[str, ...]) -> tuple[str, ...]:
    """If the labels are numbered from 0, sorts them by these numbers and removes them; otherwise the labels stay."""
    pairs = [_number_and_name(label) for label in labels]
    numbers = [int(head) if head.isdecimal() else -1 for head, _ in pairs]
    names = tuple(pairs[row][1] for row in sorted(range(len(pairs)), key=numbers.__getitem__))
    counts = sorted(numbers) == list(range(len(labels)))
    return names if counts and len(set(names)) == len(names) else labels
