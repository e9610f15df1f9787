"""What is taken as a picture: its path or name, and the bytes of its file."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrainer.errors import PictureError, RetrainerError
from retrainer.photos.reading import read_file
from retrainer.text import brief, innermost_reason

if TYPE_CHECKING:
    from retrainer.photos.in_memory import InMemory


@dataclass(frozen=True)
class Photo:
    """A photo with a name, whose bytes are read when they are needed.

    Attributes:
        name: Stands for the path in answers and messages.
        read: Returns the bytes of the picture file. It may run in any thread. What it raises is why the picture
            cannot be read.
    """

    name: str
    read: Callable[[], bytes]


class PictureName(str):
    """The name of a picture that is no file, in the place of its path; a pickle holds only the name.

    Attributes:
        photo: The picture.
    """

    photo: Photo

    def __new__(cls, photo: Photo) -> "PictureName":
        """Gives a picture the place of a path."""
        made = super().__new__(cls, photo.name)
        made.photo = photo
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def path_of(picture: "str | os.PathLike[str] | InMemory | Photo") -> str | None:
    """The path of a file, perhaps one that is open or that Pillow opened, or the name of a `Photo`; else None."""
    if isinstance(picture, str):
        return picture
    if isinstance(picture, Photo):
        return str(picture.name) if picture.name else None
    if isinstance(picture, os.PathLike):
        return os.fsdecode(picture)
    name = getattr(picture, "filename", None) or (getattr(picture, "name", None) if hasattr(picture, "read") else None)
    return name if isinstance(name, str) else None


def name_of(picture: "str | os.PathLike[str] | InMemory | Photo") -> str:
    """What messages and answers call a picture: its path or name, or `picture` if it has none."""
    return path_of(picture) or "picture"


def content_of(picture: "str | os.PathLike[str] | InMemory | Photo") -> bytes:
    """The bytes of a picture file; `pictures.Picture` says what is taken.

    A picture that is in memory and no file becomes a PNG that is not compressed, with the same pixels.

    Raises:
        PictureError: it is no picture of a known kind, or it cannot be read.
    """
    if isinstance(picture, PictureName):
        return picture.photo.read()
    if isinstance(picture, str):
        return read_file(picture)
    if isinstance(picture, Photo):
        return _read(picture)
    if isinstance(picture, os.PathLike):
        return read_file(os.fsdecode(picture))
    from retrainer.photos.in_memory import content_in_memory  # it needs Pillow and NumPy

    return content_in_memory(picture)


def _read(photo: Photo) -> bytes:
    try:
        content: object = photo.read()
    except RetrainerError:
        raise
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from error
    except Exception as error:  # `read` is the caller's own
        from retrainer.system.memory import require_memory  # labelling a file does without it

        require_memory(error, "to read a picture")
        raise PictureError(f"cannot be read: {innermost_reason(error)}") from error
    if not isinstance(content, bytes):
        raise PictureError(f"expected bytes of a Photo's `read`, received {brief(content)}")
    return content


def held(photo: str | Photo) -> str | Photo:
    """The same photo; if it is no file of its own, its bytes are in memory, or the error that they gave."""
    if isinstance(photo, str) and os.path.lexists(photo):
        return photo
    try:
        content = content_of(photo)
    except PictureError as error:
        return unreadable(name_of(photo), str(error))
    return Photo(name_of(photo), lambda: content)


def unreadable(name: str, problem: str) -> Photo:
    """A photo whose place is known, but that cannot be read for a reason."""

    def read() -> bytes:
        raise PictureError(problem)

    return Photo(name, read)
