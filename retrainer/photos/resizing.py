"""A decoded picture -> a square; each of its pixels is the mean of the pixels whose centres it covers.

README.md states the rule, so that others can rebuild it. Both resizers follow it, but may assign a centre that lies
exactly on a border to different sides.
"""

import threading
from typing import Any

import numpy as np
from PIL import Image

from retrainer.arrays import Pixels

try:
    import cykooz_resizer as simd
except ImportError:  # there is no wheel for this machine; Pillow does the same, three times slower
    simd = None

_of_thread = threading.local()


def prepared(picture: Pixels | Image.Image) -> Any:
    """A picture in the form in which `squashed` takes it several times without copying it again."""
    if isinstance(picture, np.ndarray) and simd:
        height, width, _ = picture.shape
        return simd.ImageData(width, height, simd.PixelType.U8x3, picture.tobytes())
    return picture


def squashed(picture: Any, size: int) -> Pixels:
    """Squashes a picture to a square; transparent pixels show white.

    Args:
        picture: uint8 `(H, W, 3)`, RGB, or a Pillow picture, RGB or RGBA; or what `prepared` made of it.
        size: S, pixels.

    Returns:
        uint8 `(S, S, 3)`, RGB, 0 to 255. The two kinds of pictures give values that differ by at most 1, except for
        centres exactly on a border.
    """
    picture = prepared(picture)
    if simd and isinstance(picture, simd.ImageData):
        return _squashed_by_simd(picture, size)
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    pixels: Pixels = np.asarray(_squashed_by_pillow(picture, size))
    return pixels


def middle(picture: Any, side: int) -> Pixels:
    """The middle half of a picture's rows, squashed: uint8 `(side // 2, side, 3)`; the picture is at least that large.

    Args:
        picture: As `squashed` takes it.
        side: Pixels.
    """
    picture = prepared(picture)
    if simd and isinstance(picture, simd.ImageData):
        half = simd.CropBox(0, picture.height // 4, picture.width, picture.height // 2)
        options = simd.ResizeOptions(simd.ResizeAlg.convolution(simd.FilterType.box), crop_box=half)
        target = simd.ImageData(side, side // 2, simd.PixelType.U8x3)
        simd.Resizer().resize(picture, target, options)
        return np.frombuffer(target.get_buffer(), np.uint8).reshape(side // 2, side, 3)
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    top, rows = picture.height // 4, picture.height // 2
    half = picture.resize((side, side // 2), Image.Resampling.BOX, (0, top, picture.width, top + rows))
    pixels: Pixels = np.asarray(_on_white(half))
    return pixels


def _grows(height: int, width: int, size: int) -> bool:
    # A box filter averages areas, but repeats pixels if a side grows; then a triangle filter interpolates.
    return min(height, width) < size


def _squashed_by_simd(source: Any, size: int) -> Pixels:
    try:
        resizer, box, triangle = _of_thread.tools
    except AttributeError:
        filters = simd.FilterType.box, simd.FilterType.bilinear
        tools = simd.Resizer(), *(simd.ResizeOptions(simd.ResizeAlg.convolution(filter_)) for filter_ in filters)
        resizer, box, triangle = _of_thread.tools = tools
    target = simd.ImageData(size, size, simd.PixelType.U8x3)
    resizer.resize(source, target, triangle if _grows(source.height, source.width, size) else box)
    return np.frombuffer(target.get_buffer(), np.uint8).reshape(size, size, 3)


def _squashed_by_pillow(picture: Image.Image, size: int) -> Image.Image:
    if picture.size != (size, size):
        grows = _grows(*picture.size, size)
        picture = picture.resize((size, size), Image.Resampling.BILINEAR if grows else Image.Resampling.BOX)
    return _on_white(picture)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture
