"""A backbone's name -> its bundle: built in, made before, or made now from the first place that gives it."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from retrainer.architectures import QUANTIZED, architectures
from retrainer.archives import GRAPH_ENDING, KERAS_ENDING, SAVED_MODEL, TAR_ENDINGS, TFLITE_ENDING, network_in
from retrainer.backbones.bundle import DESCRIPTION, Bundle, read_bundle
from retrainer.backbones.naming import LOGITS, Naming, Pictures, did_you_mean
from retrainer.errors import BackboneError, DownloadError, OptionError, RetrainerError
from retrainer.events import Noted, Observer, Warned, silent
from retrainer.files import content_digest, expanded, locked, nearest_existing, shown
from retrainer.options.retraining import BackboneOptions

if TYPE_CHECKING:
    from retrainer.backbones.places import Place

EMBEDDED = "pocket"
_EMBEDDED_FOLDER = Path(__file__).parent / EMBEDDED
_HUB_HOSTS = ("tfhub.dev/", "www.kaggle.com/models/", "kaggle.com/models/")
# Sizes that networks of pictures have; other numbers in their names are widths and depths.
_SIZES = frozenset({96, 128, 160, 192, 224, 240, 256, 260, 280, 288, 299, 300, 320, 331, 384, 448, 480, 512})
_FILES = (GRAPH_ENDING, TFLITE_ENDING, KERAS_ENDING, *TAR_ENDINGS)
# Of 2017; whether it is still served is another matter.
_FROZEN = "--architecture http://download.tensorflow.org/models/mobilenet_v1_0.50_224_frozen.tgz"
# The options that say something of a network, and their values where they say nothing.
_SAYING, _UNSAID = ("bottleneck_layer", "input_layer", "input_mean", "input_std"), ("", None)
# So many bundles are named in a message.
_FEW = 5
_UNKNOWN_LICENCE = "see the source"


@dataclass(frozen=True)
class BackboneSource:
    """Where the backbone of a name comes from.

    Attributes:
        name: The bundle's name, in `--model_dir`.
        places: Where to make it from, tried in this order; none where only the bundle itself is known.
        naming: What is said of the network.
        licence: Of the weights.
        given: What the user called it, for messages.
        floats: The source of the float backbone that this is the int8 twin of, None for any other.
    """

    name: str
    places: "tuple[Place, ...]" = ()
    naming: Naming = field(default_factory=Naming)
    licence: str = _UNKNOWN_LICENCE
    given: str = field(default="", compare=False)
    floats: "BackboneSource | None" = None


def source_of(architecture: str, options: BackboneOptions) -> BackboneSource:
    """What `--architecture` names.

    Args:
        architecture: `pocket`, a name of the table, the name of a bundle in `model_dir`, a handle (`https://…`), or the
            path of a network; each also with `_quantized` behind it.
        options: The folder of bundles, and what is said of the network.

    Raises:
        OptionError: it names nothing; the nearest names are listed.
    """
    if not architecture.removesuffix(QUANTIZED).strip():
        raise OptionError(
            f"--architecture: expected a name, a handle or a path, received '{shown(architecture)}'.",
            "Is a variable of the shell not set?",
        )
    if architecture.lower().endswith(2 * QUANTIZED):
        raise OptionError(
            f"--architecture: '{shown(architecture)}' would be int8 twice; expected one {QUANTIZED}.",
            f"Name it {shown(architecture[: -len(QUANTIZED)])}.",
        )
    return replace(_source_of(_url_of(architecture), options), given=architecture)


def _source_of(architecture: str, options: BackboneOptions) -> BackboneSource:
    if architecture.lower() == EMBEDDED:
        return _as_it_is(EMBEDDED, options)
    # Downloads and archives, which the embedded backbone does without.
    from retrainer.backbones.places import Hub, Keras, Local

    row = architectures().get(architecture.lower())
    row = row or next((r for r in architectures().values() if r.handle == architecture), None)
    if row:
        if options.bottleneck_layer == LOGITS:
            raise OptionError(
                f"--bottleneck_layer: '{row.name}' gives features and has no logits; expected a classifier.",
                f"The tutorial's frozen archives have them, such as {_FROZEN}.",
            )
        places = (Hub(row.handle), *((Keras(row.keras, row.input_size),) if row.keras else ()))
        return _named(row.name, places, row.input_size, options, row.licence)
    here = architecture in bundles_in(options.model_dir)
    if architecture.lower().endswith(QUANTIZED) and not Path(expanded(architecture)).exists():
        try:
            floats = source_of(architecture[: -len(QUANTIZED)], options)
            return BackboneSource(floats.name + QUANTIZED, floats=floats)
        except OptionError:
            if not here:  # a bundle that was carried here without its float one
                raise
    if architecture.startswith(("http://", "https://")):
        name = _slug(architecture, hashlib.sha256(architecture.encode()).hexdigest())
        return _named(name, (Hub(architecture),), _size_in(architecture), options)
    if here:
        return _as_it_is(architecture, options)
    path = Path(expanded(architecture))
    if (path / DESCRIPTION).is_file():
        raise OptionError(
            f"--architecture: expected a bundle's name, received the bundle's folder, '{shown(path)}'.",
            f"Give it as --model_dir '{shown(path.parent)}' --architecture {shown(path.name)}",
        )
    if network_in(path) if path.is_dir() else path.is_file() and path.name.endswith(_FILES):
        name = _slug(path.resolve().name, content_digest(path))
        return _named(name, (Local(str(path)),), _size_in(path.name), options)
    raise _unknown(architecture, path, options.model_dir)


def _named(
    name: str, places: "tuple[Place, ...]", input_size: int, options: BackboneOptions, licence: str = _UNKNOWN_LICENCE
) -> BackboneSource:
    """A source; what the user says of the network belongs to its name, for another reading is another backbone."""
    said = tuple(getattr(options, flag) for flag in _SAYING)
    if any(value not in _UNSAID for value in said):
        words = re.sub(r"[^A-Za-z0-9._]+", "-", options.bottleneck_layer)[-30:]
        name = f"{name}-{words}-{hashlib.sha256(repr(said).encode()).hexdigest()[:8]}".replace("--", "-")
    naming = Naming(input_size, options.input_layer, options.input_mean, options.input_std, options.bottleneck_layer)
    return BackboneSource(name, places, naming, licence)


def _as_it_is(name: str, options: BackboneOptions) -> BackboneSource:
    """A bundle that is there, of which nothing is left to say."""
    for flag in _SAYING:
        if getattr(options, flag) not in _UNSAID:
            raise OptionError(
                f"--{flag}: expected a network that is still to be converted, '{shown(name)}' is a bundle already.",
                "Leave the flag out, or name the network that the bundle was made of.",
            )
    return BackboneSource(name)


def bundle_of(source: BackboneSource, options: BackboneOptions, pictures: Pictures, observer: Observer) -> Bundle:
    """The bundle of a backbone, made unless it is there.

    Args:
        source: By `source_of`.
        options: The folder of bundles, and whether the network may be touched; TF-Hub's cache lies in the folder, too,
            unless `TFHUB_CACHE_DIR` names another.
        pictures: What a new bundle is compared with its source on, and calibrated on.
        observer: Told of downloads, conversions, and of places that did not give it.

    Raises:
        BackboneError: the bundle is damaged, or the source is no feature vector.
        DownloadError: the source cannot be had.
        OutputError: the bundle cannot be written.
    """
    bundle = _made_before(source, options.model_dir, observer)
    if bundle:
        return bundle
    with locked(Path(options.model_dir) / f".{source.name}.lock"):
        # Another run may have made it meanwhile.
        return _made_before(source, options.model_dir, silent) or _made_now(source, options, pictures, observer)


def _made_before(source: BackboneSource, model_dir: str, observer: Observer) -> Bundle | None:
    """The bundle that is there, None where it is absent or is damaged and can be made again."""
    if source.name != EMBEDDED and not (Path(model_dir) / source.name / DESCRIPTION).is_file():
        return None
    try:
        return find_bundle(source.name, model_dir)
    except BackboneError as error:
        if not source.places and not source.floats:
            raise
        observer(Warned(f"{error.problem} It is made again."))
        return None


def _made_now(source: BackboneSource, options: BackboneOptions, pictures: Pictures, observer: Observer) -> Bundle:
    """The bundle, from the first place that gives it; the others are told of."""
    if source.floats:
        from retrainer.backbones.quantization import quantize

        floats = bundle_of(source.floats, options, pictures, observer)
        observer(Noted(f"Calibrating '{shown(source.name)}' on the photos, once"))
        return quantize(floats, source.name, Path(options.model_dir), pictures, observer)
    from retrainer.backbones.places import Making

    making = Making(
        name=source.name,
        licence=source.licence,
        naming=source.naming,
        model_dir=options.model_dir,
        offline=options.offline,
        known=_known(Path(options.model_dir) / source.name / DESCRIPTION),
        otherwise=_otherwise(source.given, options),
        pictures=pictures,
        observer=observer,
    )
    failures: list[RetrainerError] = []
    for place in source.places:
        if failures:
            observer(Warned(failures[-1].problem))
        try:
            return place.bundle(making)
        except (BackboneError, DownloadError) as error:
            failures.append(error)
    raise failures[-1]


def _known(description: Path) -> dict[str, str]:
    """What an earlier bundle of that name was made of: source -> hash."""
    try:
        document = json.loads(description.read_bytes())
        return {str(document["source"]): str(document["source_sha256"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _otherwise(name: str, options: BackboneOptions) -> str:
    return (
        f"Without a network --architecture takes {_some_here(options.model_dir)}, or the path of a network; "
        f"`retrainer fetch {shown(name)} --to DIR` where there is one makes a folder to carry here."
    )


def _some_here(model_dir: str) -> str:
    """Some of the bundles that are here, in words."""
    names = [EMBEDDED, *bundles_in(model_dir)]
    if len(names) <= _FEW:
        return ", ".join(map(shown, names))
    return ", ".join(map(shown, names[: _FEW - 1])) + f" and {len(names) - _FEW + 1} more bundles"


def find_bundle(name: str, model_dir: str) -> Bundle:
    """The bundle of that name that is built in or lies in `model_dir`.

    Raises:
        BackboneError: it is not there, or damaged.
    """
    return read_bundle(_EMBEDDED_FOLDER if name == EMBEDDED else Path(model_dir) / name)


def bundles_in(model_dir: str) -> list[str]:
    """The names of the bundles in a folder, sorted."""
    return sorted(path.parent.name for path in Path(model_dir).glob(f"*/{DESCRIPTION}"))


def _url_of(handle: str) -> str:
    """The address of a handle that is written without one or with a tail; anything else as it is."""
    if handle.startswith((*_HUB_HOSTS, "http://", "https://")):
        handle = handle.removesuffix("?tf-hub-format=compressed").rstrip("/")
    if handle.startswith(_HUB_HOSTS):
        return f"https://{handle}"
    # Kaggle's own spelling: owner/model/framework/variation, perhaps with a version.
    if re.fullmatch(r"[\w.-]+/[\w.-]+/tensorflow[12]/[\w.-]+(/\d+)?", handle, re.IGNORECASE):
        return f"https://www.kaggle.com/models/{handle}"
    return handle


def _slug(name: str, digest: str) -> str:
    """A folder's name that people recognise and that belongs to this content alone."""
    words = re.sub(r"[^A-Za-z0-9._]+", "-", re.sub(r"^https?://[^/]+/(google/imagenet/)?", "", name)).strip("-.")
    return f"{words[:60] or 'module'}-{digest[:8]}"


