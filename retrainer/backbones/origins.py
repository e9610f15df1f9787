"""The origins of networks: TF-Hub and any other address, `keras.applications`, and paths on this machine."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from retrainer.backbones.architectures import KerasApplication
from retrainer.backbones.backbone import BundleRequest
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.converting.hints import ConversionContext
from retrainer.backbones.converting.isolated import Conversion
from retrainer.backbones.fetching.archives import unpack
from retrainer.backbones.fetching.downloads import (
    KERAS_FOLDER,
    cached_module,
    fetch_file,
    fetch_module,
    hub_cache,
    hub_folder,
)
from retrainer.backbones.fetching.resuming import DownloadRequest
from retrainer.backbones.model_folders import model_folders
from retrainer.backbones.network_files import TAR_ENDINGS, TFLITE_ENDING, network_in
from retrainer.errors import BackboneError, DownloadError
from retrainer.events import Began, Warned
from retrainer.system.files import content_digest
from retrainer.system.last_use import mark_used
from retrainer.system.missing import require_package
from retrainer.system.paths import expanded
from retrainer.text import shown


@dataclass(frozen=True)
class HubOrigin:
    """A handle of TF-Hub, or the address of an archive or of a network's file; TF-Hub's cache comes first."""

    url: str

    def bundle(self, request: BundleRequest) -> Bundle:
        """Makes the bundle from the cache's copy if that is whole, otherwise from a download."""
        if not self.url.endswith((TFLITE_ENDING, *TAR_ENDINGS)):
            require_package("tensorflow")
        cache, url, offline = hub_cache(request.options.model_dir, self.url), self.url, request.options.offline
        folder = hub_folder(url, cache)
        mark_used(folder)
        found = cached_module(url, cache, request.known.get(url, ""))
        if found:
            try:
                return convert_network(request, url, found)
            except BackboneError as error:
                if offline:
                    raise
                request.observer(Warned(f"{error.problem} It is fetched again."))
        elif folder.is_dir() and any(folder.iterdir()):
            request.observer(Warned(f"TF-Hub's cache has a damaged copy of '{shown(url)}' in '{shown(folder)}'."))
        if offline:
            raise DownloadError(
                f"--offline: '{shown(url)}' is not in TF-Hub's cache, '{shown(cache)}'.", request.offline_hint
            )
        fetched = fetch_module(_download_request(request, url, url), cache, again=found is not None)
        return convert_network(request, url, fetched)


@dataclass(frozen=True)
class KerasOrigin:
    """A network of `keras.applications` with its published weights."""

    application: KerasApplication
    input_size: int

    def bundle(self, request: BundleRequest) -> Bundle:
        """Makes the bundle of the application without its top."""
        from retrainer.backbones.converting.from_tensorflow import convert
        from retrainer.backbones.converting.keras_networks import keras_application, open_keras
        from retrainer.backbones.converting.open_network import OpenNetwork

        require_package("tensorflow")
        source = f"keras.applications.{self.application.name}, {self.application.weights}"
        weights, hints = self._weights(request, source), request.backbone.hints
        size = hints.wanted_size or self.input_size

        def opened() -> OpenNetwork:
            return open_keras(keras_application(self.application, size, str(weights)), source, hints)

        context = ConversionContext(request.pictures, request.observer, known_range=True)
        return convert(opened, hints, _draft(request, source, weights), request.parent, context)

    def _weights(self, request: BundleRequest, source: str) -> Path:
        """Returns the file of weights from Keras's own cache, or from ours; downloads it if neither has it."""
        url, md5 = self.application.weights, self.application.md5
        own = Path(os.environ.get("KERAS_HOME") or expanded("~/.keras")) / "models"
        folders = model_folders(request.options.model_dir)
        folder = folders.new / KERAS_FOLDER
        name = Path(urlsplit(url).path).name
        for parent in (own, *(searched / KERAS_FOLDER for searched in folders.searched)):
            candidate = parent / name
            if candidate.is_file() and _has_md5(candidate, md5):
                if parent != own:
                    mark_used(candidate)
                return candidate
        if request.options.offline:
            raise DownloadError(
                f"--offline: '{name}' is neither in '{shown(own)}' nor in '{shown(folder)}'.", request.offline_hint
            )
        fetched = fetch_file(_download_request(request, url, source), folder)
        if not _has_md5(fetched, md5):
            fetched.unlink()
            raise DownloadError(
                f"'{shown(url)}': expected a file of MD5 {md5}, as Keras states it, received another.",
                "Try again; if that does not help, take another backbone.",
            )
        return fetched


@dataclass(frozen=True)
class LocalOrigin:
    """A path: the folder of a SavedModel, a `.keras`, `.tflite` or frozen `.pb`, or an archive of one."""

    path: str

    def bundle(self, request: BundleRequest) -> Bundle:
        """Makes the bundle of the network at the path."""
        path = Path(self.path)
        if path.is_dir() or not path.name.endswith(TAR_ENDINGS):
            return convert_network(request, self.path, path, known_range=False)
        with tempfile.TemporaryDirectory() as temporary:
            unpack(path, Path(temporary) / "network", self.path)
            return convert_network(request, self.path, Path(temporary) / "network", known_range=False)


def convert_network(request: BundleRequest, source: str, path: Path, *, known_range: bool = True) -> Bundle:
    """Makes the bundle of a SavedModel's folder, of a network's file, or of a folder that holds one of these.

    Args:
        request: The request that the origin received.
        source: The network's name in messages and in the bundle's description.
        path: The folder or file.
        known_range: Whether the usual range of pictures is right even if nothing in the network states a range.

    Raises:
        BackboneError: it is no network of pictures.
        OutputError: the bundle cannot be written.
    """
    network = network_in(path) if path.is_dir() else path
    if network is None:
        raise BackboneError(
            f"'{shown(source)}': expected a SavedModel, a .keras, a .tflite or a frozen .pb, found none."
        )
    conversion = Conversion(network, request.backbone.hints, _draft(request, source, path))
    context = ConversionContext(request.pictures, request.observer, known_range)
    if request.options.trust_graph:
        return conversion.here(request.parent, context, trusted=True)
    return conversion.isolated(request.parent, context)


def _draft(request: BundleRequest, source: str, path: Path) -> Bundle:
    """Reports that the conversion begins; returns the bundle's description, without what only the network shows."""
    backbone = request.backbone
    folder = request.parent / backbone.name
    request.observer(Began(f"Converting '{shown(source)}' to '{shown(folder)}', once"))
    return Bundle(backbone.name, source, backbone.licence, 0, 0, "", source_sha256=content_digest(path))


def _download_request(request: BundleRequest, url: str, source: str) -> DownloadRequest:
    """Reports that the download begins; returns the request for it."""
    request.observer(Began(f"Downloading '{shown(url)}'"))
    return DownloadRequest(url, request.known.get(source, ""), request.offline_hint, request.observer)


def _has_md5(path: Path, md5: str) -> bool:
    """Whether a file has the hash that Keras states; True if Keras states none."""
    if not md5:
        return True
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "md5").hexdigest() == md5
