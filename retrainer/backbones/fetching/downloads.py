"""Downloaded modules and files: each lies under a fixed name, and its hash is kept in a descriptor beside it.

Modules lie in TF-Hub's own cache layout: a folder named by the SHA-1 of the handle, and `<name>.descriptor.txt` beside
it. So retrainer finds what tensorflow_hub downloaded, and tensorflow_hub finds what retrainer downloaded.
"""

import hashlib
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from retrainer.backbones.fetching.archives import unpack
from retrainer.backbones.fetching.partial_file import PartialFile
from retrainer.backbones.fetching.resuming import DownloadRequest, download
from retrainer.backbones.model_folders import model_folders
from retrainer.backbones.network_files import KERAS_ENDING, TFLITE_ENDING, network_in
from retrainer.errors import DownloadError
from retrainer.system.files import content_digest, locked, open_regular, output_error, write_whole
from retrainer.system.last_use import mark_used
from retrainer.system.unfinished import unfinished_folder
from retrainer.text import shown

# Below a folder of bundles: downloaded modules and files.
HUB_FOLDER, KERAS_FOLDER = "tfhub_modules", "keras_models"
_MOST_DESCRIPTOR = 2**16
# Offset, first bytes and ending of networks that are one file; a `.keras` file is a zip archive.
_NETWORK_MARKS = ((4, b"TFL3", TFLITE_ENDING), (0, b"PK\x03\x04", KERAS_ENDING))


def hub_cache(model_dir: str, handle: str = "") -> Path:
    """TF-Hub's cache: `TFHUB_CACHE_DIR` if it is set, otherwise a folder that no cleaner of /tmp empties.

    Args:
        model_dir: The option; empty for the folders that hold without it.
        handle: A module; the first cache that has it, whole or not, is returned. Without one, that of new downloads is.
    """
    named = os.environ.get("TFHUB_CACHE_DIR")
    if named:
        return Path(named)
    folders = model_folders(model_dir)
    caches = [folder / HUB_FOLDER for folder in folders.searched] if handle else []
    return next((cache for cache in caches if hub_folder(handle, cache).is_dir()), folders.new / HUB_FOLDER)


def hub_folder(handle: str, cache: Path) -> Path:
    """The folder in TF-Hub's cache for the module of a handle."""
    return cache / hashlib.sha1(handle.encode("utf-8")).hexdigest()


def cached_module(handle: str, cache: Path, sha256: str = "") -> Path | None:
    """Returns the folder of a module that lies whole in the cache, otherwise None.

    Args:
        handle: The module's handle.
        cache: `hub_cache`.
        sha256: The expected `content_digest`; empty if it is not known. The hash in the descriptor, if there is one,
            must agree, too.
    """
    folder = hub_folder(handle, cache)
    if network_in(folder) is None:
        return None
    known = {sha256, _known_digest(folder)} - {""}
    return folder if not known or known == {content_digest(folder)} else None


def fetch_module(request: DownloadRequest, cache: Path, *, again: bool = False) -> Path:
    """Returns the folder of a module; downloads and unpacks it first unless it lies whole in the cache.

    Args:
        request: A handle, or the address of an archive or of a network's file.
        cache: `hub_cache`.
        again: Whether to download it even if it lies whole in the cache.

    Raises:
        DownloadError: it cannot be downloaded, or differs from what the URL gave before; the text says why.
        OutputError: it cannot be written.
    """
    folder = hub_folder(request.url, cache)
    found = None if again else cached_module(request.url, cache, request.sha256)
    if found:
        return found
    with locked(cache / f".{folder.name}.retrainer-lock"):
        mark_used(folder)
        found = None if again else cached_module(request.url, cache, request.sha256)
        if found:  # another run was faster
            return found
        known = request.sha256 or _known_digest(folder)
        archive = cache / f".partial-{folder.name}"
        download(request, archive, {"tf-hub-format": "compressed"})
        try:
            _install(archive, folder, request.url, known)
        finally:
            PartialFile(archive).remove()
        _describe(folder, request.url)
    return folder


def fetch_file(request: DownloadRequest, folder: Path) -> Path:
    """Returns the path of a file under its own name; downloads it first unless it lies whole in the folder.

    Raises:
        DownloadError: it cannot be downloaded, or differs from what the URL gave before; the text says why.
        OutputError: it cannot be written.
    """
    target = folder / Path(urlsplit(request.url).path).name
    with locked(folder / f".{target.name}.retrainer-lock"):
        mark_used(target)
        known = request.sha256 or _known_digest(target)
        if known and target.is_file() and content_digest(target) == known:
            return target
        partial = folder / f".partial-{target.name}"
        download(request, partial, {})
        try:
            _require_known(partial, request.url, known)
            os.replace(partial, target)
        except OSError as error:
            raise output_error(target, error) from error
        finally:
            PartialFile(partial).remove()
        _describe(target, request.url)
    return target


def _install(download: Path, folder: Path, url: str, known: str) -> None:
    """Makes a module's folder from a downloaded archive or network file."""
    with download.open("rb") as handle:
        beginning = handle.read(8)
    for offset, mark, ending in _NETWORK_MARKS:
        if beginning[offset : offset + len(mark)] == mark:
            _install_file(download, folder, "network" + ending, url, known)
            return
    unpack(download, folder, url, lambda unpacked: _require_known(unpacked, url, known))


def _install_file(file: Path, folder: Path, name: str, url: str, known: str) -> None:
    try:
        with unfinished_folder(folder) as temporary:
            unfinished = temporary / "network"
            unfinished.mkdir()
            os.replace(file, unfinished / name)
            _require_known(unfinished, url, known)
            if folder.is_dir():
                folder.rename(temporary / "old")
            unfinished.rename(folder)
    except OSError as error:
        raise output_error(folder, error) from error


def _require_known(path: Path, url: str, known: str) -> None:
    """Raises DownloadError if the content differs from what the same URL gave before."""
    if known and (received := content_digest(path)) != known:
        raise DownloadError(
            f"'{shown(url)}' has changed: expected what it gave before, of SHA-256 {known[:16]}…, "
            f"received {received[:16]}….",
            "It is not used. If the change is right, remove the bundle, and the '.descriptor.txt' of the download.",
        )


def descriptor_of(path: Path) -> Path:
    """The text file that describes a download."""
    return path.with_name(f"{path.name}.descriptor.txt")


def _describe(path: Path, url: str) -> None:
    """Writes TF-Hub's descriptor of a download, with its hash as one more line."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
    text = f"Module: {url}\nDownload Time: {stamp}\nSHA-256: {content_digest(path)}\n"
    write_whole(descriptor_of(path), text.encode())


def _known_digest(path: Path) -> str:
    """The hash in the descriptor of a download; empty if there is none."""
    return _described(path, "SHA-256")


def url_of_download(path: Path) -> str:
    """The address in the descriptor of a download; empty if there is none."""
    return _described(path, "Module")


def _described(path: Path, key: str) -> str:
    """A value in the descriptor of a download; empty if there is none."""
    try:
        with open_regular(descriptor_of(path)) as handle:
            lines = handle.read(_MOST_DESCRIPTOR).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix(f"{key}: ") for line in lines if line.startswith(f"{key}: ")), "")
