"""The seal of a model: its last bytes are a SHA-256 of all bytes before them.

In a `.pb` the seal is the content of the last node, a constant. In a `.tflite` it is the comment of the archive at the
end. It reveals damage and identifies the twin of a `.pb`. It does not prove who wrote a model.
"""

import errno
import os
from pathlib import Path

from retrainer.errors import ModelError
from retrainer.system.files import open_regular
from retrainer.text import shown

_MARK = b"retrainer-sha256:"
_DIGITS = 64
# The end of a model whose hash is not computed yet.
UNSEALED = _MARK + b"0" * _DIGITS
Content = bytes | memoryview
# Neither protobuf nor flatbuffers can address more bytes.
_MOST_BYTES = 2**31 - 1


def content_of(path: str | Path) -> bytes:
    """The bytes of a model's file.

    Raises:
        OSError: there is no such file, it may not be read, or it is larger than any model.
    """
    with open_regular(path) as handle:
        if os.fstat(handle.fileno()).st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, "it is larger than any model", os.fspath(path))
        return handle.read()


def sealed(*parts: Content) -> bytes:
    """Returns a model, given in parts of which the last ends with `UNSEALED`, with its seal there instead."""
    *whole, last = parts
    unsealed = [*whole, memoryview(last)[:-_DIGITS]]
    # The parts are joined once, since a copy of a model takes as long as half a hash of it.
    return b"".join((*unsealed, _digest(*unsealed)))


def seal_of(content: bytes) -> bytes:
    """The seal at the end of a model; empty if it has none."""
    end = content[-len(UNSEALED) :]
    return end if end.startswith(_MARK) else b""


def is_whole(content: bytes) -> bool:
    """Whether a model has a seal and nothing in it has changed since."""
    return bool(seal_of(content)) and content[-_DIGITS:] == _digest(memoryview(content)[:-_DIGITS])


def require_undamaged(content: bytes, path: str) -> None:
    """Raises ModelError if a model has a seal and something in it has changed since."""
    if seal_of(content) and not is_whole(content):
        raise damaged(path, "its SHA-256 differs from the one that it ends with")


def damaged(path: str | Path, reason: str) -> ModelError:
    """Returns the error for a model that has changed since it was written."""
    return ModelError(f"'{shown(path)}' is damaged or truncated: {reason}.", "Retrain it, or copy it again.")


def _digest(*parts: Content) -> bytes:
    """SHA-256, in hexadecimal, of some bytes, given in parts."""
    import hashlib  # takes milliseconds, and not every command needs it

    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest().encode("ascii")
