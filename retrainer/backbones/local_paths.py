"""The path of a network -> its backbone, or an error that says what is wrong with the path."""

import os
from pathlib import Path

from retrainer.backbones.backbone import Backbone
from retrainer.backbones.bundle import DESCRIPTION
from retrainer.backbones.converting.hints import Hints
from retrainer.backbones.handles import bundle_name, hinted_name, size_in
from retrainer.backbones.network_files import (
    GRAPH_ENDING,
    KERAS_ENDING,
    SAVED_MODEL,
    TAR_ENDINGS,
    TFLITE_ENDING,
    network_in,
)
from retrainer.backbones.origins import LocalOrigin
from retrainer.errors import OptionError
from retrainer.options.backbone import BundleOptions
from retrainer.system.files import content_digest
from retrainer.system.paths import expanded, nearest_existing
from retrainer.text import pasted, shown

_ENDINGS = (GRAPH_ENDING, TFLITE_ENDING, KERAS_ENDING, *TAR_ENDINGS)
_KINDS = f"{GRAPH_ENDING}, {TFLITE_ENDING} or {KERAS_ENDING}"


def backbone_at(name: str, options: BundleOptions) -> Backbone | None:
    """Returns the backbone at a path; None if the text neither is nor looks like a path.

    Raises:
        OptionError: the path holds no network, or does not exist.
    """
    path = Path(expanded(name))
    if (path / DESCRIPTION).is_file():
        raise OptionError(
            f"--architecture: expected a bundle's name, received the bundle's folder, '{shown(path)}'.",
            f"Give it as --model_dir {pasted(path.parent)} --architecture {pasted(path.name)}",
        )
    if network_in(path) if path.is_dir() else path.is_file() and path.name.endswith(_ENDINGS):
        hints = Hints.of(options, size_in(path.name))
        own_name = bundle_name(path.resolve().name, content_digest(path))
        return Backbone(hinted_name(own_name, hints), (LocalOrigin(str(path)),), hints)
    if path.exists():
        raise _no_network(path)
    if path.name.endswith(_ENDINGS) or os.path.dirname(name):
        raise OptionError(
            f"--architecture: '{shown(path)}' does not exist; expected a network's path, a name or a handle.",
            f"The nearest existing folder is '{shown(nearest_existing(str(path)))}'.",
        )
    return None


def _no_network(path: Path) -> OptionError:
    if path.is_dir():
        return OptionError(
            f"--architecture: expected '{SAVED_MODEL}' and its variables, or one {_KINDS}, "
            f"in the folder '{shown(path)}', found none.",
            "Name a network: the folder of a SavedModel, such a file, or a .tar.gz of one.",
        )
    legacy = path.suffix in (".h5", ".hdf5")
    return OptionError(
        f"--architecture: expected a file {_KINDS}, or an archive {', '.join(TAR_ENDINGS)}, received '{shown(path)}'.",
        "HDF5 is not taken; save the model again by model.save('NAME.keras')." if legacy else "",
    )
