import hashlib
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from conftest import COLOURS, COLOURS_SIZE, Configure

from retrainer.backbones.available import find_bundle
from retrainer.backbones.bundle import read_bundle, write_bundle
from retrainer.backbones.networks.embedded import weights
from retrainer.errors import BackboneError, ModelError, OptionError
from retrainer.inspection import inspect
from retrainer.model_writer import ModelWriter
from retrainer.models.graph import graphdef
from retrainer.models.graph.wire import node_in, node_of
from retrainer.models.metadata import ModelMetadata
from retrainer.models.retrained import open_retrained
from retrainer.models.tflite import associated_files, heads
from retrainer.models.tflite.litert import Network
from retrainer.models.twins import twin_of, twins
from retrainer.training.head import Head, softmax
from retrainer.training.rejection import Rejection

LABELS = ("red", "grün", "日本語")


@pytest.fixture
def head() -> Head:
    return Head(np.eye(3, dtype=np.float32) * 5, np.array([0.1, 0.2, 0.3], np.float32))


@pytest.fixture
def metadata(head: Head) -> ModelMetadata:
    return ModelMetadata(
        LABELS, COLOURS_SIZE, 127.5, 127.5, "final_result", "squash-area-2", {"name": COLOURS}
    ).identified(head.tobytes())


@pytest.fixture
def model(model_dir: Path, head: Head, metadata: ModelMetadata, tmp_path: Path) -> Path:
    """A model and its twin."""
    bundle = find_bundle(COLOURS, str(model_dir))
    path = tmp_path / "model.pb"
    twin = heads.with_head(bundle.tflite_path, head, metadata)
    path.write_bytes(graphdef.with_head(bundle.graph_path, bundle.feature_node, head, metadata, twin=twin))
    path.with_suffix(".tflite").write_bytes(twin)
    return path


@pytest.fixture
def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).uniform(-1, 1, (COLOURS_SIZE, COLOURS_SIZE, 3)).astype(np.float32)


def test_the_twin_gives_the_scores_of_the_head(model: Path, head: Head, picture) -> None:  # type: ignore[no-untyped-def]
    network = Network(model.with_suffix(".tflite"))
    expected = softmax(head.logits(picture.mean(axis=(0, 1), keepdims=True).reshape(1, 3)))[0]
    assert (network.input_size, network.output_size) == (COLOURS_SIZE, 3)
    np.testing.assert_allclose(network.run(picture), expected, atol=1e-5)


def test_tensorflow_gives_the_same_scores_for_the_graph(model: Path, picture) -> None:  # type: ignore[no-untyped-def]
    _, twin, _ = open_retrained(str(model), "import/input", "final_result:0")
    model.with_suffix(".tflite").rename(model.parent / "twin.tflite")
    _, runner, _ = open_retrained(str(model), "", "")
    assert type(twin).__name__ == "Network"
    assert type(runner).__name__ == "IsolatedModel"
    np.testing.assert_allclose(runner.outputs(picture), twin.outputs(picture), atol=1e-5)


def test_both_carry_the_same_metadata(model: Path, metadata: ModelMetadata) -> None:
    assert graphdef.metadata_of(graphdef.read_graph(model), "") == metadata
    assert associated_files.metadata_of(str(model.with_suffix(".tflite"))) == metadata
    assert len(metadata.model_id) == 64


def test_the_id_changes_with_everything(metadata: ModelMetadata, head: Head) -> None:
    ids = {
        metadata.model_id,
        metadata.identified(b"other weights").model_id,
        replace(metadata, labels=("a", "b", "c")).identified(head.tobytes()).model_id,
        replace(metadata, mean=0.0).identified(head.tobytes()).model_id,
    }
    assert len(ids) == 4


def test_the_graphs_nodes_are_named_as_in_2017(model: Path) -> None:
    names = {node.name for node in graphdef.read_graph(model).node}
    assert {"input", "final_result", "final_training_ops/Wx_plus_b/add", "retrainer/metadata"} <= names
    assert {"final_training_ops/weights/final_weights", "final_training_ops/biases/final_biases"} <= names


