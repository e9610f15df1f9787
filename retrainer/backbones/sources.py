"""A backbone's name -> its bundle: built in, made before, or made now from TF-Hub, a URL, a folder or an archive."""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from retrainer.architectures import ARCHITECTURES
from retrainer.backbones.bundle import DESCRIPTION, Bundle, read_bundle
from retrainer.backbones.conversion import Pictures, convert
from retrainer.downloads import SAVED_MODEL, fetch_module, hub_cache, unpack
from retrainer.errors import BackboneError, OptionError
from retrainer.events import DownloadAdvanced, Noted, Observer, Warned, silent
from retrainer.files import expanded, locked, shown

EMBEDDED = "pocket"
_EMBEDDED_FOLDER = Path(__file__).parent / EMBEDDED
_HUB_HOSTS = ("tfhub.dev/", "www.kaggle.com/models/", "kaggle.com/models/")
# Sizes that networks of pictures have; other numbers in their names are widths and depths.
_SIZES = frozenset({96, 128, 160, 192, 224, 240, 256, 260, 288, 299, 300, 320, 331, 384, 448, 480, 512})
_ARCHIVES = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True)
class BackboneSource:
    """Where the backbone of a name comes from.

    Attributes:
        name: The bundle's name, in `--model_dir`.
        place: A handle, a folder or an archive; empty where only the bundle itself is known.
        input_size: S, pixels, where it is known, otherwise 0.
    """

    name: str
    place: str = ""
    input_size: int = 0


def source_of(architecture: str, model_dir: str) -> BackboneSource:
    """What `--architecture` names.

    Args:
        architecture: `pocket`, a name of the tutorial, the name of a bundle in `model_dir`, a handle (`https://…`), or
            the path of a SavedModel's folder or archive.
        model_dir: The folder of bundles.

    Raises:
        OptionError: it names nothing; the nearest names are listed.
    """
    architecture = _url_of(architecture)
    row = ARCHITECTURES.get(architecture.lower())
    row = row or next((r for r in ARCHITECTURES.values() if r.handle == architecture), None)
    if row:
        return BackboneSource(row.name, row.handle, row.input_size)
    if architecture.startswith(("http://", "https://")):
        return BackboneSource(_slug(architecture, architecture.encode()), architecture, _size_in(architecture))
    if architecture == EMBEDDED or architecture in bundles_in(model_dir):
        return BackboneSource(architecture)
    path = Path(expanded(architecture))
    if (path / SAVED_MODEL).is_file() or (path.is_file() and path.name.endswith(_ARCHIVES)):
        return BackboneSource(_slug(path.resolve().name, _content(path)), str(path), _size_in(path.name))
    raise _unknown(architecture, path, model_dir)


def bundle_of(source: BackboneSource, model_dir: str, pictures: Pictures, observer: Observer) -> Bundle:
    """The bundle of a backbone, made unless it is there.

    Args:
        source: By `source_of`.
        model_dir: The folder of bundles; TF-Hub's cache lies in it, too, unless `TFHUB_CACHE_DIR` names another.
        pictures: What a new bundle is compared with its source on.
        observer: Told of downloads and conversions.

    Raises:
        BackboneError: the bundle is damaged, or the source is no feature vector.
        DownloadError: the source cannot be had.
        OutputError: the bundle cannot be written.
    """
    bundle = _made_before(source, model_dir, observer)
    if bundle:
        return bundle
    with locked(Path(model_dir) / f".{source.name}.lock"):
        # Another run may have made it meanwhile.
        return _made_before(source, model_dir, silent) or _made_now(source, model_dir, pictures, observer)


def _made_before(source: BackboneSource, model_dir: str, observer: Observer) -> Bundle | None:
    """The bundle that is there, None where it is absent or is damaged and can be made again."""
    if source.name != EMBEDDED and not (Path(model_dir) / source.name / DESCRIPTION).is_file():
        return None
    try:
        return find_bundle(source.name, model_dir)
    except BackboneError as error:
        if not source.place:
            raise
        observer(Warned(f"{error.problem} It is made again."))
        return None


def _made_now(source: BackboneSource, model_dir: str, pictures: Pictures, observer: Observer) -> Bundle:
    with tempfile.TemporaryDirectory() as temporary:
        saved_model = _saved_model(source, model_dir, Path(temporary), observer)
        folder = Path(model_dir) / source.name
        observer(Noted(f"Converting '{shown(source.place)}' to '{shown(folder)}', once"))
        # TF-Hub's modules do not say their licence themselves, their pages do.
        described = Bundle(source.name, source.place, "see the source", source.input_size, 0, "")
        return convert(saved_model, described, Path(model_dir), pictures)


def find_bundle(name: str, model_dir: str) -> Bundle:
    """The bundle of that name that is built in or lies in `model_dir`.

    Raises:
        BackboneError: it is not there, or damaged.
    """
    return read_bundle(_EMBEDDED_FOLDER if name == EMBEDDED else Path(model_dir) / name)


def bundles_in(model_dir: str) -> list[str]:
    """The names of the bundles in a folder, sorted."""
    return sorted(path.parent.name for path in Path(model_dir).glob(f"*/{DESCRIPTION}"))


def _saved_model(source: BackboneSource, model_dir: str, temporary: Path, observer: Observer) -> Path:
    """The folder of the source's SavedModel."""
    if source.place.startswith(("http://", "https://")):
        here = ", ".join(map(shown, [EMBEDDED, *bundles_in(model_dir)]))
        return fetch_module(
            source.place,
            hub_cache(model_dir),
            progress=lambda received, expected: observer(DownloadAdvanced(source.place, received, expected)),
            otherwise=f"Without a network --architecture takes {here}, or the path of a SavedModel.",
        )
    path = Path(source.place)
    if path.is_dir():
        return path
    unpack(path, temporary / "module", source.place)
    return temporary / "module"


def _url_of(handle: str) -> str:
    """The address of a handle that is written without one; anything else as it is."""
    if handle.startswith(_HUB_HOSTS):
        return f"https://{handle}"
    # Kaggle's own spelling: owner/model/framework/variation, perhaps with a version.
    if re.fullmatch(r"[\w.-]+/[\w.-]+/tensorflow[12]/[\w.-]+(/\d+)?", handle, re.IGNORECASE):
        return f"https://www.kaggle.com/models/{handle}"
    return handle


def _slug(name: str, content: bytes) -> str:
    """A folder's name that people recognise and that belongs to this content alone."""
    words = re.sub(r"[^A-Za-z0-9._]+", "-", re.sub(r"^https?://[^/]+/(google/imagenet/)?", "", name)).strip("-.")
    return f"{words[:60] or 'module'}-{hashlib.sha256(content).hexdigest()[:8]}"


def _content(path: Path) -> bytes:
    """What an archive or a SavedModel's folder holds, as digests of its files."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)


def _size_in(name: str) -> int:
    """The input size that a name such as `mobilenet_v2_100_224/feature_vector/5` holds, 0 where it holds none."""
    numbers = [int(number) for number in re.findall(r"(?:^|[_/-])(\d{2,3})(?=[/_.-]|$)", name)]
    return next((number for number in reversed(numbers) if number in _SIZES), 0)


def _unknown(architecture: str, path: Path, model_dir: str) -> OptionError:
    if path.is_dir():
        return OptionError(
            f"--architecture: expected '{SAVED_MODEL}' in the folder '{shown(path)}', found none.",
            "Name the folder of a SavedModel, or a .tar.gz of one.",
        )
    here = [EMBEDDED, *bundles_in(model_dir)]
    close = get_close_matches(architecture.lower(), [*here, *ARCHITECTURES], n=3)
    return OptionError(
        f"--architecture: expected {', '.join(map(shown, here))}, a name of the tutorial such as mobilenet_0.50_224, "
        f"a TF-Hub handle or a SavedModel's path; received '{shown(architecture)}'.",
        f"Did you mean {' or '.join(map(shown, close))}?" if close else "",
    )
