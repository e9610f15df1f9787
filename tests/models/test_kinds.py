"""Files that are given as --graph but are no models: the message names their kind and the command that takes them."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrainer import Labeler, LabelOptions
from retrainer.errors import ModelError, OptionError
from retrainer.inspection import inspect


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return content.getvalue()


def tarred(mode: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:  # type: ignore[call-overload]
        archive.addfile(tarfile.TarInfo("frozen_graph.pb"))
    return content.getvalue()


KINDS = {
    "Keras model": (
        zipped("config.json", "metadata.json", "model.weights.h5"),
        "retrain --architecture '?[^ ]*model.pb",
    ),
    "HDF5 file": (b"\x89HDF\r\n\x1a\n" + bytes(100), "retrain --architecture NAME.keras"),
    "ONNX model": (b"\x08\x08\x12\x07pytorch", "onnx2tf"),
    "graph of a SavedModel": (b"\x08\x01\x12\x05abcde", "retrain --architecture"),
    "PyTorch file": (zipped("archive/data.pkl", "archive/data/0"), "litert-torch"),
    "ZIP archive": (zipped("model.tflite"), "Unpack"),
    "damaged ZIP archive": (b"PK\x03\x04" + bytes(50), "Copy it again"),
    "an archive": (tarred("w:gz"), "retrain --architecture"),
    r"archive\.": (tarred("w"), "retrain --architecture"),
}


def labelled(path: str) -> Any:
    return Labeler(LabelOptions(graph=path))


@pytest.mark.parametrize("run", [labelled, inspect])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind_is_named_whatever_it_is_called(
    kind: str, run: Callable[[str], Any], tmp_path: Path
) -> None:
    content, fix = KINDS[kind]
    path = tmp_path / "model.pb"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"'{path}' is.*{kind}(.|\n)*\n.*{fix}"):
        run(str(path))


@pytest.mark.parametrize("run", [labelled, inspect])
def test_the_folder_of_a_saved_model_is_named(run: Callable[[str], Any], tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x05abcde")
    with pytest.raises(ModelError, match=rf"is a SavedModel\.\n.*retrainer retrain --architecture {tmp_path}"):
        run(str(tmp_path))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.pb")
    with pytest.raises(OptionError, match="received the pipe, socket or device"):
        labelled(str(tmp_path / "model.pb"))
