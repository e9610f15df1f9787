"""Pictures in memory with their labels -> the rows of a table."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import suppress
from typing import Any

from retrainer.errors import DatasetError, OptionError
from retrainer.options.in_memory import PicturesInMemory
from retrainer.photos.photo import Photo, PictureName, held
from retrainer.photos.several import as_it_is_now, named, require_pictures
from retrainer.text import brief

_FIX = "Give a list of pictures and a list of as many labels: (pictures, labels)."


def rows_of_pictures(pair: PicturesInMemory) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yields the number, from 1, the path or name, and the label of each picture.

    A picture that is no file becomes a `PictureName`; a file that is open is read now.

    Raises:
        OptionError: it is no pair, there are no pictures, or there is another number of labels.
        DatasetError: a label is missing, or no text and no number.
    """
    pictures, labels = pair.table = _pair(pair.table)
    names = {str(picture) for picture in pictures if isinstance(picture, str)}
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        path = _photo(picture, number)
        if isinstance(path, Photo):
            name = f"{path.name} (picture {number})" if path.name in names else path.name
            path = PictureName(Photo(name, path.read))
            names.add(name)
        yield number + 1, (path, _label(label, number))


def _pair(value: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    if len(value) != 2:
        raise OptionError(f"expected (pictures, labels), received a tuple of {len(value)}.", _FIX)
    given, labels = value
    if isinstance(labels, str | bytes | Mapping) or not isinstance(labels, Iterable):
        raise OptionError(f"labels: expected one for each picture, received {brief(labels)}.", _FIX)
    several = require_pictures(given)
    pictures, labels = list(several if isinstance(several, Sized) else map(as_it_is_now, several)), list(labels)
    if not pictures:
        raise OptionError("pictures: expected at least one, received none.", _FIX)
    if len(pictures) != len(labels):
        problem = f"labels: expected {len(pictures):,}, one for each picture, received {len(labels):,}."
        raise OptionError(problem, _FIX)
    return pictures, labels


def _photo(picture: Any, number: int) -> str | Photo:
    """The path of a file, or a photo with a name; a file that is open can be read only once, so it is read now."""
    photo = named(picture, number)
    is_open = hasattr(picture, "read") and not isinstance(picture, Photo)
    return held(photo) if is_open else photo


def _label(label: Any, number: int) -> str:
    """A label as text."""
    value = label
    if hasattr(label, "item") and not isinstance(label, str):
        with suppress(TypeError, ValueError, RuntimeError):  # several numbers
            value = label.item()
    is_missing = isinstance(value, float) and math.isnan(value)
    if not isinstance(value, str | int | float) or is_missing or (isinstance(value, str) and not value.strip()):
        raise DatasetError(f"labels: expected a text or a number for picture {number}, received {brief(label)}.")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
