"""`NAME@SIZE`: a network for pictures of another size."""

import re
from dataclasses import replace

from retrainer.backbones.available import QUANTIZED
from retrainer.backbones.backbone import Backbone
from retrainer.errors import OptionError
from retrainer.text import shown

# The networks of the table halve a picture five times; the largest of today's image networks take 1,024 pixels or less.
STEP, SMALLEST, LARGEST = 32, 32, 1024
_NAME = re.compile(r"(?P<stem>.+)@(?P<size>\d+)")


def split_size(name: str) -> tuple[str, int | None]:
    """A name without its `@SIZE`, and the size in pixels, None if it has none."""
    match = _NAME.fullmatch(name)
    return (match["stem"], int(match["size"][:6])) if match else (name, None)


def at_size(backbone: Backbone, size: int, given: str) -> Backbone:
    """Returns the backbone of the same network for pictures of another size.

    Args:
        backbone: The network; its own size is allowed, whatever it is.
        size: S, pixels.
        given: The name as the user wrote it, for messages.

    Raises:
        OptionError: no network takes this size, or the backbone has one already.
    """
    if backbone.hints.wanted_size:
        raise OptionError(f"--architecture: expected one @SIZE, received '{shown(given)}'.")
    own = size == backbone.hints.input_size
    if not own and (size % STEP or not SMALLEST <= size <= LARGEST):
        near = min(max(round(size / STEP) * STEP, SMALLEST), LARGEST)
        raise OptionError(
            f"--architecture: expected a size that is a multiple of {STEP}, from {SMALLEST} to {LARGEST:,} pixels, "
            f"received '{shown(given)}'.",
            f"The nearest is @{near}.",
        )
    name = backbone.name if own else f"{backbone.name}@{size}"
    return replace(backbone, name=name, hints=replace(backbone.hints, input_size=size, wanted_size=size))


def twin_at_size(floats: Backbone, given: str) -> Backbone:
    """Returns the int8 twin of a float backbone that was named as `NAME_quantized@SIZE`."""
    name = floats.name + QUANTIZED
    return Backbone(name, floats=floats, note=f"'{shown(given)}' is written '{shown(name)}'")
