"""Documents that lie: what a model or a bundle says of itself is held against a table before it is believed."""

import io
import json
import os
import random
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS, COLOURS_SIZE, jpeg

from retrainer.backbones.available import find_bundle
from retrainer.backbones.backbone import Backbone
from retrainer.backbones.bundle_check import require_agreeing
from retrainer.backbones.making import bundle_of
from retrainer.backbones.resolving import resolve
from retrainer.errors import BackboneError, ModelError
from retrainer.events import silent
from retrainer.inspection import inspect
from retrainer.labeler import Labeler
from retrainer.models.graph import graphdef
from retrainer.models.metadata import ModelMetadata
from retrainer.models.retrained import open_retrained
from retrainer.models.seal import UNSEALED, sealed
from retrainer.models.tflite import heads
from retrainer.options.backbone import BundleOptions
from retrainer.options.model import LabelOptions
from retrainer.system.documents import read_document
from retrainer.training.head import Head
from retrainer.training.rejection import Prototypes

HEAD = Head(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
NAN, INF = float("nan"), float("inf")


@pytest.fixture
def metadata() -> ModelMetadata:
    split = {
        "image_dir": "photos",
        "split_by": "content",
        "validation_percentage": 10,
        "testing_percentage": 10,
        "seed": 0,
        "moved": {"0123456789abcdef": 2},
        "trained": "YWJjZGU=",
    }
    return ModelMetadata(
        ("a", "b", "c"),
        COLOURS_SIZE,
        127.5,
        127.5,
        "final_result",
        "squash-area-2",
        backbone={"name": COLOURS, "source": "a test", "licence": "", "sha256": "0" * 64},
        rejection={"threshold": 0.3, "kept": 0.95},
        split=split,
        training={"solver": "lbfgs", "test_accuracy": None, "photos": 3},
    ).identified(HEAD.tobytes())


def changed(metadata: ModelMetadata, name: str, value: Any) -> bytes:
    """The document with another value; a name with a point is that of a field in a section."""
    document = json.loads(metadata.to_bytes())
    section, _, key = name.rpartition(".")
    (document[section] if section else document)[key] = value
    return json.dumps(document).encode()


def test_what_is_written_is_read(metadata: ModelMetadata) -> None:
    assert ModelMetadata.from_json(metadata.to_bytes(), "m.pb") == metadata
    odd = replace(metadata, split={**metadata.split, "image_dir": "caf\udce9"})
    assert ModelMetadata.from_json(odd.to_bytes(), "m.pb") == odd
    bare = replace(metadata, backbone={"name": "x"}, rejection={}, split={}, training={})
    assert ModelMetadata.from_json(bare.to_bytes(), "m.pb") == bare


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("format", [None, True, 1.0, "2", 0, -1, 3, 10**400, []]),
        ("labels", [None, "abc", [], [1], ["a", "a"], ["a", ""], ["\x1b[31m"], ["\ud800"], ["x" * 1001], {"a": 1}]),
        ("labels", [["a", " "], ["\u202ea"], ["a\nb"], [["a"]], [None], ["a"] * 100_001]),
        ("input_size", [None, True, 0, -1, 8.0, 4097, 2**70, "8", NAN]),
        ("mean", [None, True, "0", NAN, INF, -INF, 1e308, 10**400, []]),
        ("std", [None, 0, -127.5, 1e-300, NAN, INF, "1"]),
        ("output_node", [None, "", 3, "\x1b]0;x\x07", "x" * 20_000]),
        ("resize", [None, "", 1, "\x1b[0m"]),
        ("retrainer", [None, 1, "\x9b31m"]),
        ("model_id", [None, "", "0" * 63, "G" * 64, 5]),
        ("backbone", [None, [], "pocket", 1, {"name": 1}, {"source": "x"}, {"name": "x", "other": 1}]),
        ("backbone.sha256", [None, "", "0" * 65]),
        ("rejection", [None, [], 1, {"threshold": 0.1}, {"kept": 0.95}]),
        ("rejection.threshold", [None, True, "1", NAN, INF, -1e9, 3, 10**400]),
        ("split", [None, [], "x", {"seed": 0}]),
        ("split.image_dir", [None, 3, "", "a\0b"]),
        ("split.split_by", [None, "name", 1]),
        ("split.seed", [None, -1, 0.5, True, 2**63]),
        ("split.testing_percentage", [None, -1, 101, 10.0]),
        ("split.moved", [None, [], {"zz": 1}, {"f" * 40: 1}, {"0" * 16: "x"}, {"0" * 16: 3}, {"0" * 16: True}]),
        ("split.trained", [None, "!!!!", "QUJD", "a", 3]),
        ("split.tested", [1, "!", []]),
        ("split.other", [1]),
        ("training.photos", [None, "3", -1, 0.5]),
        ("training.test_accuracy", ["0.5", 2, True]),
        ("training", [None, [], 1, {"\x1b": 1}, {"a": NAN}, {"a": [[[[[[1]]]]]]}, {"a": "x" * 10**5}]),
        ("other", [1]),
        ("\x1b[31m", [1]),
    ],
)
def test_each_field_is_held_against_the_table(metadata: ModelMetadata, name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ModelError) as error:
            ModelMetadata.from_json(changed(metadata, name, value), "m.pb")
        assert str(error.value).replace("\n", "").isprintable()
        assert len(error.value.problem) < 400


