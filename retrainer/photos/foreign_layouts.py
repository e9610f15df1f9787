"""Names the layout of a folder that has no class folders, and says what to do with it."""

import os
import re
from collections.abc import Sequence

from retrainer.errors import DatasetError, PictureError
from retrainer.photos.archives import within_archive
from retrainer.photos.entries import entries, is_picture, quoted, sub_folders
from retrainer.photos.name_hints import label_hint
from retrainer.photos.reading import read_file
from retrainer.text import pasted, shown

_TABLE = re.compile(r"\.(csv|jsonl|parquet|tsv)\Z", re.IGNORECASE)
_COCO = re.compile(r"(instances_.*|.*[._]coco)\.json", re.IGNORECASE)
# A line of a YOLO file: the class and the box, or the corners of an outline.
_YOLO_LINE = re.compile(rb"\s*\d+(\s+-?[\d.e-]+){4,}\s")
_IMAGES = ("image", "images", "img", "imgs", "jpegimages")
_MASKS = ("annotations", "gt", "labels", "mask", "masks", "segmentationclass")
# Annotations are looked for in the folder and in so many below it.
_FOLDERS_SEARCHED, _BYTES_READ = 12, 1000


def detection_layout(image_dir: str) -> str:
    """The name of the object-detection layout that a folder has, `YOLO`, `COCO` or `Pascal VOC`; empty if none."""
    for folder in (image_dir, *_folders_below(image_dir)):
        found = entries(folder)
        folders = {name.lower() for name, is_folder in found if is_folder}
        files = [name for name, is_folder in found if not is_folder]
        if any(_COCO.fullmatch(name) for name in files):
            return "COCO"
        stems = {os.path.splitext(name)[0] for name in files if is_picture(name)}
        notes = [name for name in files if os.path.splitext(name)[0] in stems]
        if folders >= {"annotations", "jpegimages"} or (stems and _all_have(stems, notes, ".xml")):
            return "Pascal VOC"
        if folders >= {"images", "labels"} or any(_is_yolo(os.path.join(folder, name)) for name in notes[:2]):
            return "YOLO"
    return ""


def require_no_masks(image_dir: str, folders: Sequence[str]) -> None:
    """Raises DatasetError if the folders are photos and the masks of a segmentation, and not classes."""
    names = {name.lower(): name for name in folders}
    masks = [name for key, name in names.items() if key in _MASKS]
    photos = [name for key, name in names.items() if key in _IMAGES]
    if len(folders) == 2 and masks and photos:
        raise DatasetError(
            f"'{shown(photos[0])}' and '{shown(masks[0])}' in '{shown(image_dir)}' are photos and their masks; "
            "expected classes.",
            "This is a data set for segmentation. Sort the photos into one folder per class, such as photos/daisy.",
        )


def what_to_do(image_dir: str, folders: Sequence[str]) -> str:
    """What to do with a folder that has too few class folders; empty if it has neither photos nor a known layout.

    Args:
        image_dir: The folder.
        folders: The folders in it that have files.
    """
    if kind := detection_layout(image_dir):
        return (
            f"This is a data set for object detection ({kind}), whose labels say where things are in photos. "
            "Cut them out into one folder per class, such as photos/daisy."
        )
    places = [names for folder in ("", *folders[:_FOLDERS_SEARCHED]) if (names := _photos_in(image_dir, folder))]
    hint = next(filter(None, map(label_hint, places)), "")
    hints = [one for one in (_table_hint(image_dir), hint) if one] if places else []
    if not hints:
        return ""
    where = quoted(folders) if "/" in places[0][0] else "it"
    return " ".join([f"Expected one sub-folder of photos per class, found photos directly in {where}.", *hints])


def _table_hint(image_dir: str) -> str:
    """Suggests a table that lies in the folder, or beside it with a name that speaks of labels."""
    inside = [os.path.join(image_dir, name) for name in _tables_in(image_dir)]
    above = os.path.normpath(os.path.join(image_dir, os.pardir))
    words = ("label", os.path.basename(os.path.abspath(image_dir)).lower())
    beside = [os.path.join(above, name) for name in _tables_in(above) if any(word in name.lower() for word in words)]
    if within_archive(image_dir):
        return "If a table in the archive says the classes, unpack the archive and give the table." if inside else ""
    for table in (*inside, *beside):
        return f"If a table says the classes, in columns path and label, give it: --image_dir {pasted(table)}"
    return ""


def _tables_in(folder: str) -> list[str]:
    names = (name for name, is_folder in entries(folder) if not is_folder and _TABLE.search(name))
    return [name for name in names if "submission" not in name.lower()]


def _photos_in(image_dir: str, folder: str) -> list[str]:
    """The first photos directly in a folder below `image_dir`: paths below that, separated by `/`."""
    found = entries(os.path.join(image_dir, folder) if folder else image_dir)
    before = f"{folder}/" if folder else ""
    return [f"{before}{name}" for name, is_folder in found if not is_folder and is_picture(name)]


def _folders_below(image_dir: str) -> list[str]:
    return [os.path.join(image_dir, name) for name in sub_folders(image_dir)[:_FOLDERS_SEARCHED]]


def _all_have(stems: set[str], names: Sequence[str], ending: str) -> bool:
    """Whether files of an ending lie beside most photos; only the first entries are known."""
    return 2 * sum(name.lower().endswith(ending) for name in names) > len(stems)


def _is_yolo(path: str) -> bool:
    """Whether a file beside a photo is a text of boxes."""
    if not path.lower().endswith(".txt"):
        return False
    try:
        return _YOLO_LINE.match(read_file(path)[:_BYTES_READ] + b"\n") is not None
    except PictureError:
        return False
