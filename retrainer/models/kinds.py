"""Recognises files that are no models, by their content, and names the command that takes them."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from retrainer.errors import ModelError
from retrainer.system.files import open_regular
from retrainer.text import pasted, shown

_HEAD = 512
_TAR_MARK = slice(257, 262)
_FETCHED = "retrainer retrain --architecture {path} --image_dir PHOTOS"


def require_no_other_kind(path: str) -> None:
    """Raises ModelError if a folder or file is known to be something else than a frozen graph or a `.tflite`."""
    found = _kind_of(path)
    if found:
        kind, fix = found
        raise ModelError(
            f"--graph: expected a frozen graph (.pb) or a TFLite model (.tflite), '{shown(path)}' is {kind}.",
            fix.format(path=pasted(path), folder=pasted(os.path.dirname(os.path.abspath(path)))),
        )


def _kind_of(path: str) -> tuple[str, str] | None:
    """The kind of a folder or file, and what to do with it; None if it is a model or unknown."""
    if os.path.isdir(path):
        is_saved = (Path(path) / "saved_model.pb").is_file()
        return ("a SavedModel", f"It is a backbone to retrain: {_FETCHED}") if is_saved else None
    try:
        with open_regular(path) as handle:
            head = handle.read(_HEAD)
    except OSError:
        return None
    if head.startswith(b"PK\x03\x04"):
        return _archive(path)
    return next(((kind, fix) for is_it, kind, fix in _kinds(head) if is_it), None)


def _kinds(head: bytes) -> Iterator[tuple[bool, str, str]]:
    """For each kind: whether a file's first bytes show it, its name, and what to do with the file."""
    yield from ((head.startswith(mark), kind, fix) for mark, kind, fix in _MARKS)
    yield head[_TAR_MARK] == b"ustar", *_TAR
    # A SavedModel begins with schema_version 1 and a MetaGraphDef, ONNX with ir_version and its producer or opset.
    is_saved = head.startswith(b"\x08\x01\x12")
    yield is_saved, "the graph of a SavedModel", f"Name its folder: {_FETCHED.replace('{path}', '{folder}')}"
    is_onnx = head[:1] == b"\x08" and head[1:2] in _ONNX_VERSIONS and head[2:3] in _ONNX_FIELDS
    yield is_onnx, "an ONNX model", "Convert it to .tflite first, with a tool such as onnx2tf."


_ONNX_VERSIONS = [bytes([version]) for version in range(3, 21)]
_ONNX_FIELDS = [b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42"]
_TAR = ("an archive", f"If it holds a network, it is a backbone to retrain: {_FETCHED}")
_PYTORCH = ("a PyTorch file", "Export it to .tflite first, with a tool such as litert-torch.")
_SAVED_AGAIN = (
    "Save it in Keras by model.save('NAME.keras'), then: retrainer retrain --architecture NAME.keras --image_dir PHOTOS"
)
_MARKS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (.h5) such as Keras wrote", _SAVED_AGAIN),
    (b"\x1f\x8b", *_TAR),
    (b"BZh", *_TAR),
    (b"\xfd7zXZ\x00", *_TAR),
    (b"\x80\x02", *_PYTORCH),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first."),
)


def _archive(path: str) -> tuple[str, str]:
    """The kind of a ZIP archive, by the names in it, and what to do with it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return "a damaged ZIP archive", "Copy it again."
    if {"config.json", "model.weights.h5"} <= set(names):
        return "a Keras model (.keras)", f"It is a backbone to retrain: {_FETCHED}"
    if any(name.endswith("data.pkl") for name in names):
        return _PYTORCH
    return "a ZIP archive", "Unpack it first, and name the model in it."
