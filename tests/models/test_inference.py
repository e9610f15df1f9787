"""Graphs of the 2017 scripts and of other tools, and the commands that look into models."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import COLOURS, COLOURS_SIZE, SHARED, Command, Configure, Photos, jpeg
from PIL import Image
from tensorboard.compat.proto import types_pb2

from retrainer import Labeler, LabelOptions, retrain
from retrainer.backbones.available import find_bundle
from retrainer.errors import ModelError, OptionError
from retrainer.evaluation import evaluate
from retrainer.events import silent
from retrainer.inspection import graph_to_tensorboard, inspect
from retrainer.models.graph import graphdef
from retrainer.models.graph.inference import infer
from retrainer.models.inferred import Inferred
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.observers.tensorboard import TensorBoard
from retrainer.options.model import EvaluateOptions

SIZE = COLOURS_SIZE


def foreign_graph(
    input_node: str, output_node: str, shape: tuple[int, ...] = (-1, SIZE, SIZE, 3), prefix: str = ""
) -> object:
    """The softmax of ten times the mean colour, with nodes of these names."""
    graph = graphdef.new_graph()
    float_type = types_pb2.DT_FLOAT
    graphdef.add_placeholder(graph, input_node, shape)
    axes = graphdef.add_constant(graph, f"{prefix}axes", np.array([1, 2], np.int32))
    ten = graphdef.add_constant(graph, f"{prefix}ten", np.array(10.0, np.float32))
    mean = graphdef.add_node(
        graph, "Mean", f"{prefix}mean", (input_node, axes), T=float_type, Tidx=types_pb2.DT_INT32, keep_dims=False
    )
    product = graphdef.add_node(graph, "Mul", f"{prefix}product", (mean, ten), T=float_type)
    graphdef.add_node(graph, "Softmax", output_node, (product,), T=float_type)
    return graph


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    return tmp_path / "labels.txt"


def saved(graph: object, path: Path) -> Path:
    path.write_bytes(graph.SerializeToString())  # type: ignore[attr-defined]
    return path


@pytest.mark.parametrize(
    ("graph", "inferred"),
    [
        (foreign_graph("input", "final_result"), Inferred("input", "final_result", SIZE, 128, 128)),
        (foreign_graph("Placeholder", "scores"), Inferred("Placeholder", "scores", SIZE, 128, 128)),
        (
            foreign_graph("Placeholder", "final_result", prefix="module_apply_default/"),
            Inferred("Placeholder", "final_result", SIZE, 0, 255),
        ),
        (foreign_graph("image", "out/Softmax", (-1, -1, -1, 3)), Inferred("image", "out/Softmax", 0, 128, 128)),
    ],
)
def test_nodes_size_and_range_are_inferred(graph: object, inferred: Inferred) -> None:
    assert infer(graph) == inferred


def test_the_inception_graph_of_2017_is_fed_behind_its_decoder(tmp_path: Path, labels: Path) -> None:
    float_type = types_pb2.DT_FLOAT
    graph = graphdef.new_graph()
    graphdef.add_placeholder(graph, "keep_prob", ())
    graphdef.add_constant(graph, "DecodeJpeg", np.zeros((1, 299, 299, 3), np.float32))
    one = graphdef.add_constant(graph, "one", np.array(1.0, np.float32))
    graphdef.add_node(graph, "Mul", "Mul", ("DecodeJpeg", one), T=float_type)
    axes = graphdef.add_constant(graph, "axes", np.array([1, 2], np.int32))
    graphdef.add_node(graph, "Mean", "mean", ("Mul", axes), T=float_type, Tidx=types_pb2.DT_INT32, keep_dims=False)
    graphdef.add_node(graph, "Softmax", "final_result", ("mean",), T=float_type)
    before = graph.SerializeToString(deterministic=True)
    assert infer(graph) == Inferred("Mul", "final_result", 299, 128, 128)
    assert graph.SerializeToString(deterministic=True) == before
    path = saved(graph, tmp_path / "inception.pb")
    (tmp_path / "photo.jpg").write_bytes(jpeg((20, 20, 230)))
    ranking = Labeler(LabelOptions(graph=str(path), labels=str(labels)))(str(tmp_path / "photo.jpg")).ranking
    assert ranking[0][0] == "blue"


def test_a_placeholder_without_a_shape_may_take_pictures() -> None:
    graph = foreign_graph("images", "scores")
    node = next(n for n in graph.node if n.name == "images")  # type: ignore[attr-defined]
    del node.attr["shape"]
    assert infer(graph) == Inferred("images", "scores", 0, 128, 128)


def test_given_nodes_are_not_inferred() -> None:
    inferred = infer(foreign_graph("a", "b"), "other", "another")
    assert (inferred.input_node, inferred.output_node) == ("other", "another")


def test_foreign_graphs_are_labelled_with(tmp_path: Path, labels: Path) -> None:
    graph = saved(foreign_graph("Placeholder", "scores"), tmp_path / "foreign.pb")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg((20, 200, 20)))
    ranking = Labeler(LabelOptions(graph=str(graph), labels=str(labels)))(str(photo)).ranking
    assert ranking[0][0] == "green"
    flat = LabelOptions(graph=str(graph), labels=str(labels), input_mean=0.0, input_std=1e6)
    assert Labeler(flat)(str(photo)).ranking[0][1] == pytest.approx(1 / 3, abs=0.01)


def test_a_graph_of_any_size_takes_the_size_that_is_given(tmp_path: Path, labels: Path) -> None:
    graph = saved(foreign_graph("image", "out", (-1, -1, -1, 3)), tmp_path / "foreign.pb")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg((20, 20, 200)))
    options = LabelOptions(graph=str(graph), labels=str(labels), input_height=32, input_width=32)
    assert Labeler(options)(str(photo)).ranking[0][0] == "blue"


def graph_of_bytes() -> object:
    """Takes uint8 pixels and scores them by their mean colour / 25.5."""
    graph = graphdef.new_graph()
    node = graph.node.add(op="Placeholder", name="pixels")
    node.attr["dtype"].type = types_pb2.DT_UINT8
    for size in (-1, SIZE, SIZE, 3):
        node.attr["shape"].shape.dim.add(size=size)
    cast = graph.node.add(op="Cast", name="cast", input=["pixels"])
    cast.attr["SrcT"].type, cast.attr["DstT"].type = types_pb2.DT_UINT8, types_pb2.DT_FLOAT
    axes = graphdef.add_constant(graph, "axes", np.array([1, 2], np.int32))
    tenth = graphdef.add_constant(graph, "tenth", np.array(1 / 25.5, np.float32))
    float_type, int_type = types_pb2.DT_FLOAT, types_pb2.DT_INT32
    graphdef.add_node(graph, "Mean", "mean", ("cast", axes), T=float_type, Tidx=int_type, keep_dims=False)
    graphdef.add_node(graph, "Mul", "product", ("mean", tenth), T=float_type)
    graphdef.add_node(graph, "Softmax", "scores", ("product",), T=float_type)
    return graph


def test_a_graph_of_bytes_gets_pixels(tmp_path: Path, labels: Path) -> None:
    graph = saved(graph_of_bytes(), tmp_path / "bytes.pb")
    assert infer(graph_of_bytes()) == Inferred("pixels", "scores", SIZE, 0, 1)
    (tmp_path / "photo.png").write_bytes(png((0, 51, 102)))
    scores = Labeler(LabelOptions(graph=str(graph), labels=str(labels))).scores(png((0, 51, 102)))
    np.testing.assert_allclose(scores, np.exp([0, 2, 4]) / np.exp([0, 2, 4]).sum(), atol=1e-4)


def png(colour: tuple[int, int, int]) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (SIZE, SIZE), colour).save(content, "PNG")
    return content.getvalue()


def test_the_placeholder_of_pictures_is_found_among_others() -> None:
    graph = foreign_graph("images", "scores")
    scalar = graphdef.new_graph()
    graphdef.add_placeholder(scalar, "keep_prob", ())
    scalar.node.extend(graph.node)  # type: ignore[attr-defined]
    assert infer(scalar).input_node == "images"
    for node in scalar.node:
        if node.name == "images":
            node.op = "PlaceholderWithDefault"
    assert infer(scalar).input_node == "images"


def test_a_missing_node_lists_the_candidates(tmp_path: Path, labels: Path) -> None:
    graph = saved(foreign_graph("Placeholder", "scores"), tmp_path / "foreign.pb")
    with pytest.raises(ModelError, match=r"expected a node 'Mul'(.|\n)*--input_layer; candidates: Placeholder"):
        Labeler(LabelOptions(graph=str(graph), labels=str(labels), input_layer="Mul"))


FROZEN = SHARED / "modules" / "frozen"


@pytest.mark.skipif(not FROZEN.is_dir(), reason="the frozen archives are not beside the project")
@pytest.mark.parametrize(("name", "size"), [("mobilenet_v1_0.50_160", 160), ("mobilenet_v1_0.25_224", 224)])
def test_the_tutorials_frozen_graphs_are_labelled_with(name: str, size: int, tmp_path: Path) -> None:
    with tarfile.open(FROZEN / f"{name}_frozen.tgz") as members:
        members.extractall(tmp_path, filter="data")
    (graph,) = tmp_path.rglob("frozen_graph.pb")
    model = inspect(str(graph))
    assert (model.input_node, model.output_node, model.input_size) == (
        "input",
        "Identity",
        size,
    )
    (tmp_path / "labels.txt").write_text("".join(f"class {number}\n" for number in range(1001)))
    labeler = Labeler(LabelOptions(graph=str(graph), labels=str(tmp_path / "labels.txt")))
    # ImageNet has daisies: class 985, and one more where 0 is the background.
    photos = sorted((SHARED / "photos" / "flowers" / "daisy").glob("*.jpg"))[:20]
    best = [labeler(str(photo)).ranking[0][0] for photo in photos]
    assert best.count("class 986") >= 12


def test_evaluate_takes_logits_for_what_they_are(tmp_path: Path, photos: Photos, labels: Path) -> None:
    graph = foreign_graph("input", "final_result")
    kept = [node for node in graph.node if node.op != "Softmax"]  # type: ignore[attr-defined]
    del graph.node[:]  # type: ignore[attr-defined]
    graph.node.extend(kept)  # type: ignore[attr-defined]
    graphdef.add_node(graph, "Identity", "final_result", ("product",), T=types_pb2.DT_FLOAT)
    path = saved(graph, tmp_path / "logits.pb")
    evaluation = evaluate(
        EvaluateOptions(graph=str(path), image_dir=str(photos()), labels=str(labels)), on_progress=silent
    )
    assert evaluation.part == "all"
    assert evaluation.assessment.accuracy == 1.0
    assert 0 < evaluation.assessment.log_loss < 0.1


def test_inspect_survives_damaged_files(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    result = retrain(configured(photos()))
    twin = Path(result.tflite)
    twin.write_bytes(twin.read_bytes()[:1000])
    assert inspect(result.graph).twin == ""
    for content in (b"\x1c\0\0\0TFL3" + bytes(range(200)), twin.read_bytes()):
        twin.write_bytes(content)
        with pytest.raises(ModelError, match="damaged"):
            inspect(str(twin))


def test_inspect_says_what_a_model_is(photos: Photos, configured: Configure, command: Command) -> None:
    result = retrain(configured(photos()))
    for path, twin, kind in ((result.graph, result.tflite, "Softmax 1"), (result.tflite, result.graph, "SOFTMAX 1")):
        done = command("inspect", "--graph", path)
        assert done.returncode == 0, done.stderr
        text = " ".join(done.stdout.split())
        assert f"Input input, float32 (N, {SIZE}, {SIZE}, 3), (pixel - 127.5) / 127.5" in text
        assert "Output final_result, float32 (N, 2)" in text
        assert "Labels green, red" in text
        assert f"Backbone {COLOURS}, from made by a test" in text
        assert "how_many_training_steps 200" in text
        assert f"Twin {twin}" in text
        assert kind in text
    Path(result.tflite).unlink()
    assert "Twin          none beside it" in command("inspect", "--graph", result.graph).stdout


def test_inspect_works_on_foreign_graphs_and_refuses_other_files(
    tmp_path: Path, command: Command, model_dir: Path
) -> None:
    graph = saved(foreign_graph("Placeholder", "scores"), tmp_path / "foreign.pb")
    done = command("inspect", "--graph", graph)
    assert "Labels        none in the file" in done.stdout
    assert "Operations    6: Const 2, Placeholder 1, Mean 1, Mul 1, Softmax 1" in done.stdout
    bundle = find_bundle(COLOURS, str(model_dir))
    assert "Operations    1: MEAN 1" in command("inspect", "--graph", bundle.tflite_path).stdout
    (tmp_path / "text.pb").write_text("Dear diary")
    done = command("inspect", "--graph", "text.pb")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: 'text.pb' is no frozen graph")


def test_inspect_writes_the_graph_for_tensorboard(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoard(str(tmp_path / "out" / "logs")) as tensorboard:
        result = retrain(configured(photos()), on_progress=tensorboard)
    events = graph_to_tensorboard(result.graph, str(tmp_path / "graph"))
    accumulator = EventAccumulator(events)
    accumulator.Reload()
    assert "final_result" in {node.name for node in accumulator.Graph().node}
    # The curves of a run stay, and a later run takes the folder for its own.
    logs = tmp_path / "out" / "logs"
    graph_to_tensorboard(result.graph, str(logs / "train"))
    graph_to_tensorboard(result.graph, str(logs))
    assert len(list((logs / "train").iterdir())) == 2
    with TensorBoard(str(logs)) as tensorboard:
        retrain(configured(photos()), on_progress=tensorboard)
    with pytest.raises(OptionError, match=r"--tensorboard: expected a \.pb, received"):
        graph_to_tensorboard(result.tflite, str(tmp_path / "graph"))


def test_inspect_says_the_true_type_and_shape_of_every_tensor(tmp_path: Path) -> None:
    model = inspect(str(saved(graph_of_bytes(), tmp_path / "bytes.pb")))
    assert model.inputs == (f"pixels, uint8 (N, {SIZE}, {SIZE}, 3)",)
    assert model.outputs == ("scores, float32 (N, 3)",)
    assert model.inferred is not None
    assert (model.inferred.mean, model.inferred.std, model.inferred.range_known) == (0, 1, True)
    builder = TFLiteBuilder.empty()
    given, scores = builder.add_tensor("picture", (1, 4, 4, 3)), builder.add_tensor("scores", (1, 48))
    tensor = builder.graph.tensors[given]
    tensor.type, tensor.shapeSignature, tensor.quantization = 9, [1, -1, -1, 3], schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [0.5], [-3]
    builder.graph.inputs, builder.graph.outputs = [given], [scores]
    (tmp_path / "bytes.tflite").write_bytes(builder.packed())
    model = inspect(str(tmp_path / "bytes.tflite"))
    assert model.inputs == ("picture, int8 (1, ?, ?, 3), q stands for 0.5 * (q - -3)",)
    assert model.outputs == ("scores, float32 (N, 48)",)


@pytest.mark.parametrize(
    ("steps", "taken"),
    [
        ([("Mul", 1 / 127.5), ("Sub", 1.0)], (0, 1)),
        ([("Mul", 2.0), ("Sub", 1.0)], (0, 255)),
        ([("Sub", 127.5), ("RealDiv", 127.5)], (0, 1)),
    ],
)
def test_the_first_operations_of_a_graph_show_the_range(
    steps: list[tuple[str, float]], taken: tuple[float, float], tmp_path: Path, labels: Path
) -> None:
    graph: Any = foreign_graph("input", "final_result")
    mean = next(node for node in graph.node if node.op == "Mean")
    last = "input"
    for number, (operation, value) in enumerate(steps):
        constant = graphdef.add_constant(graph, f"c{number}", np.array(value, np.float32))
        last = graphdef.add_node(graph, operation, f"s{number}", (last, constant), T=types_pb2.DT_FLOAT)
    mean.input[0] = last
    inferred = infer(graph)
    assert (inferred.mean, inferred.std, inferred.range_known) == (*taken, True)
    path = saved(graph, tmp_path / "foreign.pb")
    assert Labeler(LabelOptions(graph=str(path), labels=str(labels))).warnings == ()


@pytest.mark.slow
@pytest.mark.children
def test_a_child_runs_a_graph_by_tensorflow_and_survives_its_memory(tmp_path: Path, labels: Path) -> None:
    whole = saved(foreign_graph("input", "final_result"), tmp_path / "whole.pb")
    scores = Labeler(LabelOptions(graph=str(whole), labels=str(labels))).scores(png((20, 200, 20)))
    trusted = Labeler(LabelOptions(graph=str(whole), labels=str(labels), trust_graph=True)).scores(png((20, 200, 20)))
    np.testing.assert_allclose(scores, trusted, atol=1e-6)
    # The shape of the picture times a constant: nothing in the file states how large the tensor becomes.
    graph: Any = foreign_graph("input", "scores")
    graphdef.add_node(graph, "Shape", "shape", ("input",), T=types_pb2.DT_FLOAT)
    factors = graphdef.add_constant(graph, "factors", np.array([1 << 12, 1 << 12, 1 << 10, 1], np.int32))
    graphdef.add_node(graph, "Mul", "sides", ("shape", factors), T=types_pb2.DT_INT32)
    one = graphdef.add_constant(graph, "one", np.array(1.0, np.float32))
    graphdef.add_node(graph, "Fill", "bomb", ("sides", one), T=types_pb2.DT_FLOAT)
    graphdef.add_node(graph, "Identity", "final_result", ("bomb",), T=types_pb2.DT_FLOAT)
    path = saved(graph, tmp_path / "bomb.pb")
    with pytest.raises(ModelError, match=r"'.*bomb.pb' (cannot be run by TensorFlow|crashed|took more)"):
        Labeler(LabelOptions(graph=str(path), labels=str(labels))).scores(png((20, 200, 20)))
