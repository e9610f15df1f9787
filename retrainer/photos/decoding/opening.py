"""Opening picture files with Pillow, which reads their headers and not yet their pixels."""

import io
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from retrainer.errors import PictureError
from retrainer.photos.decoding.limits import MAX_PIXELS, require_few
from retrainer.photos.decoding.signatures import FORMATS, TIFF, format_of, received
from retrainer.system.memory import require_memory
from retrainer.system.pillow import pillow_limit_raised

if TYPE_CHECKING:
    # Its import takes as long as many of ours together; a label of a JPEG does without it.
    from PIL import ImageFile

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def opened(content: bytes) -> "ImageFile.ImageFile":
    """A picture whose header is read.

    Raises:
        PictureError: the file is no picture that can be read, or has too many pixels.
    """
    if not content:
        raise PictureError("the file is empty (0 bytes)")
    formats = ("AVIF",) if _is_readable_avif(content) else FORMATS
    try:
        if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
            picture = _opened_heif(content)
        else:
            picture = open_picture(content, formats)
    except PictureError:
        raise
    except Exception as error:
        require_memory(error, "to open a photo")
        raise PictureError(_reason(content)) from error
    require_few(picture.width * picture.height)
    return picture


def open_picture(content: bytes, formats: Sequence[str]) -> "ImageFile.ImageFile":
    """A picture of one of Pillow's formats, as `Image.open` opens it, but without Pillow's check of its pixels.

    The limit of that check belongs to the whole process. WebP and GIF apply it themselves, so it is raised for them.

    Raises:
        UnidentifiedImageError: the file has none of the formats.
        Exception: the file is damaged in a way that Pillow does not expect.
    """
    try:
        return _first_that_opens(content, formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        with pillow_limit_raised(MAX_PIXELS):
            return _first_that_opens(content, formats)


def _first_that_opens(content: bytes, formats: Sequence[str]) -> "ImageFile.ImageFile":
    Image.preinit()
    for name in formats:
        if name not in Image.OPEN:
            Image.init()
        factory, accepts = Image.OPEN[name]
        accepted = accepts(content[:16]) if accepts else True
        # A text says why this Pillow cannot read the format.
        if accepted and not isinstance(accepted, str):
            try:
                return factory(io.BytesIO(content), "")
            except (SyntaxError, IndexError, TypeError, struct.error):  # this format's header is damaged
                continue
    raise UnidentifiedImageError


def _opened_heif(content: bytes) -> "ImageFile.ImageFile":
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise PictureError("HEIC pictures need one more package: pip install pillow-heif") from error
    picture: ImageFile.ImageFile = HeifImageFile(io.BytesIO(content))
    return picture


def _is_readable_avif(content: bytes) -> bool:
    """Whether a file is AVIF and this Pillow reads AVIF; versions before 11.3 and some builds do not."""
    if content[4:11] != b"ftypavi":
        return False
    from PIL import features

    return bool(features.check("avif"))


def _reason(content: bytes) -> str:
    """Why a file cannot be opened, by its first bytes."""
    if content.startswith(TIFF):
        from retrainer.photos.decoding.tiff_layout import layout_of

        if layout := layout_of(content):
            return f"{layout} cannot be read; expected grey, RGB, CMYK or a palette"
    if name := "AVIF" if _is_readable_avif(content) else format_of(content):
        return f"damaged or truncated: its header is not that of a whole {name}"
    return f"expected {', '.join(FORMATS)}, received {received(content)}"
