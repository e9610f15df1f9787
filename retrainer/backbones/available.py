"""The bundles that are here already: the built-in one, and those in a folder."""

from pathlib import Path

from retrainer.backbones.bundle import DESCRIPTION, Bundle, read_bundle
from retrainer.text import shown

EMBEDDED = "pocket"
# The name of an int8 twin is the name of its float backbone with this ending.
QUANTIZED = "_quantized"
_EMBEDDED_FOLDER = Path(__file__).parent / EMBEDDED
# A message names at most this many bundles.
_FEW = 5


def find_bundle(name: str, model_dir: str) -> Bundle:
    """Opens the built-in bundle, or the one of that name in `model_dir`.

    Raises:
        BackboneError: it is not there, or damaged.
    """
    return read_bundle(_EMBEDDED_FOLDER if name == EMBEDDED else Path(model_dir) / name)


def bundles_in(model_dir: str) -> list[str]:
    """The names of the bundles in a folder, sorted."""
    return sorted(path.parent.name for path in Path(model_dir).glob(f"*/{DESCRIPTION}"))


def some_here(model_dir: str) -> str:
    """Names of bundles that are here, for a message."""
    names = [EMBEDDED, *bundles_in(model_dir)]
    if len(names) <= _FEW:
        return ", ".join(map(shown, names))
    return ", ".join(map(shown, names[: _FEW - 1])) + f" and {len(names) - _FEW + 1} more bundles"
