"""Small pictures of photos, for pages."""

import io

from PIL import Image

from retrainer.photos.images import decode

_QUALITIES = (80, 60, 40, 20)
_SMALLEST = 8


def thumbnail(content: bytes, side: int, most: int) -> bytes:
    """A small JPEG of a picture file, upright. It holds nothing but pixels: no EXIF, no place, no name.

    Args:
        content: The whole file.
        side: How many pixels its longer side has.
        most: The largest size in bytes, at least 1,000. The quality, and then the side, is reduced until it fits.

    Raises:
        PictureError: the file is no readable picture.
    """
    picture = decode(content, side)
    while True:
        pixels = Image.fromarray(picture.within(side))
        for quality in _QUALITIES:
            file = io.BytesIO()
            pixels.save(file, "JPEG", quality=quality, optimize=True)
            if file.tell() <= most or side <= _SMALLEST:
                return file.getvalue()
        side = side * 3 // 4
