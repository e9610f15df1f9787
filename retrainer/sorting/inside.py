"""Photos that lie in the folders that photos are sorted into."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from retrainer.photos.photo import Photo
from retrainer.system.paths import is_address


def own_path(photo: str | Photo) -> str:
    """The absolute path of a photo, with links to folders followed; the last part stays, which may be a link itself."""
    folder, name = os.path.split(photo.name if isinstance(photo, Photo) else photo)
    return os.path.join(_real(folder or os.curdir), name)


@lru_cache(1024)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


class Inside:
    """Leaves out photos that lie in sorted folders, unless the user names one of these folders or what is in it.

    Attributes:
        count: How many were left out.
        first: The path of the first; empty if there is none.

    Args:
        root: The real path of the folder that photos are sorted into.
        folders: The names of the folders in it.
        values: What the user names to be labelled.
    """

    def __init__(self, root: str, folders: Iterable[str], values: Sequence[str]) -> None:
        self._root = os.path.join(root, "")
        named = {self._folder_of(os.path.realpath(value)) for value in values if not is_address(value)}
        self._folders = {name.casefold() for name in folders} - named
        self.count, self.first = 0, ""

    def left_out(self, inputs: "Iterable[tuple[str | Photo, bool]]") -> "Iterator[tuple[str | Photo, bool]]":
        """Yields the inputs that are to be sorted."""
        for photo, named in inputs:
            if isinstance(photo, str) and self._folder_of(os.path.dirname(own_path(photo))) in self._folders:
                self.count += 1
                self.first = self.first or photo
            else:
                yield photo, named

    def _folder_of(self, path: str) -> str:
        """The name of the folder directly in the root that a real path leads to or through; empty if there is none."""
        below = path.removeprefix(self._root) if path.startswith(self._root) else ""
        return below.split(os.sep)[0].casefold()
