"""Graphs that do anything that no network of pictures needs are refused before TensorFlow loads them."""

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SHARED
from networks import SIZE, as_tflite, features_of, frozen_classifier, hub_v1, keras_classifier, saved_model
from tensorboard.compat.proto import types_pb2

from retrainer import Labeler, LabelOptions
from retrainer.backbones.converting.hints import Hints
from retrainer.backbones.converting.tensorflow_networks import open_network
from retrainer.errors import ModelError
from retrainer.models.graph import graphdef
from retrainer.models.graph.operations import HARMLESS, RESTORING, require_harmless
from retrainer.models.graph.sizes import MOST_REPEATED
from retrainer.models.graph.tensorflow_graph import import_tensorflow


def plain() -> Any:
    """The mean colour of a picture, as scores."""
    graph = graphdef.new_graph()
    graphdef.add_placeholder(graph, "input", (-1, SIZE, SIZE, 3))
    graphdef.add_constant(graph, "axes", np.array([1, 2], np.int32))
    floats, integers = types_pb2.DT_FLOAT, types_pb2.DT_INT32
    graphdef.add_node(graph, "Mean", "mean", ("input", "axes"), T=floats, Tidx=integers, keep_dims=False)
    graphdef.add_node(graph, "Softmax", "final_result", ("mean",), T=floats)
    return graph


def calling(graph: Any, caller: str, function: str, name: str = "call") -> Any:
    """A node that calls a function of the library."""
    node = graph.node.add(op=caller, name=name)
    node.attr["f"].func.name = function
    return node


def with_function(graph: Any, name: str, *operations: str, calls: tuple[str, ...] = ()) -> Any:
    function = graph.library.function.add()
    function.signature.name = name
    for number, operation in enumerate(operations):
        function.node_def.add(op=operation, name=f"n{number}")
    for number, callee in enumerate(calls):
        function.node_def.add(op="PartitionedCall", name=f"c{number}").attr["f"].func.name = callee
    return function


def placeholder_of(*shape: int) -> Any:
    graph = plain()
    node = next(node for node in graph.node if node.name == "input")
    for dim, size in zip(node.attr["shape"].shape.dim, shape, strict=True):
        dim.size = size
    return graph


def constant_of(count: int) -> Any:
    graph = plain()
    node = graph.node.add(op="Const", name="huge")
    node.attr["value"].tensor.dtype = types_pb2.DT_FLOAT
    node.attr["value"].tensor.tensor_shape.dim.add(size=count)
    node.attr["value"].tensor.float_val.append(1.0)
    return graph


def sized(operation: str, sides: list[int], first: str = "") -> Any:
    graph = plain()
    graphdef.add_constant(graph, "sides", np.array(sides, np.int32))
    graph.node.add(op=operation, name="bomb", input=[first, "sides"] if first else ["sides", "mean"])
    return graph


def circle() -> Any:
    graph = plain()
    next(node for node in graph.node if node.op == "Mean").input[0] = "final_result"
    return graph


def chain(length: int) -> Any:
    graph = plain()
    last = "input"
    for number in range(length):
        last = graphdef.add_node(graph, "Identity", f"i{number}", (last,), T=types_pb2.DT_FLOAT)
    return graph


def many(count: int) -> Any:
    graph = plain()
    for number in range(count):
        graph.node.add(op="NoOp", name=f"n{number}")
    return graph


def nested() -> Any:
    """A function that is named by an attribute of an attribute."""
    graph = plain()
    with_function(graph, "inner", "ReadFile")
    with_function(graph, "outer")
    calling(graph, "PartitionedCall", "outer").attr["f"].func.attr["g"].func.name = "inner"
    return graph


def branch() -> Any:
    graph = plain()
    with_function(graph, "one", "PrintV2")
    graph.node.add(op="Case", name="case").attr["branches"].list.func.add(name="one")
    return graph


def in_library(operation: str) -> Any:
    graph = plain()
    with_function(graph, "__inference_evil_1", operation)
    return graph