def test_the_twin_is_a_zip_with_labels_and_metadata(model: Path, metadata: ModelMetadata) -> None:
    with zipfile.ZipFile(model.with_suffix(".tflite")) as archive:
        assert archive.namelist() == ["labels.txt", "retrainer.json"]
        assert archive.read("labels.txt").decode("utf-8").split("\n") == list(LABELS)


def vtable(table: "flatbuffers.table.Table", slot: int) -> int:
    """The offset of a field by its slot; 0 if it is absent."""
    offset = table.Offset(4 + 2 * slot)
    return table.Pos + offset if offset else 0


def child(table: "flatbuffers.table.Table", slot: int, number: int | None = None) -> "flatbuffers.table.Table":
    offset = vtable(table, slot)
    assert offset, f"slot {slot} is empty"
    if number is None:
        return flatbuffers.table.Table(table.Bytes, table.Indirect(offset))
    vector = table.Indirect(offset)
    return flatbuffers.table.Table(table.Bytes, table.Indirect(vector + 4 + 4 * number))


def text(table: "flatbuffers.table.Table", slot: int) -> str:
    return str(table.String(vtable(table, slot)).decode("utf-8"))


def test_tflite_metadata_says_what_mediapipe_asks_for(model: Path) -> None:
    """Reads the flatbuffer by the slots of metadata_schema.fbs, independently of the writer."""
    content = flatbuffer_utils.read_model_from_bytearray(model.with_suffix(".tflite").read_bytes())
    (entry,) = [m for m in content.metadata if m.name == b"TFLITE_METADATA"]
    data = bytearray(bytes(content.buffers[entry.buffer].data))
    assert data[4:8] == b"M001"
    root = flatbuffers.table.Table(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))
    graph = child(root, 3, 0)
    picture, scores = child(graph, 2, 0), child(graph, 3, 0)
    assert text(picture, 0) == "input"
    unit = child(picture, 4, 0)
    assert unit.Get(flatbuffers.number_types.Uint8Flags, vtable(unit, 0)) == 1  # NormalizationOptions
    normalisation = child(unit, 1)
    for slot in (0, 1):
        vector = normalisation.Indirect(vtable(normalisation, slot))
        assert normalisation.Get(flatbuffers.number_types.Float32Flags, vector + 4) == 127.5
    image = child(child(picture, 3), 1)
    assert image.Get(flatbuffers.number_types.Uint8Flags, vtable(image, 0)) == 1  # RGB
    labels = child(scores, 6, 0)
    assert text(labels, 0) == "labels.txt"
    assert labels.Get(flatbuffers.number_types.Uint8Flags, vtable(labels, 2)) == 2  # TENSOR_AXIS_LABELS
    assert text(child(root, 6, 0), 0) == "retrainer.json"


def test_the_twin_keeps_one_subgraph_with_a_batch_of_any_size(model: Path) -> None:
    content = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model.with_suffix(".tflite").read_bytes(), 0))
    (graph,) = content.subgraphs
    assert [list(graph.tensors[number].shapeSignature) for number in graph.outputs] == [[-1, 3]]


def test_a_twin_of_another_model_is_not_run(model: Path, model_dir: Path, metadata: ModelMetadata) -> None:
    other = Head(np.zeros((3, 3), np.float32), np.zeros(3, np.float32))
    bundle = find_bundle(COLOURS, str(model_dir))
    twin = heads.with_head(bundle.tflite_path, other, metadata.identified(other.tobytes()))
    model.with_suffix(".tflite").write_bytes(twin)
    assert type(open_retrained(str(model), "", "")[1]).__name__ == "IsolatedModel"
    model.with_suffix(".tflite").write_bytes(b"no model at all")
    assert type(open_retrained(str(model), "", "")[1]).__name__ == "IsolatedModel"


@pytest.mark.parametrize(
    ("given", "graph", "twin"),
    [
        ("a/g.pb", "a/g.pb", "a/g.tflite"),
        ("g.tflite", "g.pb", "g.tflite"),
        ("g", "g", "g.tflite"),
        ("g.x", "g.x", "g.x.tflite"),
    ],
)
def test_twins(given: str, graph: str, twin: str) -> None:
    assert twins(given) == (Path(graph), Path(twin))


