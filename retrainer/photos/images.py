"""Bytes of a picture file -> the square of pixels that a network sees.

A picture is known by its content, not by its name. Training and labelling read pictures by this module alone.
"""

import contextlib
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from retrainer.arrays import Floats, Pixels
from retrainer.errors import PictureError, ResourceError
from retrainer.photos.decoding.damage import has_lost_block
from retrainer.photos.decoding.jpegs import decode_jpeg, may_be_turned
from retrainer.photos.decoding.modes import decoded_png, rgb_of
from retrainer.photos.decoding.pngs import SIGNATURE, name_profiles, only_picture
from retrainer.photos.decoding.signatures import RAW, half_read, received
from retrainer.photos.resizing import squashed
from retrainer.system.memory import has_room, is_shortage, require_memory, shortage
from retrainer.system.process import native_stderr_hidden

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
# 2**28 admits today's 200-megapixel phones and refuses decompression bombs; checked on the header, before decoding.
MAX_PIXELS = 2**28
LARGE_PIXELS = 2**25
_ONE_LARGE = threading.Lock()
# Pillow warns above a limit of its own, which lies below ours.
Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, MAX_PIXELS)

_JPEG = b"\xff\xd8\xff"
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_EXIF_ORIENTATION = 0x0112
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

# EXIF orientation -> what makes a picture upright; 1 is upright already. From the EXIF 2.3 standard, tag 0x0112.
_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 3),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p, 1),
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture that may be squashed to squares of several sizes."""

    _picture: Pixels | Image.Image
    _orientation: int = 1

    def square(self, size: int) -> Pixels:
        """Squashes the picture to a square, its aspect ratio given up as in 2017; shrinking averages areas.

        Args:
            size: S, pixels.

        Returns:
            uint8 `(S, S, 3)`, RGB, 0 to 255, upright.
        """
        pixels = squashed(self._picture, size)
        # A square turned after the resize is the picture turned before it, for a fraction of the work.
        upright = _UPRIGHT.get(self._orientation)
        return np.ascontiguousarray(upright(pixels)) if upright else pixels


def decode(content: bytes, size: int) -> Picture:
    """Decodes a picture file.

    CMYK, grey, palette and 16-bit pictures become RGB; transparent ones are laid on white; EXIF orientation is kept.

    Args:
        content: The whole file.
        size: The largest square that will be wanted, pixels: a JPEG is halved while both of its sides stay at least
            twice that.

    Raises:
        PictureError: the file is no picture, damaged, truncated or too large; the text says which.
    """
    pixels = _of_jpeg(content, size) if content.startswith(_JPEG) else None
    if pixels is not None and not may_be_turned(content):
        return Picture(pixels)
    if content.startswith(SIGNATURE):
        content = only_picture(content)
    if (numbers := _numbers_of(content)) is not None:
        return numbers
    header = _opened(content)
    picture = _decoded(header, content, size) if pixels is None else pixels
    return Picture(picture, _orientation(header))


def _of_jpeg(content: bytes, size: int) -> Pixels | None:
    try:
        return decode_jpeg(content, size, MAX_PIXELS)
    except MemoryError as error:
        header = _opened(content)
        raise _failed(error, header.width * header.height) from error


def square(content: bytes, size: int) -> Pixels:
    """Decodes a picture file and squashes it: uint8 `(size, size, 3)`; see `decode` and `Picture.square`."""
    return decode(content, size).square(size)


def to_input(pixels: Pixels | Floats, mean: float = 127.5, std: float = 127.5) -> Floats:
    """Pixels `(S, S, 3)`, 0 to 255 -> a network's input float32 `(S, S, 3)`, `(pixel - mean) / std`."""
    floats: Floats = pixels.astype(np.float32)
    floats -= np.float32(mean)
    floats *= np.float32(1.0 / std)
    return floats


