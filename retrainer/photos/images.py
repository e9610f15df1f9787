"""Bytes of a picture file -> the square of pixels that a network sees.

Training and labelling read pictures by this module alone. It knows formats by a file's content, not by its name.
"""

import contextlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from retrainer.arrays import Floats, Pixels
from retrainer.errors import PictureError
from retrainer.network_input import INPUT_MEAN, INPUT_STD
from retrainer.photos.decoding.damage import has_lost_block
from retrainer.photos.decoding.jpeg_segments import may_be_turned
from retrainer.photos.decoding.jpegs import decode_jpeg, sides_of
from retrainer.photos.decoding.limits import MAX_PIXELS, decoding_error, one_large_picture
from retrainer.photos.decoding.modes import decoded_png, rgb_of
from retrainer.photos.decoding.opening import opened
from retrainer.photos.decoding.orientation import TURNED, orientation_of, upright
from retrainer.photos.decoding.pngs import only_picture
from retrainer.photos.decoding.signatures import JPEG, PNG, TIFF
from retrainer.photos.resizing import middle, prepared, squashed
from retrainer.system.process import native_stderr_hidden


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded picture, which can be squashed to squares of several sizes."""

    _picture: Pixels | Image.Image
    _orientation: int = 1
    _stored: tuple[int, int] | None = None

    @property
    def sides(self) -> tuple[int, int]:
        """The width and height of the whole picture, upright, pixels; a JPEG may have been halved since."""
        picture = self._picture
        decoded = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
        width, height = self._stored or decoded
        return (height, width) if self._orientation in TURNED else (width, height)

    @property
    def shorter_side(self) -> int:
        """The shorter side of the picture as it was decoded, pixels."""
        picture = self._picture
        return int(min(picture.size if isinstance(picture, Image.Image) else picture.shape[:2]))

    @cached_property
    def _prepared(self) -> Any:
        return prepared(self._picture)

    def square(self, size: int) -> Pixels:
        """Squashes the picture to a square, as in 2017: the aspect ratio is lost. Shrinking averages areas.

        Args:
            size: S, pixels.

        Returns:
            uint8 `(S, S, 3)`, RGB, 0 to 255, upright.
        """
        # Turning the small square gives the same pixels as turning the picture, for a fraction of the work.
        return upright(squashed(self._prepared, size), self._orientation)

    def middle(self, side: int) -> Pixels:
        """The middle half of the stored rows, squashed and not turned upright: uint8 `(side // 2, side, 3)`.

        Both sides have at least `side` pixels.
        """
        return middle(self._prepared, side)

    def within(self, side: int) -> Pixels:
        """Shrinks or enlarges the picture so that its longer side has `side` pixels: uint8 `(h, w, 3)`, upright."""
        picture = self._picture
        width, height = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
        longer = max(width, height)
        size = max(1, round(side * width / longer)), max(1, round(side * height / longer))
        pixels: Pixels = np.asarray(Image.fromarray(squashed(picture, side)).resize(size, Image.Resampling.BOX))
        return upright(pixels, self._orientation)


def decode(content: bytes, size: int) -> Decoded:
    """Decodes a picture file.

    CMYK, grey, palette and 16-bit pictures become RGB. Transparent pixels show white. EXIF orientation is kept.

    Args:
        content: The whole file.
        size: The largest square that will be wanted, pixels. A JPEG is halved as long as both of its sides stay at
            least twice that.

    Raises:
        PictureError: the file is no picture, damaged, truncated or too large; the message says which.
    """
    pixels = _jpeg(content, size) if content.startswith(JPEG) else None
    if pixels is not None and not may_be_turned(content):
        return Decoded(pixels, 1, sides_of(content))
    if content.startswith(TIFF):
        # This import loads Pillow's TIFF plugin, which takes a while.
        from retrainer.photos.decoding.tiffs import decode_numbers

        if numbers := decode_numbers(content):
            return Decoded(*numbers)
    if content.startswith(PNG):
        content = only_picture(content)
    header = opened(content)
    sides = header.size
    picture = _decoded(header, content, size) if pixels is None else pixels
    return Decoded(picture, orientation_of(header), sides)


def square(content: bytes, size: int) -> Pixels:
    """Decodes a picture file and squashes it: uint8 `(size, size, 3)`; see `decode` and `Decoded.square`."""
    return decode(content, size).square(size)


def to_input(pixels: Pixels | Floats, mean: float = INPUT_MEAN, std: float = INPUT_STD) -> Floats:
    """Pixels `(S, S, 3)`, 0 to 255 -> a network's input float32 `(S, S, 3)`: `(pixel - mean) / std`."""
    floats: Floats = pixels.astype(np.float32)
    floats -= np.float32(mean)
    floats *= np.float32(1.0 / std)
    return floats


def _jpeg(content: bytes, size: int) -> Pixels | None:
    """The pixels of a JPEG; None if only Pillow can read it."""
    try:
        return decode_jpeg(content, size, MAX_PIXELS)
    except MemoryError as error:
        header = opened(content)
        raise decoding_error(error, header.width * header.height) from error


def _decoded(header: Image.Image, content: bytes, size: int) -> Image.Image:
    """The pixels as an RGB picture, or as an RGBA one if some are transparent."""
    pixels = header.width * header.height
    # libtiff writes messages about damaged pictures to the terminal.
    quiet = native_stderr_hidden() if header.format == "TIFF" else contextlib.nullcontext()
    # The decoders of these formats take zeros for data.
    if header.format in ("WEBP", "AVIF") and has_lost_block(content, 0, len(content)):
        raise PictureError("damaged or truncated: a block of its data is missing")
    try:
        with one_large_picture(pixels), quiet:
            if header.format == "PNG":
                return decoded_png(header, content)
            header.draft("RGB", (2 * size, 2 * size))
            return rgb_of(header)
    except PictureError:
        raise
    except Exception as error:
        raise decoding_error(error, pixels) from error
