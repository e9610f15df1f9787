"""Photos of folders, archives and globs."""

import glob
import os

from retrainer.errors import OptionError
from retrainer.events import Noted
from retrainer.photos.archives import open_archive, reading_order, within_archive
from retrainer.photos.file_names import NOT_PHOTOS, is_no_photo
from retrainer.photos.inputs.source import FLAG, Request, Source
from retrainer.photos.walk import Walk, counted, folders_above
from retrainer.system.paths import require_file, require_folder
from retrainer.text import shown


def files_below(folder: str, request: Request) -> Source:
    """All files at any depth, sorted by their paths; folders are read as `retrain` reads class folders.

    Raises:
        OptionError: there are none.
    """
    require_folder(folder, FLAG, "photos")
    return _found(folder, _names_below(folder, request), folder)


def files_in_archive(path: str, request: Request) -> Source:
    """The files of an archive or of a folder in one, sorted or in the order in which they can be read; or one file.

    Raises:
        OptionError: there are none.
        DatasetError: the archive is damaged.
    """
    within = within_archive(path)
    if within is None:
        require_file(path, FLAG, "an archive or a file in one")
        return Source([path], 1)
    inner = open_archive(within[0]).folder(within[1])
    if within[1] and not (inner.files or inner.folders):
        return Source([path], 1)
    paths = [os.path.join(path, name) for name in _names_below(path, request)]
    return _found(path, [paths[number] for number in reading_order(paths)])


def _names_below(folder: str, request: Request) -> list[str]:
    walk = Walk(request.observer, folders_above(folder))
    names = walk.names_below(folder)
    walk.report()
    return names


def files_of_glob(pattern: str, request: Request) -> Source:
    """The files that a glob finds, sorted; a file with several paths appears once, under the shortest.

    Raises:
        OptionError: there are none.
    """
    files = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
    others = [path for path in files if is_no_photo(os.path.basename(path))]
    if others:
        request.observer(Noted(f"Left out {counted(others)}: {NOT_PHOTOS}"))
    deepest_first = sorted(set(files) - set(others), key=lambda path: (path.count(os.sep), path), reverse=True)
    return _found(pattern, sorted({os.path.realpath(path): path for path in deepest_first}.values()))


def _found(value: str, names: list[str], folder: str = "") -> Source:
    if not names:
        raise OptionError(f"{FLAG}: expected photos, found none in '{shown(value)}'.", "Type `retrainer label PHOTO`.")
    return Source((os.path.join(folder, name) for name in names), len(names), named=False)
