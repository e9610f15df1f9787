"""A folder of photos -> the files with their classes. Each layout has a module of its own."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from retrainer.events import FolderScanned, Observer, Warned
from retrainer.photos.class_folders import class_folders
from retrainer.photos.files import PhotoFiles
from retrainer.photos.layouts import report_depth, report_loose_files, require_no_parts, require_photo_folder
from retrainer.photos.walk import Stamps, Walk
from retrainer.text import shown


def scan(image_dir: str, observer: Observer, fewest: int = 2) -> PhotoFiles:
    """Lists the files of classes, sorted by class and path.

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
    found = _walked(walk, image_dir, sorted((*top.folders, *top.linked_folders)), observer)
    inner = {folder: Counter(name.rpartition(os.sep)[0] for name, _ in files) for folder, files in found.items()}
    require_no_parts(image_dir, inner)
    files = class_folders(image_dir, found, fewest)
    report_depth(image_dir, inner, observer)
    report_loose_files(image_dir, [name for name, _ in top.files], observer)
    return files


def _walked(
    walk: Walk, image_dir: str, folders: Sequence[str], observer: Observer
) -> dict[str, list[tuple[str, Stamps]]]:
    """The folders that have files, and the files below each; reports what is left out, and folders without any."""
    found: dict[str, list[tuple[str, Stamps]]] = {}
    for folder in folders:
        before = walk.left_out
        files = walk.below(os.path.join(image_dir, folder))
        observer(FolderScanned(os.path.join(image_dir, folder), len(files)))
        if files:
            found[folder] = files
        else:
            none = "No readable photos in" if walk.left_out > before else "No files found in"
            observer(Warned(f"{none} '{shown(folder)}': the folder is skipped."))
    walk.report()
    return found
