"""Pillow's pixel limit, the only setting of Pillow that retrainer changes."""

import contextlib
import threading
from collections.abc import Iterator

from PIL import Image

_ONE_CHANGE = threading.RLock()


@contextlib.contextmanager
def pillow_limit_raised(pixels: int) -> Iterator[None]:
    """Lets Pillow decode pictures of at most `pixels` pixels; restores its limit, which the whole process shares."""
    with _ONE_CHANGE:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = limit and max(limit, pixels)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
