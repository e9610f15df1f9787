"""A folder of class folders -> the files below it -> the dataset of those that are photos."""

import itertools
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from retrainer.arrays import Bools, Digests, Integers
from retrainer.errors import DatasetError
from retrainer.events import FolderScanned, Observer, Warned
from retrainer.photos.labels import labels_of
from retrainer.photos.layouts import (
    folder_of_classes,
    report_depth,
    report_loose_files,
    require_no_parts,
    require_photo_folder,
    where_photos_belong,
)
from retrainer.photos.walk import Stamps, Walk
from retrainer.text import shown

FEW_PHOTOS = 20
# 2**27 - 1: the 2017 scripts could not sample more.
MOST_PHOTOS = 134_217_727


@dataclass(frozen=True, eq=False)
class PhotoFiles:
    """The files found in class folders, before they are read.

    Attributes:
        root: The folder of class folders, as typed.
        folders: The names of the class folders, sorted.
        names: N paths of files, each below its class folder.
        folder_ids: The class folder of each file, `(N,)`.
        stamps: The `Stamps` of each file, `(N, 3)`.
    """

    root: str
    folders: tuple[str, ...]
    names: tuple[str, ...]
    folder_ids: Integers
    stamps: Integers

    @cached_property
    def paths(self) -> list[str]:
        """The paths of the files, spelt as in the 2017 scripts: they begin with `root` as typed."""
        parents = [os.path.join(self.root, folder) for folder in self.folders]
        return [os.path.join(parents[i], name) for i, name in zip(self.folder_ids, self.names, strict=True)]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Photos that can be read, and their classes.

    Attributes:
        labels: C labels, in the order of their class ids.
        paths: N paths, as typed.
        label_ids: The class id of each photo, `(N,)`.
        digests: SHA-256 of the files' bytes, `(N, 32)`.
        groups: The group of each photo, `(N,)`: a split keeps groups together. None if there are no groups.
    """

    labels: tuple[str, ...]
    paths: tuple[str, ...]
    label_ids: Integers
    digests: Digests
    groups: Integers | None = None

    @property
    def counts(self) -> Integers:
        """Photos per class, `(C,)`."""
        return np.bincount(self.label_ids, minlength=len(self.labels))


def scan(image_dir: str, observer: Observer, fewest: int = 2) -> PhotoFiles:
    """Lists the files below the class folders of `image_dir`, at any depth, sorted by folder and path.

    Args:
        image_dir: The folder of class folders, as typed.
        observer: Called with the folders found and the files left out.
        fewest: The least number of classes. If it is more than one, each class needs a label of its own.

    Raises:
        OptionError: `image_dir` is no folder that can be listed.
        DatasetError: it has too few folders with files, two with the same label, or the parts of a split for classes.
    """
    require_photo_folder(image_dir)
    root = Path(os.path.realpath(image_dir))
    walk = Walk(observer, (root, *root.parents))
    top = walk.listed(image_dir)
    found: dict[str, list[tuple[str, Stamps]]] = {}
    for folder in sorted((*top.folders, *top.linked_folders)):
        before = walk.left_out
        files = walk.below(os.path.join(image_dir, folder))
        observer(FolderScanned(os.path.join(image_dir, folder), len(files)))
        if files:
            found[folder] = files
        else:
            none = "No readable photos in" if walk.left_out > before else "No files found in"
            observer(Warned(f"{none} '{shown(folder)}': the folder is skipped."))
    walk.report()
    _require_layout(image_dir, found, fewest, observer)
    report_loose_files(image_dir, [name for name, _ in top.files], observer)
    names, stamps = zip(*itertools.chain.from_iterable(found.values()), strict=True)
    folder_ids = np.repeat(np.arange(len(found)), [len(files) for files in found.values()])
    return PhotoFiles(image_dir, tuple(found), names, folder_ids, np.array(stamps, np.int64))


def dataset_of(files: PhotoFiles, readable: Bools, digests: Digests, observer: Observer) -> Dataset:
    """The dataset of those files that are photos.

    Args:
        files: N files.
        readable: Whether each file is a photo, `(N,)`.
        digests: SHA-256 of their bytes, `(N, 32)`.
        observer: Called with warnings about small and empty classes.

    Raises:
        DatasetError: fewer than two classes have photos.
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


def _require_layout(
    image_dir: str, found: Mapping[str, Sequence[tuple[str, Stamps]]], fewest: int, observer: Observer
) -> None:
    """Raises DatasetError unless the folders with files can be the classes."""
    inner = {folder: Counter(name.rpartition(os.sep)[0] for name, _ in files) for folder, files in found.items()}
    require_no_parts(image_dir, inner)
    _require_classes(image_dir, list(found), fewest)
    if fewest > 1:
        labels_of(list(found))
    report_depth(image_dir, inner, observer)


def _require_classes(image_dir: str, folders: Sequence[str], fewest: int) -> None:
    if len(folders) >= max(fewest, 1):
        return
    if folders and not folder_of_classes(image_dir):
        problem = (
            f"Only one valid folder of images found at {shown(image_dir)}"
            " - multiple classes are needed for classification."
        )
    else:
        problem = f"No valid folders of images found at {shown(image_dir)}"
    raise DatasetError(problem, where_photos_belong(image_dir, folders))