def _size_in(name: str) -> int:
    """The input size that a name such as `mobilenet_v2_100_224/feature_vector/5` holds, 0 where it holds none."""
    numbers = [int(number) for number in re.findall(r"(?:^|[_/-])(\d{2,3})(?=[/_.-]|$)", name)]
    return next((number for number in reversed(numbers) if number in _SIZES), 0)


def _unknown(architecture: str, path: Path, model_dir: str) -> OptionError:
    kinds = f"{GRAPH_ENDING}, {TFLITE_ENDING} or {KERAS_ENDING}"
    if path.is_dir():
        return OptionError(
            f"--architecture: expected '{SAVED_MODEL}' and its variables, or one {kinds}, "
            f"in the folder '{shown(path)}', found none.",
            "Name a network: the folder of a SavedModel, such a file, or a .tar.gz of one.",
        )
    if path.exists():
        legacy = path.suffix in (".h5", ".hdf5")
        return OptionError(
            f"--architecture: expected a file {kinds}, or an archive {', '.join(TAR_ENDINGS)}, "
            f"received '{shown(path)}'.",
            "HDF5 is not taken; save the model again by model.save('NAME.keras')." if legacy else "",
        )
    if path.name.endswith(_FILES) or os.sep in architecture:
        return OptionError(
            f"--architecture: '{shown(path)}' does not exist; expected a network's path, a name or a handle.",
            f"The nearest existing folder is '{shown(nearest_existing(str(path)))}'.",
        )
    here = [EMBEDDED, *bundles_in(model_dir)]
    known: Sequence[str] = [name + ending for name in (*here, *architectures()) for ending in ("", QUANTIZED)]
    close = get_close_matches(architecture.lower(), dict.fromkeys(known), n=3)
    return OptionError(
        f"--architecture: expected {_some_here(model_dir)}, a name that `retrainer architectures` lists such as "
        f"mobilenet_0.50_224, a TF-Hub handle or a network's path; received '{shown(architecture)}'.",
        did_you_mean(close),
    )
