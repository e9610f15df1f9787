"""JPEG, the format of nearly all photos, decoded without Pillow."""

import simplejpeg

from retrainer.arrays import Pixels

_COLOURS = ("YCbCr", "RGB", "Gray")
# Markers of the JPEG standard, ITU-T T.81, table B.1.
_START_OF_SCAN, _APP1 = 0xDA, 0xE1


def decode_jpeg(content: bytes, size: int, most_pixels: int) -> Pixels | None:
    """The pixels of a JPEG, not turned upright: uint8 `(H, W, 3)`; None where Pillow should have a look.

    Args:
        content: The whole file.
        size: Half of what both sides must keep, pixels. The picture is halved up to three times within the decoder's
            own transform; its other scales cost more time than they save.
        most_pixels: A larger picture is not decoded.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if colours not in _COLOURS or height * width > most_pixels:
            return None
        for _ in range(3):
            half = (height + 1) // 2, (width + 1) // 2
            if min(half) < 2 * size:
                break
            height, width = half
        pixels: Pixels = simplejpeg.decode_jpeg(content, "RGB", min_height=height, min_width=width)
    except ValueError:
        return None
    return pixels


def has_exif(content: bytes) -> bool:
    """Whether a JPEG may have an EXIF block: False only where all segments before the picture are others."""
    place = 2
    while len(content) >= place + 4 and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker == _START_OF_SCAN:
            return False
        if length < 2 or (marker == _APP1 and content.startswith(b"Exif\0", place + 4)):
            return True
        place += 2 + length
    return True