def called_by_its_name() -> Any:
    graph = plain()
    with_function(graph, "WriteFile", "NoOp")
    graph.node.add(op="WriteFile", name="write")
    return graph


def recursion() -> Any:
    graph = plain()
    with_function(graph, "a", calls=("b",))
    with_function(graph, "b", calls=("a",))
    calling(graph, "StatefulPartitionedCall", "a")
    return graph


def billion_laughs() -> Any:
    graph = plain()
    with_function(graph, "f0", "NoOp")
    for number in range(1, 40):
        with_function(graph, f"f{number}", calls=(f"f{number - 1}",) * 2)
    calling(graph, "PartitionedCall", "f39")
    return graph


def with_node(operation: str) -> Any:
    graph = plain()
    graph.node.add(op=operation, name="it")
    return graph


FORBIDDEN = """
    WriteFile ReadFile PrintV2 Print SaveV2 MergeV2Checkpoints RestoreV2 PyFunc EagerPyFunc While StatelessWhile
    Enter NextIteration ReduceDataset TensorListReserve TensorArrayV3 MatchingFiles LoadAndRemapMatrix
    ImmutableConst DebugIdentity RpcCall InitializeTableFromTextFileV2 AsString System _Send _HostRecv XlaLaunch
    Abort For
"""


@pytest.mark.parametrize("operation", FORBIDDEN.split())
@pytest.mark.parametrize("made", [with_node, in_library])
def test_operations_that_act_or_may_not_end_are_refused(operation: str, made: Callable[[str], Any]) -> None:
    with pytest.raises(ModelError, match=f"received '{operation}' in its node.*\n.*--trust_graph"):
        require_harmless(made(operation), "it.pb")


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (nested(), "ReadFile"),
        (branch(), "PrintV2"),
        (called_by_its_name(), "WriteFile"),
        (recursion(), "calls itself"),
        (circle(), "a circle"),
        (chain(30_000), "a row of more than 10,000"),
        (billion_laughs(), "nodes once"),
        (many(200_000), "more than 100,000 nodes\\."),
        (placeholder_of(-1, 1 << 20, 1 << 20, 3), "4,096 pixels a side"),
        (placeholder_of(-1, 1 << 31, 8, 3), "4,096 pixels a side"),
        (placeholder_of(-1, -5, -5, 3), "4,096 pixels a side"),
        (constant_of(1 << 40), "does not hold"),
        (sized("Fill", [1 << 18, 1 << 17]), "536,870,912 numbers"),
        (sized("BroadcastTo", [1 << 30], first="mean"), "536,870,912 numbers"),
        (sized("Tile", [200_000_000, 5], first="mean"), "536,870,912 numbers"),
    ],
)
def test_graphs_that_state_absurd_sizes_are_refused(graph: Any, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        require_harmless(graph, "it.pb")


def test_names_from_the_file_reach_no_terminal() -> None:
    graph = plain()
    graph.node.add(op="\x1b[31mOp", name="\x1b[31mNode")
    with pytest.raises(ModelError) as caught:
        require_harmless(graph, "it.pb")
    assert "\x1b" not in str(caught.value)
    assert r"\x1b[31mOp" in str(caught.value)


def test_operations_that_a_network_of_pictures_needs_pass() -> None:
    graph = constant_of(MOST_REPEATED)
    with_function(graph, "__inference_layer_1", "Relu6", calls=("__inference_layer_2",))
    with_function(graph, "__inference_layer_2", "Conv2D", "FusedBatchNormV3")
    calling(graph, "StatefulPartitionedCall", "__inference_layer_1")
    graph.node.add(op="__inference_layer_2", name="by_name")
    require_harmless(graph, "it.pb")


def test_every_operation_of_the_table_is_one_of_tensorflows() -> None:
    import_tensorflow()
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    known = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    assert {operation.name for operation in known.op} >= HARMLESS | RESTORING


def test_label_refuses_before_anything_is_written(tmp_path: Path) -> None:
    graph = with_node("WriteFile")
    path = tmp_path / "evil.pb"
    path.write_bytes(graph.SerializeToString())
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    with pytest.raises(ModelError, match="'WriteFile'"):
        Labeler(LabelOptions(graph=str(path), labels=str(tmp_path / "labels.txt")))


def evil(tf: Any, written: Path) -> Callable[[Any], Any]:
    def function(picture: Any) -> Any:
        tf.io.write_file(str(written), "owned")
        return features_of(picture)

    return function


def test_a_saved_model_that_writes_is_refused_and_runs_if_it_is_trusted(tmp_path: Path) -> None:
    tf = import_tensorflow()
    written = tmp_path / "canary"
    folder = saved_model(tmp_path / "m", evil(tf, written), tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, "p"))
    with pytest.raises(ModelError, match="'WriteFile'"):
        open_network(folder, "m", Hints())
    assert not written.exists()
    open_network(folder, "m", Hints(), trusted=True).run(np.zeros((1, SIZE, SIZE, 3), np.float32))
    assert written.exists()


