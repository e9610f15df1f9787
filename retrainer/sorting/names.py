"""Names of folders and files that every system takes, made of labels and of what photos are called."""

import os
import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from retrainer.answers.table import distinct
from retrainer.options.sorting import LIST
from retrainer.photos.decoding.signatures import FORMATS, format_of
from retrainer.photos.entries import is_picture
from retrainer.system.paths import is_address

NONE_OF_THESE, UNREADABLE = "none of these", "unreadable"
"""The folders of photos without a label."""

_MOST_BYTES = 255
# Leaves room for a number.
_MOST_BYTES_OF_FOLDER = 200
# The longest ending that stays when a name is cut.
_LONGEST_ENDING = 16
_UNFIT = frozenset('/\\:*?"<>|')
# Windows takes these for devices, whatever follows behind a dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_ENDINGS = {**{name: f".{name.lower()}" for name in FORMATS}, "JPEG": ".jpg", "TIFF": ".tif"}


def folder_names(labels: Sequence[str]) -> dict[str, str]:
    """A folder's name for each label; they differ without regard to capitals, also from the other names there."""
    names = [fit(label, _MOST_BYTES_OF_FOLDER) for label in labels]
    return dict(zip(labels, distinct(names, (NONE_OF_THESE, UNREADABLE, LIST)), strict=True))


def fit(text: str, most: int = _MOST_BYTES) -> str:
    """A text as the name of a file or folder that Linux, macOS and Windows take, and that is not hidden.

    Characters that a system forbids or nobody sees become `_`. So does a dot at the beginning. Spaces at both ends and
    dots at the end are removed. `_` stands before names of devices such as `CON`, and for a name without characters.

    Args:
        text: Such as a label.
        most: The largest number of bytes in UTF-8.
    """
    plain = unicodedata.normalize("NFC", text)
    name = "".join("_" if one in _UNFIT or not one.isprintable() else one for one in plain)
    name = _cut(name.strip().rstrip(". "), most).rstrip(". ")
    if name.startswith("."):
        name = f"_{name[1:]}"
    return f"_{name}" if not name or _DEVICES.fullmatch(name) else name


def file_name(photo: str, content: bytes) -> str:
    """The name for the file of a photo that has none of its own, such as a cell of a table.

    Args:
        photo: Its name in answers.
        content: Its first bytes, which give the ending if the name has none.
    """
    last = unquote(urlsplit(photo).path.rsplit("/", 1)[-1]) if is_address(photo) else os.path.basename(photo)
    name = fit(last if last not in ("", "-") else "photo")
    return name if is_picture(name) else _joined(name, _ENDINGS.get(format_of(content) or "", ""))


def numbered(name: str, number: int) -> str:
    """A file's name with a number before its ending, unless the number is 1: `tulip-2.jpg`."""
    if number == 1:
        return name
    stem, ending = _parts(name)
    return _joined(stem, f"-{number}{ending}")


def _cut(name: str, most: int) -> str:
    if len(os.fsencode(name)) <= most:
        return name
    stem, ending = _parts(name)
    return _joined(stem, ending, most)


def _parts(name: str) -> tuple[str, str]:
    stem, ending = os.path.splitext(name)
    return (stem, ending) if len(os.fsencode(ending)) <= _LONGEST_ENDING else (name, "")


def _joined(stem: str, ending: str, most: int = _MOST_BYTES) -> str:
    """Both, with as much of the stem as there is room for."""
    while len(os.fsencode(stem + ending)) > most:
        stem = stem[:-1]
    return stem + ending