def test_an_error_names_the_field_what_was_expected_and_what_was_received(metadata: ModelMetadata) -> None:
    with pytest.raises(ModelError, match=r"its 'rejection.threshold' is not as expected: a number .*, received 'high'"):
        ModelMetadata.from_json(changed(metadata, "rejection.threshold", "high"), "m.pb")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"\x00\x01",
        b"\xff\xfe{}",
        "{}".encode("utf-16"),
        b'{"format": 2, "labels": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"format": ' + b"9" * 10_000 + b"}",
        b'{"format": 1e999}',
        b'{"format": 2, "format": 2}',
        b'{"training": {"a": 1, "a": 1}}',
        b" " * (2**24 + 1),
    ],
)
def test_what_is_no_such_document_is_one_line(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"m\.pb': its metadata is damaged: ") as error:
        ModelMetadata.from_json(content, "m.pb")
    assert "\n" not in error.value.problem


def test_a_missing_field_is_named(metadata: ModelMetadata) -> None:
    document = json.loads(metadata.to_bytes())
    for name in document:
        with pytest.raises(ModelError, match=f"its '{name}' is not as expected: .*received nothing"):
            ModelMetadata.from_json(json.dumps({k: v for k, v in document.items() if k != name}).encode(), "m.pb")


def test_no_change_of_a_document_is_more_than_an_error(metadata: ModelMetadata) -> None:
    """A few thousand documents, each with some bytes changed."""
    generator = random.Random(0)
    content = metadata.to_bytes()
    for _ in range(3000):
        damaged = bytearray(content)
        for _ in range(generator.randint(1, 3)):
            place, length = generator.randrange(len(damaged)), generator.randint(0, 4)
            damaged[place : place + length] = generator.randbytes(generator.randint(0, 4))
        try:
            read = ModelMetadata.from_json(bytes(damaged), "m.pb")
        except ModelError:
            continue
        assert ModelMetadata.from_json(read.to_bytes(), "m.pb") == read


def written(
    path: Path, metadata: ModelMetadata, model_dir: Path, prototypes: Prototypes | None = None
) -> tuple[str, str]:
    """A whole model and its twin, sealed as a liar would seal them."""
    bundle = find_bundle(COLOURS, str(model_dir))
    twin = heads.with_head(bundle.tflite_path, HEAD, metadata, prototypes)
    path.with_suffix(".tflite").write_bytes(twin)
    path.write_bytes(graphdef.with_head(bundle.graph_path, bundle.feature_node, HEAD, metadata, prototypes))
    return str(path), str(path.with_suffix(".tflite"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": tuple(f"label {number}" for number in range(3000))}, "its 'labels' is not as expected: 3, as"),
        ({"labels": ("a", "b")}, "its 'labels' is not as expected: 3, as its network has, received 2"),
        ({"input_size": 32}, "its 'input_size' is not as expected: 8, as its network has, received 32"),
    ],
)
def test_metadata_that_does_not_fit_its_network_is_refused(
    change: dict[str, Any], message: str, metadata: ModelMetadata, model_dir: Path, tmp_path: Path
) -> None:
    for path in written(tmp_path / "m.pb", replace(metadata, **change), model_dir):
        for look in (lambda path: open_retrained(path, "", ""), inspect):
            with pytest.raises(ModelError, match=message):
                look(path)


