"""The files of photos as the decisions of a list leave them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from retrainer.events import Observer
from retrainer.feature_source import bottleneck_folder
from retrainer.photos.files import PhotoFiles

if TYPE_CHECKING:
    from retrainer.photos.clean_list.clean_list import CleanList


def scanned_by_list(
    clean_list: str, scan: Callable[[], PhotoFiles], bottleneck_dir: str, observer: Observer, fewest: int = 2
) -> PhotoFiles:
    """Scans photos, and honours the decisions of a list if there is one.

    Args:
        clean_list: The path of the list, which is read before the photos; empty if there is none.
        scan: Returns the photos' files.
        bottleneck_dir, observer, fewest: As for `decided_files`.

    Raises:
        RetrainerError: the photos or the list cannot be used, or too few photos are left.
    """
    if not clean_list:
        return scan()
    from retrainer.photos.clean_list.file import read_clean_list  # runs without a list do without it

    decisions = read_clean_list(clean_list)
    return decided_files(scan(), decisions, bottleneck_dir, observer, fewest)


def decided_files(
    files: PhotoFiles, decisions: "CleanList", bottleneck_dir: str, observer: Observer, fewest: int = 2
) -> PhotoFiles:
    """Returns the files after the decisions of a list, as `honoured` does.

    Args:
        files: The photos' files.
        decisions: The list.
        bottleneck_dir: The folder of the cache, which knows the hashes of unchanged files; empty for the user's own.
        observer: Called with what was honoured, and with warnings.
        fewest: The least number of classes that must be left.

    Raises:
        DatasetError: a class has no photo left, or too few classes are left.
    """
    from retrainer.bottlenecks.file_hashes import FileHashes
    from retrainer.photos.clean_list.honouring import honoured

    hashes = FileHashes(files, bottleneck_folder(bottleneck_dir), observer)
    return honoured(files, decisions, hashes.texts, observer, fewest)
