"""Pictures that are no files: bytes, Pillow's images, arrays and open files -> the bytes of a picture file.

Arrays and images become a PNG that is not compressed. So they are decoded as files are, with the same pixels.
"""

import os
import struct
import threading
import zlib
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol, TypeAlias

import numpy as np
from PIL import Image

from retrainer.arrays import Pixels
from retrainer.errors import PictureError
from retrainer.photos.decoding.limits import decoding_error, one_large_picture, require_few
from retrainer.photos.decoding.modes import rgb_of
from retrainer.photos.decoding.orientation import orientation_of
from retrainer.photos.decoding.signatures import PNG
from retrainer.photos.reading import MAX_BYTES, require_few_bytes
from retrainer.system.memory import is_shortage, require_memory
from retrainer.text import brief, reason_of


class BinaryFile(Protocol):
    """A file that is open in binary mode."""

    def read(self, size: int, /) -> bytes:
        """Returns the next bytes, at most `size`; none at the end."""


class AsArray(Protocol):
    """What NumPy can turn into an array, such as a tensor."""

    def __array__(self) -> Any:
        """Returns the array."""


InMemory: TypeAlias = bytes | bytearray | memoryview | Image.Image | np.ndarray[Any, Any] | AsArray | BinaryFile
"""A picture that is no file; `pictures.Picture` says more."""

EXPECTED = "a path, bytes, a PIL.Image, a uint8 array, a file open in binary mode, or a Photo"

# Pillow cannot load one picture in two threads at once.
_LOADING = tuple(threading.Lock() for _ in range(16))
# Channels -> the colour type of a PNG: grey, RGB, RGBA.
_COLOURS = {1: 0, 3: 2, 4: 6}
_LONGEST_PATH = 4096


def content_in_memory(picture: InMemory) -> bytes:
    """The bytes of a picture file.

    Args:
        picture: One of `InMemory`.

    Raises:
        PictureError: it is no picture, or it cannot be read.
    """
    if isinstance(picture, bytes | bytearray | memoryview):
        return _of_bytes(picture)
    if isinstance(picture, Image.Image):
        return _of_image(picture)
    if hasattr(picture, "read"):
        return _of_file(picture)
    if hasattr(picture, "__array__") or hasattr(picture, "__array_interface__"):
        return _of_array(picture)
    fix = "Give its pictures one by one; `Labeler.many` does." if isinstance(picture, Iterable) else ""
    raise PictureError(f"expected {EXPECTED}, received {brief(picture)}", fix)


def _of_bytes(content: bytes | bytearray | memoryview) -> bytes:
    require_few_bytes(len(content) if not isinstance(content, memoryview) else content.nbytes)
    content = bytes(content)
    if 0 < len(content) < _LONGEST_PATH and b"\0" not in content and os.path.lexists(content):
        raise PictureError("expected the bytes of a picture, received a path as bytes", "Give it as a str.")
    return content


def _of_file(file: Any) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        while part := file.read(MAX_BYTES + 1 - size):
            if not isinstance(part, bytes | bytearray | memoryview):
                raise _no_bytes(part)
            parts.append(bytes(part))
            require_few_bytes(size := size + len(part))
    except PictureError:
        raise
    except Exception as error:  # a file may be of any class, and raise anything
        require_memory(error, "to read a picture")
        fix = _BINARY if isinstance(error, UnicodeError) else ""
        raise PictureError(f"the file cannot be read: {reason_of(error)}", fix) from error
    if not parts:
        raise PictureError("the file has no more bytes after its position")
    return b"".join(parts)


def _no_bytes(part: object) -> PictureError:
    """The error for what a file gives in place of bytes."""
    if isinstance(part, Coroutine):
        part.close()  # or Python warns that nobody waited for it
        what, fix = "a coroutine", "Give the bytes: await file.read()."
    else:
        what, fix = ("text", _BINARY) if isinstance(part, str) else (type(part).__name__, "")
    return PictureError(f"expected a file that gives bytes, received one that gives {what}", fix)


_BINARY = 'Open it in binary mode: open(path, "rb").'


def _of_image(picture: Image.Image) -> bytes:
    pixels = picture.width * picture.height
    if not pixels:
        raise PictureError(f"the picture has no pixels: its size is {picture.width}×{picture.height}")
    require_few(pixels)
    try:
        with one_large_picture(pixels):
            with _LOADING[id(picture) // 64 % len(_LOADING)]:
                picture.load()
                orientation = orientation_of(picture)
            return _png(np.asarray(rgb_of(picture)), orientation)
    except Exception as error:  # Pillow raises errors of any kind
        if is_shortage(error):
            raise decoding_error(error, pixels) from error
        if getattr(picture, "fp", True) is None:
            problem = "the picture cannot be read: its file was closed before its pixels were read"
            raise PictureError(problem, "Call picture.load() first, or give the path.") from error
        raise PictureError(f"the picture cannot be read: {reason_of(error)}") from error


def _of_array(value: Any) -> bytes:
    try:
        array = np.asarray(value)
    except Exception as error:  # `__array__` may raise anything; that of a tensor on a GPU does
        require_memory(error, "to read a picture")
        raise PictureError(f"a {type(value).__name__} that is no array: {reason_of(error)}") from error
    received = f"received {array.dtype} {array.shape}"
    shape = (*array.shape, 1) if array.ndim == 2 else array.shape
    if len(shape) != 3 or shape[2] not in _COLOURS:
        raise PictureError(f"expected an array (H, W), (H, W, 3) or (H, W, 4), {received}", _shaped(shape))
    if array.dtype != np.uint8:
        raise PictureError(f"expected an array of uint8, 0 to 255, {received}", _converted(array.dtype))
    if not array.size:
        raise PictureError(f"the array has no pixels: {received}")
    require_few(shape[0] * shape[1])
    return _png(array.reshape(shape))


def _shaped(shape: tuple[int, ...]) -> str:
    """What to do with an array of another shape; empty if nobody can know."""
    if len(shape) == 4:
        return "Give its pictures one by one."
    if len(shape) == 3 and shape[0] in _COLOURS:
        return "Put the channels last: array.transpose(1, 2, 0)."
    return ""


def _converted(kind: np.dtype[Any]) -> str:
    """What to do with an array of another type; empty if nobody can know."""
    if kind.kind == "f":
        return "If its numbers are 0 to 1, convert it: (array * 255).round().astype('uint8')."
    if kind.kind == "b":
        return "Convert it: array.astype('uint8') * 255."
    return "If its numbers are 0 to 255, convert it: array.astype('uint8')." if kind.kind in "iu" else ""


def _png(pixels: Pixels, orientation: int = 1) -> bytes:
    """Pixels `(H, W, C)`, C 1, 3 or 4 -> a PNG that is not compressed; `orientation` is EXIF's.

    Pillow's own writer takes up to twenty times as long.
    """
    height, width, channels = pixels.shape
    rows = np.empty((height, 1 + width * channels), np.uint8)
    rows[:, 0] = 0
    rows[:, 1:] = pixels.reshape(height, -1)
    parts = [PNG, *_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0))]
    if orientation in range(2, 9):
        # A directory with the one entry 0x0112, a short number.
        exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
        parts += _chunk(b"eXIf", exif)
    parts += *_chunk(b"IDAT", zlib.compress(rows.data, 0)), *_chunk(b"IEND", b"")
    return b"".join(parts)


def _chunk(name: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    return struct.pack(">I", len(data)), name, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
