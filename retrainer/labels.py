"""Folder names -> labels, and the labels file."""

import contextlib
import os
import re
import unicodedata
from collections.abc import Sequence

from retrainer.errors import DatasetError, ModelError
from retrainer.files import shown


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


def read_labels(path: str) -> tuple[str, ...]:
    """Reads a labels file, one label per line; blank lines at the end are ignored.

    Raises:
        ModelError: the file cannot be read as UTF-8 text, or holds no label.
    """
    try:
        with open(path, encoding="utf-8-sig") as handle:
            labels = tuple(line.rstrip("\r\n") for line in handle.read().rstrip().splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"Labels file '{shown(path)}' cannot be read: expected UTF-8 text. {error}") from error
    if not labels:
        raise ModelError(f"Labels file '{shown(path)}' is empty: expected one label per line.")
    return labels
