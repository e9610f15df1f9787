"""Where the photos of a list lie now: in a folder that may have moved, or be typed in another way."""

import os
from collections.abc import Sequence

from retrainer.photos.files import PhotoFiles
from retrainer.photos.photo import PictureName


class Places:
    """Finds files by the paths in a list.

    Args:
        files: N files.
    """

    def __init__(self, files: PhotoFiles) -> None:
        self._by_path = {path: row for row, path in enumerate(files.paths)}
        self._by_name = {str(name): row for row, name in enumerate(files.names)}
        self._paths: Sequence[str] = files.paths
        self._absolute: dict[str, int] = {}

    def at(self, path: str) -> int:
        """The number of the file with a path, as typed, from the folder of photos, or from the root; -1 if none is."""
        found = self._by_path.get(path, self._by_name.get(path, -1))
        if found < 0 and self._paths:
            if not self._absolute:
                pairs = enumerate(self._paths)
                self._absolute = {os.path.abspath(one): row for row, one in pairs if not isinstance(one, PictureName)}
            found = self._absolute.get(os.path.abspath(path), -1) if path and "\0" not in path else -1
        return found

    def same(self, path: str) -> int:
        """Like `at`, also for a file at the same place of a folder that has another path now."""
        found, rest = self.at(path), path
        while found < 0 and os.sep in rest:
            _, _, rest = rest.partition(os.sep)
            found = self._by_name.get(rest, -1)
        return found
