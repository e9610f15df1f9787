"""A photo that is no file of its own, such as a cell of a table or an address."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from retrainer.errors import PictureError
from retrainer.photos.reading import read_file


@dataclass(frozen=True)
class Photo:
    """A photo with a name, whose bytes are read when they are needed.

    Attributes:
        name: Stands for the path in answers and messages.
        read: Returns the bytes of the picture file. It may run in any thread, and raises PictureError if it fails.
    """

    name: str
    read: Callable[[], bytes]


def name_of(photo: str | Photo) -> str:
    """The path of a file, or the name of a photo."""
    return photo.name if isinstance(photo, Photo) else photo


def content_of(photo: str | Photo) -> bytes:
    """The bytes of a picture file.

    Raises:
        PictureError: they cannot be read.
    """
    return photo.read() if isinstance(photo, Photo) else read_file(photo)


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
