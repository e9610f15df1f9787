"""A picture of any of Pillow's modes -> RGB, or RGBA if parts of it are transparent."""

import io

import numpy as np
from PIL import Image

from retrainer.photos.decoding.levels import levels, opaqueness

# Places in a PNG's header, and its kinds of colour with several channels.
_BITS, _COLOUR = 24, 25
_RGB, _GREY_ALPHA, _RGBA = 2, 4, 6
# Pillow keeps the upper byte of sixteen bits; these of its decoders give the lower ones, the last gives both.
_LOWER = {_RGB: "RGB;16L", _RGBA: "RGBA;16L", _GREY_ALPHA: "RGBA"}
# The upper byte of a picture of sixteen bits is somewhere at least this.
_BRIGHT = 64


def rgb_of(picture: Image.Image) -> Image.Image:
    """The picture in RGB, or RGBA if parts of it are transparent; numbers are scaled by `levels`."""
    if picture.mode.startswith(("I", "F")):
        return Image.fromarray(levels(np.asarray(picture))).convert("RGB")
    if picture.mode == "LAB":
        return _of_lab(picture)
    if picture.mode == "La":
        picture = picture.convert("LA")
    if "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture.convert("RGB")


def decoded_png(picture: Image.Image, content: bytes) -> Image.Image:
    """The picture of a PNG that is opened; if only the lower of its sixteen bits are used, of these."""
    lower = _LOWER.get(content[_COLOUR]) if content[_BITS] == 16 else None
    if lower is None or np.asarray(picture)[..., :3].max() >= _BRIGHT:
        return rgb_of(picture)
    second = Image.open(io.BytesIO(content), formats=("PNG",))
    second.tile = [tile._replace(args=lower) for tile in second.tile]
    low = np.asarray(second).astype(np.uint16)
    if content[_COLOUR] == _GREY_ALPHA:
        numbers = low[..., [0, 2]] << 8 | low[..., [1, 3]]
        numbers = numbers[..., [0, 0, 0, 1]]
    else:
        numbers = np.asarray(picture).astype(np.uint16) << 8 | low
    pixels = levels(numbers[..., :3])
    if numbers.shape[-1] == 4:
        return Image.fromarray(np.dstack([pixels, opaqueness(numbers[..., 3])]))
    return Image.fromarray(pixels)


def _of_lab(picture: Image.Image) -> Image.Image:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(picture, lab, srgb, outputMode="RGB")
    return picture.convert("RGB") if converted is None else converted
