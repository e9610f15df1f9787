"""Limits on the size of pictures, and the error if one cannot be decoded."""

import contextlib
import threading
from collections.abc import Iterator

from retrainer.errors import PictureError, ResourceError
from retrainer.system.memory import has_room, is_shortage, shortage
from retrainer.system.pillow import pillow_limit_raised

# 2**28 pixels admit the 200 megapixels of today's phones and refuse decompression bombs.
MAX_PIXELS = 2**28
# Larger pictures are decoded one at a time. Pillow's own limit is higher: 89 megapixels.
LARGE_PIXELS = 2**25
_ONE_LARGE = threading.RLock()


def require_few(pixels: int) -> None:
    """Raises PictureError if a picture has more than `MAX_PIXELS` pixels."""
    if pixels > MAX_PIXELS:
        raise PictureError(f"{pixels:,} pixels are more than the limit of {MAX_PIXELS:,}")


@contextlib.contextmanager
def one_large_picture(pixels: int) -> Iterator[None]:
    """Decodes large pictures one at a time, since Pillow needs several times their memory; small ones do not wait."""
    if pixels <= LARGE_PIXELS:
        yield
        return
    with _ONE_LARGE, pillow_limit_raised(pixels):
        yield


def decoding_error(error: Exception, pixels: int) -> PictureError | ResourceError:
    """The error to raise if a picture of `pixels` pixels could not be decoded."""
    if is_shortage(error) or not has_room(8 * pixels):
        if pixels <= LARGE_PIXELS:
            return shortage("to decode a photo")
        return PictureError(f"not enough memory to decode its {pixels:,} pixels")
    return PictureError(f"damaged or truncated: {error or type(error).__name__}")
