"""A folder of class folders -> the files to learn from, and the dataset they make."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retrainer.arrays import Bools, Digests, Integers
from retrainer.errors import DatasetError
from retrainer.events import FolderScanned, Observer, PhotoSkipped, Warned
from retrainer.files import require_folder, shown
from retrainer.labels import labels_of

FEW_PHOTOS = 20
# 2**27 - 1, the most that the 2017 scripts' sampling could reach.
MOST_PHOTOS = 134_217_727
# Files that operating systems leave in folders; every other file is taken for a photo until its content says no.
_NO_PHOTOS = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class PhotoFiles:
    """The files found in class folders, before any of them was read.

    Attributes:
        root: The folder of class folders, as typed.
        folders: The class folders' names, sorted.
        names: N file names.
        folder_ids: `(N,)`, numbers of folders.
        stamps: `(N, 3)`: size in bytes, times of modification and of change in nanoseconds.
    """

    root: str
    folders: tuple[str, ...]
    names: tuple[str, ...]
    folder_ids: Integers
    stamps: Integers

    @cached_property
    def paths(self) -> list[str]:
        """The files' paths below `root`, spelt as the 2017 scripts spelt them."""
        parents = [os.path.join(self.root, folder) for folder in self.folders]
        return [os.path.join(parents[i], name) for i, name in zip(self.folder_ids, self.names, strict=True)]


@dataclass(frozen=True)
class Dataset:
    """Photos that can be read, with their classes.

    Attributes:
        labels: C labels; a label's place is its class id.
        paths: N paths, as typed.
        label_ids: `(N,)`, class ids.
        digests: `(N, 32)`, SHA-256 of the files' bytes.
    """

    labels: tuple[str, ...]
    paths: tuple[str, ...]
    label_ids: Integers
    digests: Digests

    @property
    def counts(self) -> Integers:
        """Photos per class, `(C,)`."""
        return np.bincount(self.label_ids, minlength=len(self.labels))


def scan(image_dir: str, observer: Observer, fewest: int = 2) -> PhotoFiles:
    """Lists the files of all class folders of `image_dir`, one level deep, sorted by folder and name.

    Args:
        image_dir: As typed.
        observer: Told of folders, and of files that are none.
        fewest: How many classes there must be.

    Raises:
        OptionError: `image_dir` is no folder that can be listed.
        DatasetError: it has fewer folders with files, or two that would share a label.
    """
    require_folder(image_dir, "--image_dir", "a folder with one sub-folder of photos per class")
    folders: list[str] = []
    found: list[tuple[str, tuple[int, int, int]]] = []
    folder_ids: list[int] = []
    for folder in _class_folders(image_dir):
        files = _files(os.path.join(image_dir, folder), observer)
        observer(FolderScanned(os.path.join(image_dir, folder), len(files)))
        if files:
            found += files
            folder_ids += [len(folders)] * len(files)
            folders.append(folder)
        else:
            observer(Warned(f"No files found in '{shown(folder)}': the folder is skipped."))
    _require_classes(image_dir, folders, fewest)
    labels_of(folders)
    names, stamps = zip(*found, strict=True)
    return PhotoFiles(image_dir, tuple(folders), names, np.array(folder_ids), np.array(stamps, np.int64))


def dataset_of(files: PhotoFiles, readable: Bools, digests: Digests, observer: Observer) -> Dataset:
    """The dataset of the files that turned out to be photos.

    Args:
        files: N files.
        readable: Which of them, `(N,)`.
        digests: SHA-256 of their bytes, `(N, 32)`.
        observer: Told of classes that are small or fall away.

    Raises:
        DatasetError: fewer than two classes are left.
    """
    counts = np.bincount(files.folder_ids[readable], minlength=len(files.folders))
    for folder, count in zip(files.folders, counts, strict=True):
        if count == 0:
            observer(Warned(f"No readable photos in '{shown(folder)}': the folder is skipped."))
        elif count < FEW_PHOTOS:
            observer(
                Warned(
                    f"Folder has less than {FEW_PHOTOS} images, which may cause issues. '{shown(folder)}' has {count}."
                )
            )
        elif count > MOST_PHOTOS:
            observer(
                Warned(
                    f"Folder {shown(folder)} has more than {MOST_PHOTOS} images. Some images will never be selected."
                )
            )
    kept = [folder for folder, count in zip(files.folders, counts, strict=True) if count]
    _require_classes(files.root, kept, 2)
    new_ids = np.cumsum(counts > 0) - 1
    paths = files.paths
    return Dataset(
        labels_of(kept),
        tuple(paths[i] for i in np.flatnonzero(readable)),
        new_ids[files.folder_ids[readable]],
        digests[readable],
    )


def _class_folders(image_dir: str) -> list[str]:
    with os.scandir(image_dir) as entries:
        return sorted(e.name for e in entries if not e.name.startswith(".") and os.path.isdir(e.path))


def _files(folder: str, observer: Observer) -> list[tuple[str, tuple[int, int, int]]]:
    """Names and stamps of a folder's files, sorted by name."""
    files = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower() in _NO_PHOTOS:
                    continue
                try:
                    status = entry.stat()
                except OSError as error:  # a link that leads nowhere or in a circle
                    observer(PhotoSkipped(entry.path, str(error.strerror)))
                    continue
                if stat.S_ISREG(status.st_mode):
                    # A file that was replaced with its size and time kept has another time of change.
                    files.append((entry.name, (status.st_size, status.st_mtime_ns, status.st_ctime_ns)))
                elif not stat.S_ISDIR(status.st_mode):
                    observer(PhotoSkipped(entry.path, "expected a file, received a pipe, socket or device"))
    except OSError as error:
        observer(Warned(f"Folder '{shown(folder)}' cannot be listed: {error.strerror}."))
    return sorted(files)


def _where_photos_belong(image_dir: str) -> str:
    with os.scandir(image_dir) as entries:
        paths = sorted(entry.path for entry in entries)
    for path in paths:
        if os.path.isdir(path) and sum(os.path.isdir(os.path.join(path, name)) for name in os.listdir(path)) > 1:
            return f"Did you mean '{shown(path)}'? Its sub-folders may be the classes."
    files = sum(map(os.path.isfile, paths))
    received = f", received {files} files and no sub-folder with photos" if files else ""
    return f"Expected one sub-folder of photos per class, such as photos/daisy and photos/roses{received}."


def _require_classes(image_dir: str, folders: Sequence[str], fewest: int) -> None:
    if not folders:
        raise DatasetError(
            f"No valid folders of images found at {shown(image_dir)}",
            _where_photos_belong(image_dir),
        )
    if len(folders) < fewest:
        raise DatasetError(
            f"Only one valid folder of images found at {shown(image_dir)}"
            " - multiple classes are needed for classification.",
            f"Expected two or more sub-folders with photos, received only '{shown(folders[0])}'.",
        )
