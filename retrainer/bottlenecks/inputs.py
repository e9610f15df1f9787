"""Photos as the inputs of a network, without a cache.

`images` is imported when a photo is read: its decoders take longer to import than a run whose photos are all cached.
"""

from collections.abc import Sequence
from contextlib import suppress

from retrainer.arrays import Floats, spread
from retrainer.errors import PictureError


def photo_input(content: bytes, size: int) -> Floats:
    """A photo's bytes as a network's input, float32 `(size, size, 3)` in [-1, 1].

    Raises:
        PictureError: the bytes are no photo that can be read.
    """
    from retrainer.photos.images import square, to_input

    return to_input(square(content, size))


def sample_inputs(paths: Sequence[str], size: int, count: int) -> list[Floats]:
    """The inputs `(size, size, 3)` of at most `count` photos, spread evenly; unreadable files are left out."""
    from retrainer.photos.photo import content_of

    inputs = []
    for number in spread(len(paths), count):
        with suppress(PictureError):
            inputs.append(photo_input(content_of(paths[number]), size))
    return inputs


def drawn_inputs(size: int, count: int) -> list[Floats]:
    """Drawings as network inputs `(size, size, 3)`, to use without photos."""
    import numpy as np

    from retrainer.photos.flowers import KINDS, drawn
    from retrainer.photos.images import to_input
    from retrainer.photos.resizing import squashed

    generator = np.random.default_rng(0)
    kinds = (list(KINDS) * count)[:count]
    return [to_input(squashed(drawn(kind, generator), size)) for kind in kinds]
