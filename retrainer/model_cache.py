"""Lists what all projects share, bundles, downloads and feature vectors, and removes what nobody uses any more."""

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from retrainer.backbones.bundle import DESCRIPTION, GRAPH, TFLITE
from retrainer.backbones.fetching.downloads import HUB_FOLDER, KERAS_FOLDER, descriptor_of, url_of_download
from retrainer.backbones.model_folders import model_folders, shared_bottlenecks
from retrainer.system.last_use import kept_unused, last_use
from retrainer.system.unfinished import unfinished_folder
from retrainer.text import reason_of

IN_USE = "a process uses it"
BUNDLE, DOWNLOAD, UNFINISHED, VECTORS = "bundle", "download", "unfinished download", "vectors"
# The names of a download's bytes so far, and of the version that they belong to.
_PARTIAL, _VERSION = ".partial-", ".version"


@dataclass(frozen=True)
class Cached:
    """A bundle, a download, or a table of the feature vectors that all projects share.

    Attributes:
        kind: `bundle`, `download`, `unfinished download` or `vectors`.
        name: The name of the bundle or the table, or the download's address.
        path: The folder or file that a run uses.
        files: The files and folders that belong to it, and nothing else; the first tells what it is.
        size: Bytes.
        last_used: Seconds since 1970.
    """

    kind: str
    name: str
    path: Path
    files: tuple[Path, ...]
    size: int
    last_used: float


@dataclass(frozen=True)
class Pruned:
    """What was old enough to go, and why it is still there; empty if it has gone."""

    item: Cached
    kept: str


def cache_folder(model_dir: str) -> Path:
    """The folder that `retrainer cache` is about: `--model_dir`, otherwise the one that all projects share.

    If new bundles do not go to the shared folder and it is not there, this is the one that they go to.
    """
    folders = model_folders(model_dir)
    if folders.shared and folders.problem and not folders.shared.is_dir():
        return folders.new
    return folders.shared or folders.new


def bottleneck_folder(model_dir: str) -> Path | None:
    """The folder of feature vectors that all projects share, if `retrainer cache` is about what they share."""
    return None if model_dir else shared_bottlenecks()


def cached_in(folder: Path, bottlenecks: Path | None = None) -> list[Cached]:
    """Returns the bundles and downloads in a folder of bundles, and the tables of feature vectors, the largest first.

    Links in the folders are not followed. Files and folders that are none of these are not returned.
    """
    found = [*_bundles(folder), *_modules(folder / HUB_FOLDER), *_weights(folder / KERAS_FOLDER)]
    if bottlenecks:
        found += _tables(bottlenecks)
    return sorted(found, key=lambda item: (-item.size, item.name))


def prune(folder: Path, seconds: float, bottlenecks: Path | None = None, *, dry_run: bool = False) -> Iterator[Pruned]:
    """Removes what was not used for some time; what a process uses is kept.

    Args:
        folder: The folder of bundles.
        seconds: How long they were not used.
        bottlenecks: The folder of feature vectors; None if they stay.
        dry_run: Whether all of it stays.
    """
    for item in cached_in(folder, bottlenecks):
        if time.time() - item.last_used >= seconds:
            yield Pruned(item, "" if dry_run else _removed(item))


def _removed(item: Cached) -> str:
    """Removes a bundle or download; returns why it is still there."""
    try:
        with kept_unused(item.path) as unused:
            if not unused:
                return IN_USE
            with unfinished_folder(item.path) as trash:
                for number, path in enumerate(item.files):
                    if os.path.lexists(path):
                        path.rename(trash / str(number))
        if item.kind in (BUNDLE, VECTORS):
            with suppress(OSError):  # files of somebody else lie in it, too
                item.path.rmdir()
        return ""
    except OSError as error:
        return error.strerror or reason_of(error)


def _bundles(folder: Path) -> Iterator[Cached]:
    for path in _folders_in(folder):
        files = tuple(path / name for name in (DESCRIPTION, GRAPH, TFLITE) if _is_file(path / name))
        if files and files[0].name == DESCRIPTION:
            yield _cached(BUNDLE, path.name, path, files)


def _tables(folder: Path) -> Iterator[Cached]:
    """The tables of feature vectors, of files and of fingerprints: folders of Parquet files."""
    for path in _folders_in(folder):
        files = [file for file in _files_in(path) if file.match("part-*.parquet") or file.match("_vectors.*")]
        if files and files[-1].suffix == ".parquet":
            yield _cached(VECTORS, path.name, path, tuple(files[::-1]))


def _modules(folder: Path) -> Iterator[Cached]:
    for path in _folders_in(folder):
        url = url_of_download(path) if _is_file(descriptor_of(path)) else ""
        if url and hashlib.sha1(url.encode()).hexdigest() == path.name:
            yield _cached(DOWNLOAD, url, path, (descriptor_of(path), path))
    yield from _partials(folder)


def _weights(folder: Path) -> Iterator[Cached]:
    for path in _files_in(folder):
        url = url_of_download(path) if _is_file(descriptor_of(path)) else ""
        if url and Path(urlsplit(url).path).name == path.name:
            yield _cached(DOWNLOAD, url, path, (descriptor_of(path), path))
    yield from _partials(folder)


def _partials(folder: Path) -> Iterator[Cached]:
    for path in _files_in(folder):
        if path.name.startswith(_PARTIAL) and not path.name.endswith(_VERSION):
            version = path.with_name(path.name + _VERSION)
            files = (path, version) if _is_file(version) else (path,)
            target = path.with_name(path.name.removeprefix(_PARTIAL))
            yield _cached(UNFINISHED, f"{folder.name}/{target.name}", target, files)


def _cached(kind: str, name: str, path: Path, files: tuple[Path, ...]) -> Cached:
    return Cached(kind, name, path, files, sum(map(_size, files)), last_use(path, files[0]))


def _size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder; links count as themselves."""
    if not _is_folder(path):
        return path.lstat().st_size
    return sum(_size(inner) for inner in path.iterdir())


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if _is_folder(path) and not path.name.startswith(".")]


def _files_in(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if _is_file(path)]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder; nothing if it is absent or a link."""
    if not _is_folder(folder):
        return []
    return sorted(folder.iterdir())


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder and no link to one."""
    return stat.S_ISDIR(_mode(path))


def _is_file(path: Path) -> bool:
    """Whether a path is a file and no link to one."""
    return stat.S_ISREG(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0
