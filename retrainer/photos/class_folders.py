"""The usual layout: a folder with one sub-folder of photos per class."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from retrainer.photos.files import PhotoFiles
from retrainer.photos.labels import label_of, labels_of
from retrainer.photos.layouts import require_classes
from retrainer.photos.walk import Stamps

Found = Mapping[str, Sequence[tuple[str, Stamps]]]
"""Folder -> the files below it, at any depth: paths below the folder, sorted, with stamps."""


def class_folders(image_dir: str, found: Found, fewest: int) -> PhotoFiles:
    """Returns the files of class folders.

    Args:
        image_dir: The folder of class folders, as typed.
        found: The class folders that have files.
        fewest: The least number of classes. If it is more than one, each class needs a label of its own.

    Raises:
        DatasetError: there are too few class folders, or two have the same label.
    """
    folders = tuple(found)
    require_classes(image_dir, folders, fewest)
    labels = labels_of(folders) if fewest > 1 else tuple(map(label_of, folders))
    names = [os.path.join(folder, name) for folder, files in found.items() for name, _ in files]
    stamps = np.array([stamps for files in found.values() for _, stamps in files], np.int64)
    class_ids = np.repeat(np.arange(len(found)), [len(files) for files in found.values()])
    return PhotoFiles(image_dir, folders, labels, names, class_ids, stamps)
