"""The seal of a model: its last bytes are a SHA-256 of all bytes before them.

A `.pb` ends with it because its last node is a constant that holds it, a `.tflite` because it is the comment of the
archive at its end. It tells damage, and which twin a `.pb` was written with; it does not tell who wrote a model.
"""

import errno
import os
from pathlib import Path

from retrainer.errors import ModelError
from retrainer.system.files import open_regular, shown

_MARK = b"retrainer-sha256:"
_DIGITS = 64
# What a model is written with before its hash is known.
UNSEALED = _MARK + b"0" * _DIGITS
# Neither protobuf nor flatbuffers can address more.
_MOST_BYTES = 2**31 - 1


def content_of(path: str | Path) -> bytes:
    """The bytes of a model.

    Raises:
        OSError: it is absent, no file, may not be read, or is larger than any model.
    """
    with open_regular(path) as handle:
        if os.fstat(handle.fileno()).st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, "it is larger than any model", os.fspath(path))
        return handle.read()


def sealed(content: bytes) -> bytes:
    """A model whose end, `UNSEALED`, is replaced by its seal."""
    return content[:-_DIGITS] + _digest(content)


def seal_of(content: bytes) -> bytes:
    """The seal that a model ends with, empty if it has none."""
    end = content[-len(UNSEALED) :]
    return end if end.startswith(_MARK) else b""


def is_whole(content: bytes) -> bool:
    """Whether a model has a seal and is what was sealed."""
    return bool(seal_of(content)) and content[-_DIGITS:] == _digest(content)


def require_undamaged(content: bytes, path: str) -> None:
    """Raises ModelError if a model has a seal and is not what was sealed."""
    if seal_of(content) and not is_whole(content):
        raise damaged(path, "its SHA-256 differs from the one that it ends with")


def damaged(path: str | Path, reason: str) -> ModelError:
    """The error of a model that is not what was written."""
    return ModelError(f"'{shown(path)}' is damaged or truncated: {reason}.", "Retrain it, or copy it again.")


def _digest(content: bytes) -> bytes:
    """SHA-256, in hexadecimal, of all but the last digits of a model."""
    import hashlib  # takes milliseconds, which `--help` does without

    return hashlib.sha256(memoryview(content)[:-_DIGITS]).hexdigest().encode("ascii")
