"""The backbones that are here already: the built-in one, and the bundles in a folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from retrainer.backbones.bundle import DESCRIPTION, Bundle, read_bundle
from retrainer.backbones.converting.hints import Naming
from retrainer.errors import OptionError
from retrainer.options.backbone import BundleOptions
from retrainer.system.files import shown

if TYPE_CHECKING:
    from retrainer.backbones.places import Place

EMBEDDED = "pocket"
_EMBEDDED_FOLDER = Path(__file__).parent / EMBEDDED
# The options that say something of a network, and their values where they say nothing.
SAYING, UNSAID = ("bottleneck_layer", "input_layer", "input_mean", "input_std"), ("", None)
# So many bundles are named in a message.
_FEW = 5
UNKNOWN_LICENCE = "see the source"


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
    licence: str = UNKNOWN_LICENCE
    given: str = field(default="", compare=False)
    floats: "BackboneSource | None" = None


def as_it_is(name: str, options: BundleOptions) -> BackboneSource:
    """The source of a bundle that is there, of which nothing is left to say."""
    for flag in SAYING:
        if getattr(options, flag) not in UNSAID:
            raise OptionError(
                f"--{flag}: expected a network that is still to be converted, '{shown(name)}' is a bundle already.",
                "Leave the flag out, or name the network that the bundle was made of.",
            )
    return BackboneSource(name)


def some_here(model_dir: str) -> str:
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