@pytest.mark.parametrize("name", ["mean", "input", "retrainer/metadata", "final_training_ops/Wx_plus_b/add"])
def test_an_output_named_like_another_node_is_an_error(name: str, model_dir: Path) -> None:
    bundle = find_bundle(COLOURS, str(model_dir))
    graphdef.require_new_name(bundle.graph_path, "final_result")
    with pytest.raises(OptionError, match=f"received '{name}', which another node has"):
        graphdef.require_new_name(bundle.graph_path, name)


@pytest.mark.parametrize("suffix", [".pb", ".tflite"])
@pytest.mark.parametrize("cut", [0, 4, 100, -2000])
def test_a_truncated_model_is_an_error(model: Path, suffix: str, cut: int) -> None:
    path = model.with_suffix(suffix)
    path.write_bytes(path.read_bytes()[: max(cut, path.stat().st_size + cut) if cut < 0 else cut])
    if suffix == ".pb":
        model.with_suffix(".tflite").unlink()
    with pytest.raises(ModelError) as error:
        open_retrained(str(path), "", "")
    assert str(path) in str(error.value)


def test_a_missing_node_lists_the_candidates(model: Path) -> None:
    with pytest.raises(ModelError, match=r"expected a node 'Mul'(.|\n)*--input_layer; candidates: input"):
        open_retrained(str(model), "Mul", "")
    with pytest.raises(ModelError, match=r"expected a node 'softmax'(.|\n)*--output_layer; candidates: final_result"):
        open_retrained(str(model), "", "softmax")


def test_metadata_of_a_later_format_is_an_error() -> None:
    with pytest.raises(ModelError, match="format 3; expected at most 2"):
        ModelMetadata.from_json(b'{"format": 3}', "model.pb")
    with pytest.raises(ModelError, match="its metadata is damaged"):
        ModelMetadata.from_json(b"{", "model.pb")


def test_a_tflite_of_another_tool_has_no_metadata(model_dir: Path) -> None:
    assert associated_files.metadata_of(str(find_bundle(COLOURS, str(model_dir)).tflite_path)) is None


@pytest.mark.parametrize("cut", [1, 20, 400])
def test_a_twin_that_lost_its_end_is_damaged(model: Path, cut: int) -> None:
    twin = model.with_suffix(".tflite")
    twin.write_bytes(twin.read_bytes()[:-cut])
    with pytest.raises(ModelError, match=r"is damaged or truncated: expected ('retrainer.json'|the hash)"):
        open_retrained(str(twin), "", "")


def test_a_file_larger_than_any_model_is_not_read(model: Path) -> None:
    for path in (model.with_suffix(".tflite"), model):
        with path.open("r+b") as handle:
            handle.truncate(2**40)
        assert not twin_of(str(model))
        with pytest.raises(ModelError, match=r"larger than any model|is no frozen graph"):
            open_retrained(str(path), "", "")


def test_a_tflite_has_only_one_input_and_one_output(model: Path) -> None:
    twin = str(model.with_suffix(".tflite"))
    open_retrained(twin, "input", "final_result")
    with pytest.raises(OptionError, match="has only one input and one output"):
        open_retrained(twin, "Mul", "")


def test_the_embedded_bundle_reproduces_the_reference_features(shared: Path) -> None:
    bundle = weights()
    check = np.load(shared / "backbone" / "check.npz")
    network = Network(bundle.tflite_path)
    features = np.stack([network.run((p.astype(np.float32) - 127.5) / 127.5) for p in check["images"]])
    assert bundle.depth == network.output_size == 512
    np.testing.assert_allclose(features, check["features"], atol=1e-5)


def test_a_damaged_bundle_is_an_error(model_dir: Path, tmp_path: Path) -> None:
    whole = find_bundle(COLOURS, str(model_dir))
    written = write_bundle(tmp_path, whole, whole.tflite_path.read_bytes(), whole.graph_path.read_bytes())
    assert read_bundle(written.folder) == written
    written.tflite_path.write_bytes(written.tflite_path.read_bytes()[:-1])
    with pytest.raises(BackboneError, match=r"backbone.tflite' is damaged: its SHA-256 differs"):
        read_bundle(written.folder)
    (written.folder / "backbone.json").write_text("{}")
    with pytest.raises(BackboneError, match=r"cannot be read|has format None"):
        read_bundle(written.folder)


