"""A backbone's name -> its bundle."""

from difflib import get_close_matches
from pathlib import Path

from retrainer.backbones.bundle import DESCRIPTION, Bundle, read_bundle
from retrainer.errors import OptionError
from retrainer.files import shown

EMBEDDED = "pocket"
_EMBEDDED_FOLDER = Path(__file__).parent / EMBEDDED


def find_bundle(architecture: str, model_dir: str) -> Bundle:
    """The bundle of a backbone: the embedded one, or one in `model_dir` under its name.

    Raises:
        OptionError: there is none of that name.
        BackboneError: it is damaged.
    """
    if architecture == EMBEDDED:
        return read_bundle(_EMBEDDED_FOLDER)
    known = [EMBEDDED, *bundles_in(model_dir)]
    if architecture not in known:
        close = get_close_matches(architecture, known, n=1)
        raise OptionError(
            f"--architecture: expected one of: {', '.join(map(shown, known))}; received '{shown(architecture)}'.",
            f"Did you mean '{shown(close[0])}'?"
            if close
            else f"'{EMBEDDED}' is built in; others are bundles in --model_dir '{shown(model_dir)}'.",
        )
    return read_bundle(Path(model_dir) / architecture)


def bundles_in(model_dir: str) -> list[str]:
    """The names of the bundles in a folder, sorted."""
    return sorted(path.parent.name for path in Path(model_dir).glob(f"*/{DESCRIPTION}"))
