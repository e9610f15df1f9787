"""Several pictures, and not one: what `Labeler.many`, `retrainer.features` and the estimators for scikit-learn take."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from retrainer.errors import OptionError, PictureError
from retrainer.photos.photo import Photo, PictureName, content_of, path_of
from retrainer.text import brief, shown


def require_pictures(pictures: Iterable[Any]) -> Iterable[Any]:
    """Returns several pictures as they are given; of a column of pyarrow or an array of texts, its values.

    Raises:
        OptionError: it is one picture, a folder, a table, or nothing that gives pictures.
    """
    if isinstance(pictures, str | os.PathLike):
        fix = "For the photos of a folder, give sorted(Path(folder).rglob('*.jpg')); for one photo, give [path]."
        raise _not_several(brief(os.fsdecode(pictures)), fix)
    if hasattr(pictures, "columns"):
        raise _not_several("a table", "Give its column of paths, such as table['path'].")
    shape = getattr(pictures, "shape", ())
    if _is_one(pictures) or not isinstance(pictures, Iterable) or getattr(pictures, "ndim", 1) == 0:
        of_shape = f" {shape}" if shape else ""
        raise _not_several(f"{type(pictures).__name__}{of_shape}", "Give one picture as a list of one: [picture].")
    if getattr(getattr(pictures, "dtype", None), "kind", "") == "U":
        return pictures.tolist()  # type: ignore[no-any-return, attr-defined]
    # Iterating over a column of pyarrow would give its scalars.
    return pictures.to_pylist() if hasattr(pictures, "to_pylist") else pictures


def named(picture: Any, number: int) -> str | Photo:
    """The path of a file, or a photo with a name; one without a name is called by its number, such as `picture 17`."""
    if isinstance(picture, PictureName):
        return picture.photo
    if isinstance(picture, str | os.PathLike):
        return os.fsdecode(picture)
    return Photo(path_of(picture) or f"picture {number}", partial(content_of, picture))


def as_it_is_now(picture: Any) -> Any:
    """A picture that stays the same, though the iterator that gave it may close it or put the next one in its place."""
    if isinstance(picture, str | os.PathLike | bytes | Photo):
        return picture
    return Photo(path_of(picture) or "", _reader_of(picture))


def _reader_of(picture: Any) -> Callable[[], bytes]:
    """What gives the bytes that a picture has now, or raises their error."""
    try:
        content = content_of(picture)
    except PictureError as error:
        return partial(_raise, error)
    return lambda: content


def _raise(error: PictureError) -> bytes:
    raise error


def naming(name: str, reason: str, fix: str = "") -> PictureError:
    """The error of one picture among several."""
    return PictureError(f"'{shown(name)}': {reason}", fix, path=name)


def _is_one(pictures: Any) -> bool:
    """Whether it is one picture or a document, though it can be iterated over."""
    shape: tuple[int, ...] = getattr(pictures, "shape", ())
    in_colour = len(shape) == 3 and shape[2] in (3, 4)
    return isinstance(pictures, bytes | bytearray | memoryview | dict) or hasattr(pictures, "read") or in_colour


def _not_several(received: str, fix: str) -> OptionError:
    return OptionError(f"pictures: expected several, such as a list of paths, received {received}.", fix)