def changed(folder: Path) -> Iterator[tuple[Any, Any]]:
    """The SavedModel of a folder, to be changed: the whole, and its graph."""
    import_tensorflow()
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    yield saved, saved.meta_graphs[0]
    path.write_bytes(saved.SerializeToString())


@pytest.mark.parametrize("place", ["restoring", "initialising", "the signature"])
def test_saving_is_passed_over_unless_something_else_needs_it(tmp_path: Path, place: str) -> None:
    folder = hub_v1(tmp_path / "hub", resource_variables=True)
    open_network(folder, "hub", Hints())
    for _, meta_graph in changed(folder):
        saving = meta_graph.saver_def.save_tensor_name
        if place == "restoring":
            meta_graph.saver_def.restore_op_name = saving.split(":")[0]
        elif place == "initialising":
            meta_graph.collection_def["main_op"].node_list.value.append(saving.split(":")[0])
        else:
            meta_graph.signature_def["default"].outputs["default"].name = saving
    with pytest.raises(
        ModelError, match=r"received '(SaveV2|StaticRegexFullMatch|ShardedFilename|StringJoin|MergeV2Checkpoints)'"
    ):
        open_network(folder, "hub", Hints())


def test_every_kind_of_network_that_a_backbone_is_made_of_passes(tmp_path: Path) -> None:
    tf = import_tensorflow()
    folder = saved_model(tmp_path / "m", features_of, tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, "picture"))
    hubs = [hub_v1(tmp_path / f"hub{kind}", resource_variables=kind) for kind in (False, True)]
    for path in (folder, *hubs, frozen_classifier(tmp_path / "f.pb"), keras_classifier(tmp_path / "k.keras")):
        open_network(path, path.name, Hints())
    assert as_tflite(tmp_path / "t.tflite", features_of).is_file()


def test_a_keras_file_with_code_of_its_own_is_refused(tmp_path: Path) -> None:
    from retrainer.backbones.converting.keras_networks import import_keras

    path = keras_classifier(tmp_path / "lambda.keras", import_keras().layers.Lambda(lambda x: x * 2.0))
    with pytest.raises(ValueError, match=r"(?i)lambda"):
        open_network(path, "lambda.keras", Hints())


MODULES = SHARED / "modules"


@pytest.mark.skipif(not MODULES.is_dir(), reason="the real modules are not beside the project")
def test_the_real_modules_pass(tmp_path: Path) -> None:
    from retrainer.backbones.converting.saved_models import require_harmless_saved_model

    archives = [path for path in sorted(MODULES.rglob("*")) if path.is_file()]
    assert len(archives) >= 5
    for number, archive in enumerate(archives):
        with tarfile.open(archive) as members:
            members.extractall(tmp_path / str(number), filter="data")
        saved = sorted((tmp_path / str(number)).rglob("saved_model.pb"))
        if saved:
            require_harmless_saved_model(saved[0].parent, archive.name)
        for graph in (tmp_path / str(number)).rglob("frozen_graph.pb"):
            require_harmless(graphdef.read_graph(graph), archive.name)
