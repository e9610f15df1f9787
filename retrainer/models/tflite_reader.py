"""What a `.tflite` says of itself, read without flatbuffers."""

import zipfile
from typing import BinaryIO

from retrainer.errors import ModelError
from retrainer.files import shown
from retrainer.models.metadata import METADATA_FILE, ModelMetadata

MODEL_IDENTIFIER = b"TFL3"


def metadata_of(path: str) -> ModelMetadata | None:
    """The metadata inside a `.tflite`, None where it carries none.

    Raises:
        ModelError: the file is no TFLite model, or is truncated.
    """
    document = file_in(path, METADATA_FILE)
    return ModelMetadata.from_json(document, shown(path)) if document is not None else None


def file_in(path: str, name: str) -> bytes | None:
    """A file of the archive at the end of a `.tflite`, None where it has no such file.

    Raises:
        ModelError: the file is no TFLite model, or is truncated.
    """
    try:
        with open(path, "rb") as handle:
            return _read(handle, path, name)
    except OSError as error:
        raise ModelError(f"'{shown(path)}' cannot be read: {error.strerror or error}.") from error


def _read(handle: BinaryIO, path: str, name: str) -> bytes | None:
    if handle.read(8)[4:] != MODEL_IDENTIFIER:
        raise ModelError(
            f"'{shown(path)}' is no TFLite model: expected '{MODEL_IDENTIFIER.decode()}' in its first eight bytes.",
            "Retrain it, or copy it again.",
        )
    try:
        with zipfile.ZipFile(handle) as archive:
            return archive.read(name)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, RuntimeError) as error:
        handle.seek(0)
        if name.encode("ascii") not in handle.read():
            return None
        raise ModelError(
            f"'{shown(path)}' is damaged or truncated: expected '{name}' in the archive at its end.",
            "Retrain it, or copy it again.",
        ) from error
