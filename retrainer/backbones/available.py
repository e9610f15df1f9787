"""The bundles that are here already, in the folders of bundles."""

import os
from pathlib import Path

from retrainer.backbones.bundle import DESCRIPTION, Bundle, read_bundle
from retrainer.backbones.model_folders import model_folders, require_own_bundle
from retrainer.options.backbone import DEFAULT_ARCHITECTURE
from retrainer.text import shown

EMBEDDED = "pocket"
# The name of an int8 twin is the name of its float backbone with this ending.
QUANTIZED = "_quantized"
# The best preset is known to exceed these backbones. It is proposed for a lower accuracy.
_WEAKER, HIGH_ACCURACY = (EMBEDDED, "efficientnet_lite0"), 0.95
# A message names at most this many bundles.
_FEW = 5


def described(name: str) -> str:
    """A backbone's name for users: they need not know the name of the one that is built in."""
    return f"{EMBEDDED} (built in)" if name == EMBEDDED else shown(name)


def is_weaker(name: str) -> bool:
    """Whether the best preset is known to exceed a backbone."""
    return name.startswith(_WEAKER)


def find_bundle(name: str, model_dir: str) -> Bundle:
    """Opens the bundle of a name in the folders of bundles.

    Args:
        name: The bundle's name.
        model_dir: The option; empty for the folders that hold without it.

    Raises:
        BackboneError: it is not there, is damaged, or another user could have changed it.
    """
    folder = parent_of(name, model_dir) / name
    require_own_bundle(folder, model_dir)
    return read_bundle(folder)


def is_here(name: str, model_dir: str) -> bool:
    """Whether a bundle of this name, perhaps a damaged one, is here."""
    return os.path.lexists(parent_of(name, model_dir) / name / DESCRIPTION)


def parent_of(name: str, model_dir: str) -> Path:
    """The first folder that has a bundle of this name, perhaps a damaged one; otherwise the folder of new bundles."""
    folders = model_folders(model_dir)
    return next((f for f in folders.searched if os.path.lexists(f / name / DESCRIPTION)), folders.new)


def bundles_in(model_dir: str) -> list[str]:
    """The names of the bundles in the folders of bundles, sorted."""
    folders = model_folders(model_dir).searched
    return sorted({path.parent.name for folder in folders for path in folder.glob(f"*/{DESCRIPTION}")})


def some_here(model_dir: str) -> str:
    """Names of backbones that need no Internet connection, for a message."""
    names = list(dict.fromkeys((DEFAULT_ARCHITECTURE, EMBEDDED, *bundles_in(model_dir))))
    if len(names) <= _FEW:
        return ", ".join(map(shown, names))
    return ", ".join(map(shown, names[: _FEW - 1])) + f" and {len(names) - _FEW + 1} more"
