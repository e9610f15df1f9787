"""A picture of any of Pillow's modes -> RGB, or RGBA if some pixels are transparent."""

import numpy as np
from PIL import Image

from retrainer.photos.decoding.levels import levels, opaqueness
from retrainer.photos.decoding.opening import open_picture

# Offsets in a PNG's header, and its colour types with several channels.
_BITS, _COLOUR = 24, 25
_RGB, _GREY_ALPHA, _RGBA = 2, 4, 6
# Pillow keeps the upper byte of sixteen bits. These decoders of Pillow's give the lower byte; the last gives both.
_LOWER = {_RGB: "RGB;16L", _RGBA: "RGBA;16L", _GREY_ALPHA: "RGBA"}
# A picture that uses all sixteen bits has an upper byte of at least this somewhere.
_BRIGHT = 64


def rgb_of(picture: Image.Image) -> Image.Image:
    """The picture in RGB, or in RGBA if some pixels are transparent.

    `levels` scales integers of more than eight bits, and floats.
    """
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
    """The picture of an opened PNG; if it uses only the lower of sixteen bits, these are scaled up."""
    lower = _LOWER.get(content[_COLOUR]) if content[_BITS] == 16 else None
    if lower is None or np.asarray(picture)[..., :3].max() >= _BRIGHT:
        return rgb_of(picture)
    second = open_picture(content, ("PNG",))
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
