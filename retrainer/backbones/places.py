"""The places where backbones come from, each of which gives a bundle or one line that says why not."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from retrainer.backbones.architectures import KerasApplication
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.converting.hints import Grounds, Naming, Pictures
from retrainer.backbones.converting.isolated import Conversion
from retrainer.backbones.fetching.archives import TAR_ENDINGS, network_in, unpack
from retrainer.backbones.fetching.downloads import (
    Progress,
    Wanted,
    cached_module,
    fetch_file,
    fetch_module,
    hub_cache,
    hub_folder,
)
from retrainer.errors import BackboneError, DownloadError
from retrainer.events import DownloadAdvanced, Noted, Observer, Warned
from retrainer.system.files import content_digest, expanded, shown


@dataclass(frozen=True)
class Making:
    """What a place needs to make a bundle.

    Attributes:
        name: The bundle's name.
        licence: Of the weights.
        naming: What the user says of the network.
        model_dir: The folder of bundles and downloads.
        offline: Whether the network must not be touched.
        trusted: Whether a graph may do whatever TensorFlow can.
        known: Source -> `content_digest` of what it gave before.
        otherwise: What to do without a network, for messages.
        pictures: What to compare the bundle with its source on.
        observer: Told of downloads and conversions.
    """

    name: str
    licence: str
    naming: Naming
    model_dir: str
    offline: bool
    trusted: bool
    known: Mapping[str, str]
    otherwise: str
    pictures: Pictures
    observer: Observer

    def wanted(self, url: str, source: str) -> Wanted:
        """What to download."""
        self.observer(Noted(f"Downloading '{shown(url)}'"))
        return Wanted(url, self.known.get(source, ""), self.otherwise, lambda text: self.observer(Noted(text)))

    def advanced(self, url: str) -> Progress:
        """Tells of a download."""
        return lambda received, expected: self.observer(DownloadAdvanced(url, received, expected))

    def described(self, source: str, path: Path) -> Bundle:
        """The bundle's description as far as the source tells it; tells of the conversion that begins."""
        folder = Path(self.model_dir) / self.name
        self.observer(Noted(f"Converting '{shown(source)}' to '{shown(folder)}', once"))
        return Bundle(self.name, source, self.licence, 0, 0, "", source_sha256=content_digest(path))

    def converted(self, source: str, path: Path, *, known_range: bool = True) -> Bundle:
        """The bundle of a SavedModel's folder or of a file, or of what a folder holds of these.

        Args:
            source: What the user calls it.
            path: Where it lies.
            known_range: Whether the range of its pictures is known though nothing in it tells it.
        """
        network = network_in(path) if path.is_dir() else path
        if network is None:
            raise BackboneError(
                f"'{shown(source)}': expected a SavedModel, a .keras, a .tflite or a frozen .pb, found none."
            )
        described = self.described(source, path)
        parent, on = Path(self.model_dir), Grounds(self.pictures, self.observer, known_range)
        conversion = Conversion(network, self.naming, described)
        return conversion.here(parent, on, trusted=True) if self.trusted else conversion.apart(parent, on)


class Place(Protocol):
    """Where a backbone may be."""

    def bundle(self, making: Making) -> Bundle:
        """Makes the bundle.

        Raises:
            BackboneError, DownloadError: it cannot be made from here.
            OutputError: it cannot be written.
        """


@dataclass(frozen=True)
class Hub:
    """TF-Hub's cache, and behind it the address: a handle, an archive, or a network that is one file."""

    url: str

    def bundle(self, making: Making) -> Bundle:
        """Makes the bundle of what the cache has, where that is whole, or of what the address gives."""
        cache, url = hub_cache(making.model_dir), self.url
        folder = hub_folder(url, cache)
        found = cached_module(url, cache, making.known.get(url, ""))
        if found:
            try:
                return making.converted(url, found)
            except BackboneError as error:
                if making.offline:
                    raise
                making.observer(Warned(f"{error.problem} It is fetched again."))
        elif folder.is_dir() and any(folder.iterdir()):
            making.observer(Warned(f"TF-Hub's cache has a damaged copy of '{shown(url)}' in '{shown(folder)}'."))
        if making.offline:
            raise DownloadError(
                f"--offline: '{shown(url)}' is not in TF-Hub's cache, '{shown(cache)}'.", making.otherwise
            )
        fetched = fetch_module(making.wanted(url, url), cache, making.advanced(url), again=found is not None)
        return making.converted(url, fetched)


@dataclass(frozen=True)
class Keras:
    """`keras.applications`, with its published weights."""

    application: KerasApplication
    input_size: int

    def bundle(self, making: Making) -> Bundle:
        """Makes the bundle of the application, cut before its top."""
        source = f"keras.applications.{self.application.name}, {self.application.weights}"
        weights = self._weights(making, source)
        from retrainer.backbones.converting.from_tensorflow import convert
        from retrainer.backbones.converting.tensorflow_networks import OpenNetwork, keras_application, open_keras

        def opened() -> OpenNetwork:
            model = keras_application(self.application, self.input_size, str(weights))
            return open_keras(model, source, making.naming)

        described = making.described(source, weights)
        on = Grounds(making.pictures, making.observer, known_range=True)
        return convert(opened, making.naming, described, Path(making.model_dir), on)

    def _weights(self, making: Making, source: str) -> Path:
        """Keras's own copy of the weights where it has one, otherwise ours."""
        url, md5 = self.application.weights, self.application.md5
        own = Path(os.environ.get("KERAS_HOME") or expanded("~/.keras")) / "models"
        folder = Path(making.model_dir) / "keras_models"
        name = Path(urlsplit(url).path).name
        for candidate in (own / name, folder / name):
            if candidate.is_file() and _is_of_md5(candidate, md5):
                return candidate
        if making.offline:
            raise DownloadError(
                f"--offline: '{name}' is neither in '{shown(own)}' nor in '{shown(folder)}'.", making.otherwise
            )
        fetched = fetch_file(making.wanted(url, source), folder, making.advanced(url))
        if not _is_of_md5(fetched, md5):
            fetched.unlink()
            raise DownloadError(
                f"'{shown(url)}': expected a file of MD5 {md5}, as Keras states it, received another.",
                "Try again; if that does not help, take another backbone.",
            )
        return fetched


def _is_of_md5(path: Path, md5: str) -> bool:
    """Whether a file has the hash that Keras states; where it states none, any has."""
    if not md5:
        return True
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "md5").hexdigest() == md5


@dataclass(frozen=True)
class Local:
    """A path: the folder of a SavedModel, a `.keras`, `.tflite` or frozen `.pb`, or an archive of one."""

    path: str

    def bundle(self, making: Making) -> Bundle:
        """Makes the bundle of it."""
        path = Path(self.path)
        if path.is_dir() or not path.name.endswith(TAR_ENDINGS):
            return making.converted(self.path, path, known_range=False)
        with tempfile.TemporaryDirectory() as temporary:
            unpack(path, Path(temporary) / "network", self.path)
            return making.converted(self.path, Path(temporary) / "network", known_range=False)
