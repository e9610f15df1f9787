"""A folder or a table of photos -> the files with their classes. Each layout has a module of its own."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from retrainer.errors import DatasetError, OptionError
from retrainer.events import FilesFound, FolderScanned, Observer
from retrainer.options.in_memory import TableInMemory
from retrainer.options.split import AUTO
from retrainer.photos.archives import is_archive
from retrainer.photos.class_folders import class_folders
from retrainer.photos.files import PhotoFiles, no_photos_in
from retrainer.photos.foreign_layouts import require_no_masks
from retrainer.photos.given_parts import are_parts, given_parts
from retrainer.photos.layouts import report_depth, report_loose_files, require_no_parts, require_photo_folder
from retrainer.photos.name_labels import FLAG, require_pattern
from retrainer.photos.named_files import named_files
from retrainer.photos.table_files import is_table
from retrainer.photos.tables import table_files
from retrainer.photos.walk import Listing, Stamps, Walk, folders_above


def scan(image_dir: str, observer: Observer, fewest: int = 2, split_by: str = AUTO, label_from: str = "") -> PhotoFiles:
    """Lists the files of classes, sorted by class and path.

    Args:
        image_dir: A folder of class folders, or of parts such as `train` and `test` with class folders, as typed. It
            may be a ZIP or tar archive of them, or of one folder that holds them; or a table of photos.
        observer: Called with the folders found and the files left out.
        fewest: The least number of classes. If it is more than one, each class needs a label of its own.
        split_by: As in `SplitOptions`; the parts that lie there are given parts by `auto` and `folders` only.
        label_from: As in `SplitOptions`: finds the class of a photo in its name.

    Raises:
        OptionError: `image_dir` is no folder that can be listed and no table, or `label_from` no pattern.
        DatasetError: it has too few classes with files, two with the same label, or no parts though they are asked for.
    """
    try:
        files = _files(image_dir, observer, fewest, split_by, label_from)
    except DatasetError as error:
        if error.path is None and not isinstance(image_dir, TableInMemory):
            error.path = image_dir
        raise
    observer(FilesFound(len(files.names), len(files.classes)))
    return files


def _files(image_dir: str, observer: Observer, fewest: int, split_by: str, label_from: str) -> PhotoFiles:
    if is_table(image_dir):
        if label_from:
            raise OptionError(f"{FLAG}: expected a folder of photos, received a table, which has a column of labels.")
        return table_files(image_dir, observer, fewest, split_by)
    require_photo_folder(image_dir)
    if label_from:
        return _named(image_dir, observer, fewest, split_by, label_from)
    root = Path(os.path.realpath(image_dir))
    walk = Walk(observer, (root, *root.parents))
    folder, top = _top(walk, image_dir)
    found = _walked(walk, folder, sorted((*top.folders, *top.linked_folders)), observer)
    if are_parts(folder, found, fewest, split_by):
        files = given_parts(folder, found, fewest, split_by, observer)
    else:
        inner = {folder: Counter(name.rpartition(os.sep)[0] for name, _ in files) for folder, files in found.items()}
        require_no_parts(folder, inner)
        require_no_masks(folder, list(found))
        files = class_folders(folder, found, fewest)
        report_depth(folder, inner, observer)
    report_loose_files(folder, [name for name, _ in top.files], observer)
    return files if folder == image_dir else files.below(image_dir)


def _named(image_dir: str, observer: Observer, fewest: int, split_by: str, label_from: str) -> PhotoFiles:
    """The files whose names tell their classes."""
    require_pattern(label_from)
    walk = Walk(observer, folders_above(image_dir))
    found = walk.below(image_dir)
    walk.report()
    return named_files(image_dir, found, label_from, fewest, split_by, observer)


def _top(walk: Walk, image_dir: str) -> tuple[str, Listing]:
    """The folder that holds the class folders, and what lies in it; an archive may hold one folder with everything."""
    folder, top = image_dir, walk.listed(image_dir)
    while is_archive(image_dir) and len(top.folders) == 1 and not top.files:
        inner = os.path.join(folder, top.folders[0])
        below = walk.listed(inner)
        if not below.folders:
            break
        folder, top = inner, below
    return folder, top


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
            observer(no_photos_in(folder, none))
    walk.report()
    return found
