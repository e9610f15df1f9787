"""The first entries of folders and archives, to find out what lies there without reading a whole disk."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from retrainer.errors import DatasetError
from retrainer.photos.archives import folder_in_archive
from retrainer.photos.file_names import skips_folder
from retrainer.photos.packed.archive import Folder
from retrainer.text import shown

MOST_ENTRIES, MOST_FOLDERS = 500, 200
"""At most this many entries of a folder are read, and this many folders."""

_PICTURE = re.compile(
    r".*\.(avif|bmp|gif|heic|heif|jfif|jp2|jpe|jpeg|jpg|jxl|png|tif|tiff|webp)", re.IGNORECASE | re.DOTALL
)


def is_picture(name: str) -> bool:
    """Whether a file has a name as pictures have."""
    return _PICTURE.search(name) is not None


def with_photos(folder: str) -> list[str]:
    """The sub-folders with a file that has a picture's suffix, among the first `MOST_FOLDERS` of them."""
    return [
        name
        for name in sub_folders(folder)[:MOST_FOLDERS]
        if any(is_picture(file) for file, inner in entries(os.path.join(folder, name)) if not inner)
    ]


def sub_folders(folder: str) -> list[str]:
    """The names of the first folders in a folder."""
    return [name for name, is_folder in entries(folder) if is_folder]


def quoted(folders: Sequence[str]) -> str:
    """The first three names, quoted for a message."""
    return ", ".join(f"'{shown(name)}'" for name in folders[:3]) + (", …" if len(folders) > 3 else "")


def entries(folder: str) -> list[tuple[str, bool]]:
    """The names of a folder's first entries, and whether each is a folder, sorted; none if it cannot be listed."""

    def read() -> Iterator[tuple[str, bool]]:
        with os.scandir(folder) as found:
            for entry in islice(found, MOST_ENTRIES):
                if not entry.name.startswith(".") and not (entry.is_dir() and skips_folder(entry.name)):
                    yield entry.name, entry.is_dir()

    try:
        return sorted(read())
    except (FileNotFoundError, NotADirectoryError):
        return _entries_in_archive(folder)
    except OSError:
        return []


def _entries_in_archive(folder: str) -> list[tuple[str, bool]]:
    """The same for an archive or a folder in one."""
    try:
        inner = folder_in_archive(folder) or Folder()
    except (DatasetError, OSError):
        return []
    names = [(name, False) for name, _ in inner.files]
    names += [(name, True) for name in inner.folders if not skips_folder(name)]
    return sorted(entry for entry in names if not entry[0].startswith("."))[:MOST_ENTRIES]
