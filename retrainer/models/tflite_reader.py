"""What a `.tflite` says of itself, read without flatbuffers."""

import zipfile
from pathlib import Path

from retrainer.errors import ModelError
from retrainer.files import shown
from retrainer.models.metadata import METADATA_FILE, ModelMetadata

MODEL_IDENTIFIER = b"TFL3"


def metadata_of(path: str) -> ModelMetadata | None:
    """The metadata inside a `.tflite`, None where it carries none.

    Raises:
        ModelError: the file is no TFLite model, or is truncated.
    """
    try:
        with open(path, "rb") as handle:
            if handle.read(8)[4:] != MODEL_IDENTIFIER:
                raise ModelError(
                    f"'{shown(path)}' is no TFLite model: expected '{MODEL_IDENTIFIER.decode()}' in its first eight "
                    "bytes.",
                    "Retrain it, or copy it again.",
                )
            with zipfile.ZipFile(handle) as archive:
                document = archive.read(METADATA_FILE)
    except (zipfile.BadZipFile, KeyError, ValueError, RuntimeError) as error:
        if METADATA_FILE.encode("ascii") not in Path(path).read_bytes():
            return None
        raise ModelError(
            f"'{shown(path)}' is damaged or truncated: expected '{METADATA_FILE}' in the archive at its end.",
            "Retrain it, or copy it again.",
        ) from error
    except OSError as error:
        raise ModelError(f"'{shown(path)}' cannot be read: {error.strerror or error}.") from error
    return ModelMetadata.from_json(document, shown(path))
