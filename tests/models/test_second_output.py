"""The features as a second output, by changing bytes, are what the parser of TFLite's schema makes of a model."""

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import Configure, Photos
from hypothesis import given
from hypothesis import strategies as st

from retrainer import retrain
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.second_output import changes_for_features


def changed(model: bytes) -> bytes:
    content = bytearray(model)
    for position, new in changes_for_features(model):
        content[position : position + len(new)] = new
    return bytes(content)


def small_model(name: str, *, with_head: bool = True) -> bytes:
    builder = TFLiteBuilder.empty()
    features, scores = builder.add_tensor(name, (1, 3)), builder.add_tensor("scores", (1, 2))
    if with_head:
        weights = builder.add_constant("w", np.ones((2, 3), np.float32))
        builder.add_operator("FULLY_CONNECTED", (features, weights), (scores,), schema.FullyConnectedOptionsT())
    softmax = builder.add_tensor("softmax", (1, 2))
    builder.add_operator("SOFTMAX", (scores,), (softmax,), schema.SoftmaxOptionsT())
    builder.graph.inputs, builder.graph.outputs = [features], [softmax]
    return builder.packed()


def test_a_model_of_ours_gets_its_features_as_a_second_output(photos: Photos, configured: Configure) -> None:
    model = Path(retrain(configured(photos())).tflite).read_bytes()
    before, after = (TFLiteBuilder.parsed(content).graph for content in (model, changed(model)))
    assert [after.tensors[number].name for number in after.outputs] == [b"final_result", b"mean"]
    assert len(after.operators) == len(before.operators)


@pytest.mark.parametrize("name", ["f", "fe", "fea", "feat"])
@pytest.mark.parametrize("files", [b"", b"\0", b"PK", b"PK\3"])
def test_the_new_list_is_aligned_whatever_the_length(name: str, files: bytes) -> None:
    graph = TFLiteBuilder.parsed(changed(small_model(name) + files)).graph
    assert list(graph.outputs) == [3, 0]


def test_a_model_without_a_head_is_refused() -> None:
    with pytest.raises(ValueError, match="a model with a head"):
        changes_for_features(small_model("f", with_head=False))


MODEL = small_model("f")


@given(st.lists(st.tuples(st.integers(0, len(MODEL) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damage_is_an_error_or_harmless(damage: list[tuple[int, int]]) -> None:
    content = bytearray(MODEL)
    for position, value in damage:
        content[position] = value
    with contextlib.suppress(struct.error, ValueError, IndexError):
        changes_for_features(bytes(content))
