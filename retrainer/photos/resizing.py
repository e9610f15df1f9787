"""A decoded picture -> a square, each of whose pixels is the mean of those whose centres it covers.

The README states the rule so that it can be rebuilt. Both resizers follow it; a centre that lies just on a border may
fall to either side.
"""

import threading

import numpy as np
from PIL import Image

from retrainer.arrays import Pixels

try:
    import cykooz_resizer as simd
except ImportError:  # it has no wheel for this machine; Pillow does the same, three times slower
    simd = None

_of_thread = threading.local()


def squashed(picture: Pixels | Image.Image, size: int) -> Pixels:
    """A picture squashed to a square; transparent parts show white.

    Args:
        picture: uint8 `(H, W, 3)`, RGB, or a picture of Pillow's, RGB or RGBA.
        size: S, pixels.

    Returns:
        uint8 `(S, S, 3)`, RGB, 0 to 255; the two kinds of picture differ by one at most, but for centres just on
        a border.
    """
    if isinstance(picture, np.ndarray):
        if simd:
            return _squashed_by_simd(picture, size)
        picture = Image.fromarray(picture)
    pixels: Pixels = np.asarray(_squashed_by_pillow(picture, size))
    return pixels


def _grows(height: int, width: int, size: int) -> bool:
    # A box filter averages areas; where a side grows it would repeat pixels, and a triangle interpolates.
    return min(height, width) < size


def _squashed_by_simd(pixels: Pixels, size: int) -> Pixels:
    height, width, _ = pixels.shape
    try:
        resizer, box, triangle = _of_thread.tools
    except AttributeError:
        filters = simd.FilterType.box, simd.FilterType.bilinear
        tools = simd.Resizer(), *(simd.ResizeOptions(simd.ResizeAlg.convolution(filter_)) for filter_ in filters)
        resizer, box, triangle = _of_thread.tools = tools
    source = simd.ImageData(width, height, simd.PixelType.U8x3, pixels.tobytes())
    target = simd.ImageData(size, size, simd.PixelType.U8x3)
    resizer.resize(source, target, triangle if _grows(height, width, size) else box)
    return np.frombuffer(target.get_buffer(), np.uint8).reshape(size, size, 3)


def _squashed_by_pillow(picture: Image.Image, size: int) -> Image.Image:
    if picture.size != (size, size):
        grows = _grows(*picture.size, size)
        picture = picture.resize((size, size), Image.Resampling.BILINEAR if grows else Image.Resampling.BOX)
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture
