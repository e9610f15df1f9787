"""Folders whose photos do not lie in class folders: errors, warnings, and the folder to give instead."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from retrainer.errors import DatasetError, OptionError
from retrainer.events import Detailed, FilesLeftOut, Noted, Observer, Warned
from retrainer.photos.archives import ARCHIVE_NAME, is_archive, open_archive, within_archive
from retrainer.photos.entries import MOST_FOLDERS, entries, is_picture, quoted, sub_folders, with_photos
from retrainer.photos.foreign_layouts import what_to_do
from retrainer.photos.labels import label_of
from retrainer.photos.parts import part_of
from retrainer.photos.walk import counted
from retrainer.system.paths import require_folder
from retrainer.text import pasted, shown

Inner = Mapping[str, Counter[str]]
"""Class folder -> folder below it, or "" for itself -> the number of files directly in that."""

_LEARNT, _HELD_OUT = (
    frozenset({"train", "training"}),
    frozenset({"dev", "test", "testing", "val", "valid", "validation"}),
)
# A hint is looked for this deep.
_DEPTH = 3
_NO_PHOTOS = "Type `retrainer retrain PHOTOS`. If no photos are at hand, `retrainer sample drawings` draws some."


def require_photo_folder(image_dir: str) -> None:
    """Raises OptionError unless `image_dir` is a folder that can be listed, an archive, or a folder in one."""
    if is_archive(image_dir) or _is_in_archive(image_dir):
        return
    if os.path.isfile(image_dir) and ARCHIVE_NAME.fullmatch(image_dir):
        raise OptionError(
            f"--image_dir: expected a folder, a ZIP or a tar archive, received another archive, '{shown(image_dir)}'.",
            "Unpack it and give the unpacked folder.",
        )
    require_folder(image_dir, "--image_dir", "a folder with one sub-folder of photos per class", _NO_PHOTOS)


def _is_in_archive(image_dir: str) -> bool:
    """Whether a path leads to a folder in an archive."""
    within = within_archive(image_dir)
    if within is None or not is_archive(within[0]):
        return False
    inner = open_archive(within[0]).folder(within[1])
    return bool(inner.files or inner.folders)


def require_no_parts(image_dir: str, folders: Inner) -> None:
    """Raises DatasetError if the folders are the parts of a split, such as train and test, and not classes."""
    parts = sorted((name for name in folders if _part_words(name)), key=lambda name: not _LEARNT & _part_words(name))
    if len(parts) < 2:
        return
    leaves = [{os.path.basename(inner).lower() for inner in folders[name]} - {""} for name in parts]
    same = [
        (one, leaf & leaves[0]) for one, leaf in zip(parts[1:], leaves[1:], strict=True) if len(leaf & leaves[0]) > 1
    ]
    if not same and not _are_named_as_parts(folders):
        return
    problem = (
        f"'{shown(parts[0])}' and '{shown(parts[1])}' in '{shown(image_dir)}' are parts of a dataset; expected classes."
    )
    if same:
        paths = [_parent_of(image_dir, name, folders[name], same[0][1]) for name in (parts[0], same[0][0])]
        fix = "Give one of them: --image_dir {} to train on it, --image_dir {} to evaluate on it.".format(*paths)
    elif len(leaves[0]) > 1:
        fix = f"Give the one with the classes: --image_dir {pasted(os.path.join(image_dir, parts[0]))}"
    else:
        sort = f"Sort the photos into class folders, such as '{shown(os.path.join(image_dir, parts[0], 'daisy'))}'."
        fix = what_to_do(image_dir, parts) or sort
    raise DatasetError(problem, fix)


def require_classes(image_dir: str, folders: Sequence[str], fewest: int = 2) -> None:
    """Raises DatasetError unless there are enough class folders with photos, at least one."""
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


def report_depth(image_dir: str, folders: Inner, observer: Observer) -> None:
    """Reports how many files lie in folders below the class folders; warns if all do, as those may be the classes."""
    below = {name: [inner for inner in files if inner] for name, files in folders.items()}
    deep = [os.path.join(image_dir, name, inner) for name, inners in below.items() for inner in inners]
    if not deep:
        return
    direct, total = sum(files[""] for files in folders.values()), sum(files.total() for files in folders.values())
    where = counted(deep, "folder", "folders")
    if direct:
        observer(Detailed(f"{total - direct:,} of {total:,} files are read from {where}, below the class folders"))
        return
    largest = max(below, key=lambda name: len(below[name]))
    observer(
        Warned(
            f"All files of the classes {quoted(list(folders))} lie deeper, in {where}. "
            f"If these folders are the classes, give --image_dir {pasted(os.path.join(image_dir, largest))}"
        )
    )


def report_loose_files(image_dir: str, names: Sequence[str], observer: Observer) -> None:
    """Reports which files beside the class folders are left out; the photos may come from an archive among them."""
    archives = [os.path.join(image_dir, name) for name in names if ARCHIVE_NAME.fullmatch(name)]
    others = [os.path.join(image_dir, name) for name in names if not ARCHIVE_NAME.fullmatch(name)]
    if archives:
        observer(Noted(f"Left out {counted(archives)}: archives are read only if they are given as --image_dir"))
    if others:
        photos = any(is_picture(name) for name in names)
        hint = f" (if '{shown(image_dir)}' is a class itself, give the folder above it)" if photos else ""
        observer(FilesLeftOut(counted(others), len(others), f"in no class folder{hint}", tuple(others)))


def folder_of_classes(image_dir: str) -> str:
    """The first folder below that has at least two sub-folders with photos; empty if none has."""
    level = [image_dir]
    for _ in range(_DEPTH):
        level = [os.path.join(path, name) for path in level for name in sub_folders(path)]
        level = sorted(level[:MOST_FOLDERS], key=lambda path: not _LEARNT & _part_words(os.path.basename(path)))
        found = [path for path in level if _holds_classes(path)]
        if found:
            parent = os.path.dirname(found[0])
            beside = [path for path in found if os.path.dirname(path) == parent]
            if len(beside) > 1 and all(part_of(os.path.basename(path)) is not None for path in beside):
                return parent
            parts = all(_part_words(os.path.basename(path)) for path in beside)
            return found[0] if len(beside) == 1 or parts or parent == image_dir else parent
    return ""


def where_photos_belong(image_dir: str, folders: Sequence[str]) -> str:
    """A hint for a folder with too few class folders, such as the path to give instead.

    Args:
        image_dir: The folder.
        folders: Its class folders.
    """
    if better := folder_of_classes(image_dir):
        return f"Did you mean '{shown(better)}'? Photos lie in its sub-folders {quoted(sub_folders(better))}."
    if known := what_to_do(image_dir, folders):
        return known
    files = [name for name, is_folder in entries(image_dir) if not is_folder]
    photos = [name for name in files if is_picture(name)]
    above = os.path.normpath(os.path.join(image_dir, os.pardir))
    if photos and len(with_photos(above)) > 1:
        found = "1 photo" if len(photos) == 1 else f"{len(photos):,} photos"
        return (
            f"Expected a sub-folder of photos for each class, received {found}. "
            f"If they are one class, give the folder above: '{shown(above)}'."
        )
    archives = [name for name in files if ARCHIVE_NAME.fullmatch(name)]
    if archives and not photos:
        return _way_into([os.path.join(image_dir, archive) for archive in archives])
    if folders:
        return f"Expected two or more sub-folders with photos, received only '{shown(folders[0])}'."
    received = f", received {len(files)} files and no sub-folder with photos" if files else ""
    without = "" if any(entries(image_dir)) else f" To try without photos: retrainer sample {pasted(image_dir)}"
    return f"Expected one sub-folder of photos per class, such as photos/daisy and photos/roses{received}.{without}"


def _way_into(archives: Sequence[str]) -> str:
    if len(archives) > 1:
        return f"If each archive is a class, unpack each of {quoted(archives)} into a folder of its own."
    if is_archive(archives[0]):
        return f"Give the archive: --image_dir {pasted(archives[0])}"
    return f"Unpack '{shown(archives[0])}' and give the unpacked folder."


def _are_named_as_parts(folders: Iterable[str]) -> bool:
    """Whether all folders have names of parts; if these are numbered, such as `test1`, one must be for training."""
    labels = set(map(label_of, folders))
    plain = set(map(_without_number, labels))
    numbered = bool(plain & _LEARNT) and bool(plain & _HELD_OUT)
    return plain <= _LEARNT | _HELD_OUT and (numbered or labels == plain)


def _without_number(label: str) -> str:
    return re.sub(r"\d+", " ", label).strip()


def _part_words(folder: str) -> frozenset[str]:
    return (_LEARNT | _HELD_OUT).intersection(_without_number(label_of(folder)).split())


def _parent_of(image_dir: str, part: str, inner: Counter[str], names: set[str]) -> str:
    """The folder in a part that contains most of the class folders `names`, quoted for a shell."""
    parents = Counter(os.path.dirname(path) for path in sorted(inner) if os.path.basename(path).lower() in names)
    return pasted(os.path.normpath(os.path.join(image_dir, part, parents.most_common(1)[0][0])))


def _holds_classes(folder: str) -> bool:
    """Whether at least two sub-folders hold photos and are not just the parts of a split."""
    names = with_photos(folder)
    return len(names) > 1 and not all(map(_part_words, names))
