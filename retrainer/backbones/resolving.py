"""What `--architecture` may name besides the built-in backbone: a row of the table, a bundle, a handle or a path."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from retrainer.backbones.architectures import QUANTIZED, architectures
from retrainer.backbones.bundle import DESCRIPTION
from retrainer.backbones.converting.hints import LOGITS, Naming, did_you_mean
from retrainer.backbones.fetching.archives import (
    GRAPH_ENDING,
    KERAS_ENDING,
    SAVED_MODEL,
    TAR_ENDINGS,
    TFLITE_ENDING,
    network_in,
)
from retrainer.backbones.known import (
    EMBEDDED,
    SAYING,
    UNKNOWN_LICENCE,
    UNSAID,
    BackboneSource,
    as_it_is,
    bundles_in,
    some_here,
)
from retrainer.backbones.places import Hub, Keras, Local, Place
from retrainer.errors import OptionError
from retrainer.options.backbone import BundleOptions
from retrainer.system.files import content_digest, expanded, nearest_existing, shown
from retrainer.text import pasted

_HUB_HOSTS = ("tfhub.dev/", "www.kaggle.com/models/", "kaggle.com/models/")
# Sizes that networks of pictures have; other numbers in their names are widths and depths.
_SIZES = frozenset({96, 128, 160, 192, 224, 240, 256, 260, 280, 288, 299, 300, 320, 331, 384, 448, 480, 512})
_FILES = (GRAPH_ENDING, TFLITE_ENDING, KERAS_ENDING, *TAR_ENDINGS)
# Of 2017; whether it is still served is another matter.
_FROZEN = "--architecture http://download.tensorflow.org/models/mobilenet_v1_0.50_224_frozen.tgz"


def named_source(architecture: str, options: BundleOptions) -> BackboneSource:
    """`sources.source_of` for all other backbones than the built-in one."""
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


def _source_of(architecture: str, options: BundleOptions) -> BackboneSource:
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
            floats = _floats(architecture[: -len(QUANTIZED)], options)
            return BackboneSource(floats.name + QUANTIZED, floats=floats)
        except OptionError:
            if not here:  # a bundle that was carried here without its float one
                raise
    if architecture.startswith(("http://", "https://")):
        name = _slug(architecture, hashlib.sha256(architecture.encode()).hexdigest())
        return _named(name, (Hub(architecture),), _size_in(architecture), options)
    if here:
        return as_it_is(architecture, options)
    path = Path(expanded(architecture))
    if (path / DESCRIPTION).is_file():
        raise OptionError(
            f"--architecture: expected a bundle's name, received the bundle's folder, '{shown(path)}'.",
            f"Give it as --model_dir {pasted(path.parent)} --architecture {pasted(path.name)}",
        )
    if network_in(path) if path.is_dir() else path.is_file() and path.name.endswith(_FILES):
        name = _slug(path.resolve().name, content_digest(path))
        return _named(name, (Local(str(path)),), _size_in(path.name), options)
    raise _unknown(architecture, path, options.model_dir)


def _floats(architecture: str, options: BundleOptions) -> BackboneSource:
    """The float backbone of an int8 twin."""
    if architecture.lower() == EMBEDDED:
        return replace(as_it_is(EMBEDDED, options), given=architecture)
    return named_source(architecture, options)


def _named(
    name: str, places: tuple[Place, ...], input_size: int, options: BundleOptions, licence: str = UNKNOWN_LICENCE
) -> BackboneSource:
    """A source; what the user says of the network belongs to its name, for another reading is another backbone."""
    said = tuple(getattr(options, flag) for flag in SAYING)
    if any(value not in UNSAID for value in said):
        words = re.sub(r"[^A-Za-z0-9._]+", "-", options.bottleneck_layer)[-30:]
        name = f"{name}-{words}-{hashlib.sha256(repr(said).encode()).hexdigest()[:8]}".replace("--", "-")
    naming = Naming(input_size, options.input_layer, options.input_mean, options.input_std, options.bottleneck_layer)
    return BackboneSource(name, places, naming, licence)


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
        f"--architecture: expected {some_here(model_dir)}, a name that `retrainer architectures` lists such as "
        f"mobilenet_0.50_224, a TF-Hub handle or a network's path; received '{shown(architecture)}'.",
        did_you_mean(close),
    )
