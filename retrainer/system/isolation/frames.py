"""Frames, which both processes send: a JSON document and arrays of numbers.

Nothing is unpickled, and a frame is read only as far as it was announced and allowed: whoever wrote the file may
control the child.
"""

import json
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer import errors
from retrainer.errors import ModelError, RetrainerError
from retrainer.text import shown

Arrays = Sequence[npt.NDArray[Any]]
Frame = tuple[dict[str, Any], list[npt.NDArray[Any]]]

MOST_HEADER, MOST_ARRAYS, MOST_BYTES = 2**24, 16, 2**31
MOST_TEXT = 2000
_LENGTH = struct.Struct("<I")
_DTYPES = ("float32", "uint8")
_ERRORS = {
    kind.__name__: kind
    for kind in (
        errors.OptionError,
        errors.BackboneError,
        errors.DownloadError,
        errors.OutputError,
        errors.PackageError,
        ModelError,
    )
}


def frame_bytes(header: dict[str, Any], arrays: Arrays = ()) -> list[bytes]:
    """A frame as bytes, in pieces."""
    text = json.dumps({**header, "arrays": [[str(a.dtype), list(a.shape)] for a in arrays]}).encode("ascii")
    return [_LENGTH.pack(len(text)) + text, *(np.ascontiguousarray(array).tobytes() for array in arrays)]


def read_frame(read: Callable[[int], bytes]) -> Frame:
    """Reads a frame.

    Args:
        read: Returns exactly as many bytes as it is asked for.

    Raises:
        ValueError: the bytes are no frame, or a frame larger than allowed.
    """
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > MOST_HEADER:
        raise ValueError("a frame's header is too long")
    header = json.loads(read(length))
    announced = header.pop("arrays")
    if len(announced) > MOST_ARRAYS:
        raise ValueError("a frame has too many arrays")
    arrays = []
    for dtype, shape in announced:
        count = math.prod(map(int, shape))
        if dtype not in _DTYPES or not all(isinstance(side, int) and side >= 0 for side in shape):
            raise ValueError("a frame's array is of another kind")
        size = count * np.dtype(dtype).itemsize
        if size > MOST_BYTES:
            raise ValueError("a frame's array is too large")
        arrays.append(np.frombuffer(read(size), dtype).reshape(shape))
    return header, arrays


def error_header(error: RetrainerError) -> dict[str, Any]:
    """The header of a frame that carries an error."""
    return {"error": [type(error).__name__, error.problem, error.fix]}


def error_from(content: Any) -> RetrainerError:
    """The error that a child sent; its text is escaped for a terminal."""
    try:
        name, problem, fix = (str(text)[:MOST_TEXT] for text in content)
    except (ValueError, TypeError):
        name, problem, fix = "", "The process that runs the file failed.", ""
    kind = _ERRORS.get(name, ModelError)
    return kind(shown(problem), shown(fix))