@pytest.mark.parametrize(
    "prototypes",
    [np.ones((2, 4), np.float16), np.full((2, 3), np.nan, np.float16), np.ones((0, 3), np.float16)],
)
def test_prototypes_that_do_not_fit_are_refused(
    prototypes: Prototypes, metadata: ModelMetadata, model_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg((1, 2, 3)))
    for path in written(tmp_path / "m.pb", metadata, model_dir, prototypes):
        with pytest.raises(ModelError, match=r"--reject"):
            Labeler(LabelOptions(graph=path, reject=True))(str(tmp_path / "a.jpg"))


def archived(content: bytes, files: dict[str, bytes], compression: int) -> bytes:
    """A `.tflite` with another archive, sealed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = min(info.header_offset for info in archive.infolist())
    made = io.BytesIO()
    made.write(content[:start])
    with zipfile.ZipFile(made, "a", compression) as archive:
        for name, file in files.items():
            archive.writestr(name, file)
        archive.comment = UNSEALED
    return sealed(made.getvalue())


def test_an_archive_is_not_unpacked_beyond_its_limit(metadata: ModelMetadata, model_dir: Path, tmp_path: Path) -> None:
    _, path = written(tmp_path / "m.pb", metadata, model_dir)
    content, document = Path(path).read_bytes(), metadata.to_bytes()
    Path(path).write_bytes(archived(content, {"retrainer.json": document}, zipfile.ZIP_DEFLATED))
    assert open_retrained(path, "", "")[0] == metadata
    for file, compression in (
        (document + b" " * 2**24, zipfile.ZIP_DEFLATED),
        (document + b" " * 2**24, zipfile.ZIP_STORED),
        (document, zipfile.ZIP_BZIP2),
        (document, zipfile.ZIP_LZMA),
    ):
        Path(path).write_bytes(archived(content, {"retrainer.json": file}, compression))
        with pytest.raises(ModelError, match="is damaged"):
            open_retrained(path, "", "")


def test_a_bundle_whose_description_does_not_fit_its_networks_is_refused(model_dir: Path) -> None:
    bundle = find_bundle(COLOURS, str(model_dir))
    require_agreeing(bundle)
    changes: list[dict[str, Any]] = [{"depth": 4}, {"input_size": 16}, {"map_tensor": "x"}]
    for change in [*changes, {"feature_node": "input"}, {"feature_node": "nothing"}]:
        (name,) = change
        with pytest.raises(BackboneError, match=f"its '{name}' is not as expected: .*, as its network has, received"):
            require_agreeing(replace(bundle, **change))


def test_numbers_and_names_are_stated_once() -> None:
    assert read_document(b'{"a": {"b": 1}, "b": 1e5}') == {"a": {"b": 1}, "b": 1e5}
    for content, message in (
        (b'{"a": 1, "b": 2, "a": 1}', "its 'a' is stated twice"),
        (b'{"a": -Infinity}', "expected numbers, received -Infinity"),
        (b"3", "expected an object, received 3"),
    ):
        with pytest.raises(ValueError, match=message):
            read_document(content)


def test_a_description_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    options = BundleOptions(model_dir=str(tmp_path))
    (tmp_path / "x").mkdir()
    description = tmp_path / "x" / "backbone.json"
    for make in (os.mkfifo, os.mkdir, lambda path: path.symlink_to(path.name)):
        make(description)
        source = resolve("x", options) if description.exists() else Backbone("x")
        with pytest.raises(BackboneError, match=r"The bundle '.*' cannot be read"):
            bundle_of(source, options, lambda size, count: [], silent)
        description.rmdir() if description.is_dir() else description.unlink()
    with pytest.raises(BackboneError, match=r"The bundle '.*' cannot be read"):
        bundle_of(Backbone("x"), options, lambda size, count: [], silent)
