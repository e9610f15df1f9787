"""A head in front of a backbone is what the parser and the packer of TFLite's schema make of the two."""

import contextlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import COLOURS, COLOURS_SIZE
from hypothesis import given
from hypothesis import strategies as st

from retrainer.backbones.available import find_bundle
from retrainer.backbones.networks.embedded import weights
from retrainer.errors import ModelError
from retrainer.models.metadata import ModelMetadata
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.heads import head_of, with_head
from retrainer.models.tflite.sizes import sizes_of
from retrainer.models.tflite.table_reader import TableReader
from retrainer.models.tflite.tflite_metadata import METADATA_BUFFER, packed_metadata
from retrainer.training.head import Head

LABELS = ("red", "grün", "日本語", "other")


def head_for(depth: int) -> Head:
    generator = np.random.default_rng(0)
    return Head(
        generator.standard_normal((depth, len(LABELS))).astype(np.float32),
        generator.standard_normal(len(LABELS)).astype(np.float32),
    )


def metadata_for(head: Head) -> ModelMetadata:
    return ModelMetadata(LABELS, COLOURS_SIZE, 127.5, 127.5, "final_résult", "squash-area-2").identified(head.tobytes())


def by_the_schema(backbone: Path, head: Head, metadata: ModelMetadata) -> bytes:
    """The same model, by parsing and packing the backbone."""
    builder = TFLiteBuilder.opened(backbone)
    (features,) = builder.graph.outputs
    constants = [
        builder.add_constant("final_weights", np.ascontiguousarray(head.weights.T)),
        builder.add_constant("final_biases", head.biases),
    ]
    logits, scores = (builder.add_tensor(name, (1, len(LABELS))) for name in ("final_logits", metadata.output_node))
    builder.add_operator("FULLY_CONNECTED", (features, *constants), (logits,), schema.FullyConnectedOptionsT())
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    builder.add_operator("SOFTMAX", (logits,), (scores,), softmax)
    builder.graph.outputs, builder.model.signatureDefs = [scores], None
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA_BUFFER, builder.add_buffer(packed_metadata(metadata))
    builder.model.metadata = [m for m in builder.model.metadata or [] if m.name != METADATA_BUFFER.encode()] + [entry]
    return builder.packed()


def plain(value: Any) -> Any:
    """A parsed model as lists and dictionaries, which can be compared."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in vars(value).items()} if hasattr(value, "__dict__") else value


def parsed(content: bytes) -> Any:
    return plain(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)))


@pytest.fixture
def unusual(tmp_path: Path) -> Path:
    """A backbone with both kinds of operators, metadata, a signature, a second graph and a length of its own."""
    builder = TFLiteBuilder.empty()
    picture, features = builder.add_tensor("picture", (1, 1, 1, 3)), builder.add_tensor("features", (1, 3))
    matrix = builder.add_constant("matrix", np.eye(3, dtype=np.float32))
    builder.add_operator("SOFTMAX", (picture,), (picture,), schema.SoftmaxOptionsT())
    builder.add_operator("FULLY_CONNECTED", (picture, matrix), (features,), schema.FullyConnectedOptionsT())
    builder.graph.inputs, builder.graph.outputs = [picture], [features]
    for name in (METADATA_BUFFER, "min_runtime_version"):
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, builder.add_buffer(b"1.5.0")
        builder.model.metadata.append(entry)
    second, signature = schema.SubGraphT(), schema.SignatureDefT()
    second.name, second.tensors, second.operators, second.inputs, second.outputs = "second", [], [], [], []
    signature.signatureKey, signature.inputs, signature.outputs = "serving_default", [], []
    builder.model.subgraphs.append(second)
    builder.model.signatureDefs, builder.model.metadataBuffer = [signature], [1]
    path = tmp_path / "backbone.tflite"
    path.write_bytes(builder.packed() + b"odd")
    return path


@pytest.mark.parametrize("name", ["unusual", COLOURS, "embedded"])
def test_the_head_is_what_the_schema_makes_of_it(name: str, model_dir: Path, unusual: Path) -> None:
    bundles = {COLOURS: find_bundle(COLOURS, str(model_dir)), "embedded": weights()}
    backbone, depth = (bundles[name].tflite_path, bundles[name].depth) if name in bundles else (unusual, 3)
    head = head_for(depth)
    model = with_head(backbone, head, metadata_for(head))
    assert parsed(model) == parsed(by_the_schema(backbone, head, metadata_for(head)))
    assert model == with_head(backbone, head, metadata_for(head))
    found = head_of(model)
    np.testing.assert_array_equal(found.weights, head.weights)
    np.testing.assert_array_equal(found.biases, head.biases)
    assert sizes_of(model, "")[1] == len(LABELS)


def test_contents_of_tensors_are_aligned(unusual: Path) -> None:
    head, own = head_for(3), unusual.read_bytes()
    model = with_head(unusual, head, metadata_for(head))
    assert model.index(own) % 16 == 0
    assert model.index(np.ascontiguousarray(head.weights.T).tobytes()) % 16 == 0
    assert model.index(head.biases.tobytes()) % 16 == 0


@pytest.mark.parametrize("content", [b"", b"TFL3", bytes(100), b"\x10\0\0\0TFL3" + b"\xff" * 100])
def test_a_damaged_backbone_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "backbone.tflite").write_bytes(content)
    with pytest.raises(ModelError, match=r"backbone\.tflite' is damaged or truncated"):
        with_head(tmp_path / "backbone.tflite", head_for(3), metadata_for(head_for(3)))


@pytest.mark.parametrize("word", [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"])
def test_no_number_of_a_backbone_leads_out_of_it(word: bytes, unusual: Path) -> None:
    content, head, damaged = unusual.read_bytes(), head_for(3), 0
    for position in range(0, len(content) - 4, 4):
        unusual.write_bytes(content[:position] + word + content[position + 4 :])
        try:
            with_head(unusual, head, metadata_for(head))
        except ModelError:
            damaged += 1
    assert damaged > 10


def test_a_text_that_is_cut_off_is_damage() -> None:
    table = struct.pack("<HHHHiI", 6, 8, 4, 0, 8, 4)
    model = TableReader(table + struct.pack("<I", 9) + b"short")
    with pytest.raises(struct.error):
        model.bytes_in(8, 0)


@given(st.data())
def test_damage_is_an_error_or_harmless(data: st.DataObject) -> None:
    builder = TFLiteBuilder.empty()
    features, scores = builder.add_tensor("features", (1, 3)), builder.add_tensor("scores", (1, 2))
    constants = (
        builder.add_constant("w", np.ones((2, 3), np.float32)),
        builder.add_constant("b", np.ones(2, np.float32)),
    )
    builder.add_operator("FULLY_CONNECTED", (features, *constants), (scores,), schema.FullyConnectedOptionsT())
    builder.graph.inputs, builder.graph.outputs = [features], [scores]
    content = bytearray(builder.packed())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ModelError):
        head_of(bytes(content))
    with contextlib.suppress(ModelError):
        sizes_of(bytes(content), "damaged.tflite")
