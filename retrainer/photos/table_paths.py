"""The files that a table of photos names."""

import os
import stat
from collections.abc import Iterator

from retrainer.answers.texts import original
from retrainer.errors import DatasetError
from retrainer.photos.archives import folder_in_archive
from retrainer.photos.walk import Stamps
from retrainer.system.paths import is_address
from retrainer.system.portable import is_below_a_file


class Places:
    """Finds the files that a table names, also in archives.

    Args:
        folder: The folder that the names begin in; empty for the working folder.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._in_archives: dict[str, dict[str, Stamps]] = {}

    def found(self, name: str) -> tuple[str, Stamps]:
        """Returns the name of a file as it exists, and its stamps.

        It may be written as files of answers write odd characters, with spaces around it, or as on Windows.

        Raises:
            OSError: there is no such file.
        """
        if is_address(name):
            raise OSError("an address, which is not fetched; expected the path of a file")
        first: OSError | None = None
        for spelt in dict.fromkeys(_spellings(name)):
            try:
                return spelt, self._stamps(os.path.join(self._folder, spelt))
            except OSError as error:
                first = first or error
        raise first or OSError("no such file")

    def _stamps(self, path: str) -> Stamps:
        try:
            status = os.stat(path)
        except ValueError as error:  # a zero byte
            raise OSError("no such file") from error
        except OSError as error:
            if is_below_a_file(error) and (stamps := self._within(path)):
                return stamps
            raise
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
            raise OSError(f"expected a file, received {kind}")
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def _within(self, path: str) -> Stamps | None:
        """The stamps of a file in an archive."""
        folder, name = os.path.split(path)
        if folder not in self._in_archives:
            try:
                found = folder_in_archive(folder)
            except (DatasetError, OSError):
                found = None
            self._in_archives[folder] = dict(found.files) if found else {}
        return self._in_archives[folder].get(name)


def _spellings(name: str) -> Iterator[str]:
    yield name
    yield original(name)
    yield name.strip()
    yield name.strip().replace("\\", os.sep)