def test_a_node_is_found_in_a_graph_that_is_not_parsed() -> None:
    graph = graphdef.new_graph()
    for name in ("a", "retrainer/metadata", "x" * 100, "b"):
        graphdef.add_constant(graph, name, f"content of {name}".encode())
    content = graph.SerializeToString()
    for name in ("a", "retrainer/metadata", "x" * 100, "b"):
        node = node_of(content, name)
        assert node is not None
        assert f"content of {name}".encode() in node
    assert node_of(content, "retrainer") is None
    assert node_of(b"", "a") is None


@pytest.mark.parametrize(
    "damage",
    [lambda c: c[:-1], lambda c: c[:40], lambda c: c + b"\n", lambda c: c + b"\x0d123", lambda c: c + b"\xff" * 99],
)
def test_a_truncated_graph_has_no_nodes(damage) -> None:  # type: ignore[no-untyped-def]
    graph = graphdef.new_graph()
    graphdef.add_constant(graph, "a", b"content")
    graphdef.add_constant(graph, "b", b"content" * 20)
    assert node_of(damage(graph.SerializeToString()), "a") is None


@pytest.mark.parametrize("length", [1, 127, 128, 200, 256, 20_000])
def test_names_of_any_length_are_found(length: int, tmp_path: Path) -> None:
    graph = graphdef.new_graph()
    graphdef.add_constant(graph, "a" * length, b"content")
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.SerializeToString())
    assert node_in(path, "a" * length) is not None
    assert node_in(path, "a" * (length + 1)) is None
    with pytest.raises(OptionError, match="which another node has"):
        graphdef.require_new_name(path, "a" * length)
    graphdef.require_new_name(path, "b" * length)


def test_an_empty_file_holds_no_node(tmp_path: Path) -> None:
    (tmp_path / "graph.pb").touch()
    assert node_in(tmp_path / "graph.pb", "a") is None


@pytest.mark.parametrize("suffix", [".pb", ".tflite"])
def test_a_model_ends_with_the_hash_of_all_its_bytes(model: Path, suffix: str) -> None:
    content = model.with_suffix(suffix).read_bytes()
    assert content[-81:-64] == b"retrainer-sha256:"
    assert content[-64:].decode() == hashlib.sha256(content[:-64]).hexdigest()


@pytest.mark.parametrize("suffix", [".pb", ".tflite"])
def test_no_damage_goes_unnoticed(model: Path, suffix: str, picture) -> None:  # type: ignore[no-untyped-def]
    """Each damaged byte and each page of zeros is an error, never another answer."""
    path, other = model.with_suffix(suffix), model.with_suffix({".pb": ".tflite", ".tflite": ".pb"}[suffix])
    other.unlink()
    content = path.read_bytes()
    for place in range(0, len(content), 13):
        for damaged in (
            content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :],
            content[:place] + bytes(min(512, len(content) - place)) + content[place + 512 :],
            content[:place],
        ):
            path.write_bytes(damaged)
            with pytest.raises(ModelError, match=r"damaged|no TFLite model|is no frozen graph"):
                open_retrained(str(path), "", "")


def test_a_damaged_graph_is_run_through_its_whole_twin_or_not_at_all(model: Path, picture) -> None:  # type: ignore[no-untyped-def]
    right = open_retrained(str(model), "", "")[1].outputs(picture)[0]
    content = model.read_bytes()
    for place in range(0, len(content), 101):
        model.write_bytes(content[:place] + bytes(16) + content[place + 16 :])
        try:
            metadata, runner, _ = open_retrained(str(model), "", "")
        except ModelError:
            continue
        assert metadata.labels == LABELS
        np.testing.assert_array_equal(runner.outputs(picture)[0], right)


def forged(path: Path, head: Head, metadata: ModelMetadata, model_dir: Path) -> None:
    """Writes an undamaged model with the id of another one."""
    bundle = find_bundle(COLOURS, str(model_dir))
    path.write_bytes(heads.with_head(bundle.tflite_path, head, metadata))


