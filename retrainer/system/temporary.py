"""A temporary folder that lives as long as the value that stands for it."""

import os
import shutil
import tempfile
import weakref
from pathlib import Path

from retrainer.system.files import output_error


class TemporaryFolder:
    """A new folder, removed with all that it holds when nothing refers to this value any more, or when Python ends.

    Attributes:
        path: The folder.

    Raises:
        OutputError: the disk takes no folder.
    """

    def __init__(self) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="retrainer-"))
        except OSError as error:
            raise output_error(Path(error.filename or tempfile.gettempdir()), error) from error
        weakref.finalize(self, _remove, self.path, os.getpid())

    def keep_for(self, user: object) -> None:
        """Keeps the folder as long as another value lives."""
        _KEPT[user] = self


# Values -> the folders that they need.
_KEPT: "weakref.WeakKeyDictionary[object, TemporaryFolder]" = weakref.WeakKeyDictionary()


def _remove(path: Path, maker: int) -> None:
    if os.getpid() == maker:  # a forked child has a copy of the value, and its parent still needs the folder
        shutil.rmtree(path, ignore_errors=True)