def _numbers_of(content: bytes) -> Picture | None:
    """The picture of a TIFF whose numbers are no bytes; None of any other file."""
    if not content.startswith(_TIFFS):
        return None
    from retrainer.photos.decoding.tiffs import (
        decoded_tiff,
        layout_of,
        require_all_blocks,
    )  # Pillow's reader of TIFF takes a while to import

    if (layout := layout_of(content)) is None:
        return None
    if layout.is_raw:
        raise PictureError(f"expected {', '.join(FORMATS)}, received {RAW}")
    _require_few(layout.width * layout.height)
    require_all_blocks(content, layout)
    if layout.is_plain:
        return None
    with _large(layout.width * layout.height), native_stderr_hidden():
        try:
            return Picture(decoded_tiff(content, layout), layout.orientation)
        except PictureError:
            raise
        except Exception as error:  # NumPy and Pillow raise whatever the bytes make them stumble over
            raise _failed(error, layout.width * layout.height) from error


def _require_few(pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise PictureError(f"{pixels:,} pixels are more than the limit of {MAX_PIXELS:,}")


def _large(pixels: int) -> contextlib.AbstractContextManager[object]:
    """One huge picture at a time: what Pillow needs on the way is a multiple of the picture."""
    return _ONE_LARGE if pixels > LARGE_PIXELS else contextlib.nullcontext()


def _opened(content: bytes) -> Image.Image:
    """The picture with only its header read."""
    formats: tuple[str, ...] = FORMATS
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        _enable_heif()
        formats = (*FORMATS, "HEIF")
    elif _is_readable_avif(content):
        formats = ("AVIF",)
    if not content:
        raise PictureError("the file is empty (0 bytes)")
    try:
        picture = Image.open(io.BytesIO(content), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        count = int("".join(c for c in str(error).split("pixels")[0] if c.isdigit()))
        raise PictureError(f"{count:,} pixels are more than the limit of {MAX_PIXELS:,}") from error
    except Exception as error:
        require_memory(error, "to open a photo")
        raise PictureError(_unknown(content)) from error
    _require_few(picture.width * picture.height)
    return picture


def _is_readable_avif(content: bytes) -> bool:
    """Whether a file is AVIF, and Pillow one that reads it: from 11.3 on, if it was built so."""
    if content[4:11] != b"ftypavi":
        return False
    from PIL import features

    return bool(features.check("avif"))


def _enable_heif() -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise PictureError("HEIC pictures need one more package: pip install pillow-heif") from error
    pillow_heif.register_heif_opener()


def _unknown(content: bytes) -> str:
    """Why a file is no picture, by its first bytes."""
    if content.startswith(_TIFFS):
        from retrainer.photos.decoding.tiffs import layout_of

        if layout := layout_of(content):
            return f"{layout} cannot be read; expected grey, RGB, CMYK or a palette"
    if name := "AVIF" if _is_readable_avif(content) else half_read(content):
        return f"damaged or truncated: its header is not that of a whole {name}"
    return f"expected {', '.join(FORMATS)}, received {received(content)}"


def _orientation(header: Image.Image) -> int:
    # Pillow turns TIFF upright by itself, and no other format.
    if header.format == "TIFF":
        return 1
    try:
        name_profiles(header.info)
        return int(header.getexif().get(_EXIF_ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1


def _decoded(header: Image.Image, content: bytes, size: int) -> Image.Image:
    """The pixels as an RGB picture, or an RGBA one where some are transparent."""
    pixels = header.width * header.height
    # libtiff writes of damaged pictures to the terminal.
    quiet = native_stderr_hidden() if header.format == "TIFF" else contextlib.nullcontext()
    # Nothing else tells zeros from data in these formats.
    if header.format in ("WEBP", "AVIF") and has_lost_block(content, 0, len(content)):
        raise PictureError("damaged or truncated: a block of its data is missing")
    try:
        with _large(pixels), quiet:
            if header.format == "PNG":
                return decoded_png(header, content)
            header.draft("RGB", (2 * size, 2 * size))
            return rgb_of(header)
    except PictureError:
        raise
    except Exception as error:
        raise _failed(error, pixels) from error


def _failed(error: Exception, pixels: int) -> PictureError | ResourceError:
    """Why a picture of so many pixels could not be decoded."""
    if is_shortage(error) or not has_room(8 * pixels):
        if pixels <= LARGE_PIXELS:
            return shortage("to decode a photo")
        return PictureError(f"not enough memory to decode its {pixels:,} pixels")
    return PictureError(f"damaged or truncated: {error or type(error).__name__}")