def test_a_twin_that_only_has_the_id_is_not_run(
    model: Path, head: Head, metadata: ModelMetadata, model_dir: Path
) -> None:
    twin = model.with_suffix(".tflite")
    whole = twin.read_bytes()
    assert twin_of(str(model)) == whole
    forged(twin, Head(head.weights[::-1].copy(), head.biases), metadata, model_dir)
    assert not twin_of(str(model))
    forged(twin, head, replace(metadata, labels=LABELS[::-1]), model_dir)
    assert not twin_of(str(model))
    twin.write_bytes(whole[:100] + b"x" + whole[101:])
    assert not twin_of(str(model))
    assert type(open_retrained(str(model), "", "")[1]).__name__ == "IsolatedModel"


def test_a_twin_that_is_no_file_is_not_waited_for(model: Path) -> None:
    twin = model.with_suffix(".tflite")
    twin.unlink()
    os.mkfifo(twin)
    assert not twin_of(str(model))
    assert inspect(str(model)).twin == ""
    twin.unlink()
    twin.mkdir()
    assert not twin_of(str(model))
    twin.rmdir()
    twin.symlink_to(twin.name)
    assert not twin_of(str(model))


def test_a_graph_that_is_no_file_is_not_waited_for(model: Path) -> None:
    assert inspect(str(model.with_suffix(".tflite"))).twin == str(model)
    model.unlink()
    os.mkfifo(model)
    assert inspect(str(model.with_suffix(".tflite"))).twin == ""


def test_a_model_of_the_first_format_has_no_hash_and_still_opens(
    model: Path, metadata: ModelMetadata, monkeypatch: pytest.MonkeyPatch, head: Head, model_dir: Path
) -> None:
    picture = np.full((COLOURS_SIZE, COLOURS_SIZE, 3), 0.5, np.float32)
    right = open_retrained(str(model), "", "")[1].outputs(picture)[0]
    bundle = find_bundle(COLOURS, str(model_dir))
    document = json.loads(replace(metadata, format=1).to_json())
    del document["retrainer"]
    monkeypatch.setattr(ModelMetadata, "to_bytes", lambda self: json.dumps(document).encode())
    for module in (graphdef, heads):
        monkeypatch.setattr(module, "UNSEALED", b"")
        monkeypatch.setattr(module, "sealed", lambda *parts: b"".join(parts))
    model.write_bytes(graphdef.with_head(bundle.graph_path, bundle.feature_node, head, metadata))
    model.with_suffix(".tflite").write_bytes(heads.with_head(bundle.tflite_path, head, metadata))
    for path, kind in ((model, "IsolatedModel"), (model.with_suffix(".tflite"), "Network")):
        found, runner, _ = open_retrained(str(path), "", "")
        assert (found.labels, found.format, found.retrainer) == (LABELS, 1, "an earlier version")
        assert type(runner).__name__ == kind
        np.testing.assert_allclose(runner.outputs(picture)[0], right, atol=1e-5)


def test_what_litert_cannot_run_is_an_error_of_one_line(model: Path) -> None:
    _, runner, _ = open_retrained(str(model), "", "")
    with pytest.raises(ModelError, match=r"model.pb' cannot be run by LiteRT: ") as error:
        runner.outputs(np.zeros((COLOURS_SIZE + 1, COLOURS_SIZE, 3), np.float32))
    assert "\n" not in str(error.value)


def test_models_that_differ_in_prototypes_only_have_other_ids(
    model_dir: Path, head: Head, configured: Configure, tmp_path: Path
) -> None:
    options = configured(tmp_path)
    writer = ModelWriter(options.output, find_bundle(COLOURS, str(model_dir)), LABELS, {}, {})
    ids = set()
    for first in (1.0, 0.5):
        prototypes = np.array([[first, 0, 0], [0, 1, 0]], np.float16)
        written = writer.write(head, Rejection(prototypes, 0.1), {})
        metadata = graphdef.read_model(written.files["pb"])[1]
        assert metadata is not None
        ids.add(metadata.model_id)
    assert len(ids) == 2
