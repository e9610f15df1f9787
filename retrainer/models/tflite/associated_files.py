"""Reads the files at the end of a `.tflite`, such as its metadata, without importing flatbuffers."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

from retrainer.errors import ModelError
from retrainer.models.metadata import METADATA_FILE, ModelMetadata
from retrainer.models.seal import content_of, damaged, require_undamaged, seal_of
from retrainer.text import shown

MODEL_IDENTIFIER = b"TFL3"
# A compressed file of more bytes is refused; the labels of a model take far fewer.
_MOST_UNPACKED = 2**24


def read_tflite(path: str | Path) -> bytes:
    """Reads the content of a `.tflite`.

    Raises:
        ModelError: the file is no TFLite model, or its seal shows that it is damaged.
    """
    try:
        content = content_of(path)
    except OSError as error:
        raise ModelError(f"'{shown(path)}' cannot be read: {error.strerror or error}.") from error
    if content[4:8] != MODEL_IDENTIFIER:
        raise ModelError(
            f"'{shown(path)}' is no TFLite model: expected '{MODEL_IDENTIFIER.decode()}' in its first eight bytes.",
            "Retrain it, or copy it again.",
        )
    require_undamaged(content, str(path))
    return content


def metadata_of(path: str) -> ModelMetadata | None:
    """The metadata inside a `.tflite`; None if it has none.

    Raises:
        ModelError: the file is no TFLite model, or is damaged or truncated.
    """
    return metadata_in(read_tflite(path), path)


def metadata_in(content: bytes, path: str) -> ModelMetadata | None:
    """The metadata inside the content of a `.tflite`; None if it has none.

    Args:
        content: What `read_tflite` returned.
        path: Its path, for messages.

    Raises:
        ModelError: it is damaged or truncated.
    """
    document = file_in(content, path, METADATA_FILE)
    if document is None:
        return None
    metadata = ModelMetadata.from_json(document, path)
    if metadata.is_sealed and not seal_of(content):
        raise damaged(path, "expected the hash of its bytes at its end")
    return metadata


def file_in(content: bytes, path: str, name: str) -> bytes | None:
    """A file of the archive at the end of a `.tflite`; None if there is no such file.

    Args:
        content: What `read_tflite` returned.
        path: Its path, for messages.
        name: The name of the file.

    Raises:
        ModelError: the archive is damaged or truncated, or the file is too large.
    """
    try:
        return _unpacked(content, name)
    except (zipfile.BadZipFile, zlib.error, struct.error, KeyError, OSError, ValueError, RuntimeError) as error:
        if name.encode("ascii") not in content:
            return None
        raise damaged(path, f"expected '{name}' in the archive at its end") from error


def _unpacked(content: bytes, name: str) -> bytes:
    """Unpacks a file of an archive. A file that is not compressed cannot be larger than the archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo(name)
        packed = info.compress_type != zipfile.ZIP_STORED
        if packed and (info.compress_type != zipfile.ZIP_DEFLATED or info.file_size > _MOST_UNPACKED):
            raise ValueError(f"{name} is larger than {_MOST_UNPACKED} bytes")
        with archive.open(info) as file:
            # No more is unpacked, whatever the headers of the archive say.
            return file.read(info.file_size)
