"""`.tflite` files of other tools in `label` and `evaluate`."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import Command, Photos, jpeg
from PIL import Image

from retrainer import Labeler, LabelOptions
from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.converting.hints import COMPARED, ConversionContext, Hints, ramp
from retrainer.backbones.converting.isolated import Conversion
from retrainer.errors import BackboneError, ModelError
from retrainer.evaluation import evaluate
from retrainer.events import Event, Warned
from retrainer.inspection import inspect
from retrainer.models.tflite.flatbuffer import TFLiteBuilder
from retrainer.models.tflite.foreign import ForeignTFLite
from retrainer.models.tflite.limits import require_few
from retrainer.models.tflite.litert import Network
from retrainer.models.tflite.table_writer import TableWriter
from retrainer.models.tflite.tflite_metadata import METADATA_BUFFER
from retrainer.options.model import EvaluateOptions

SIZE = 4
GREEN = (20, 200, 20)


def picture(colour: tuple[int, int, int]) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (SIZE, SIZE), colour).save(content, "PNG")
    return content.getvalue()


def network(
    ending: str = "SOFTMAX", size: int = SIZE, first: Callable[[TFLiteBuilder, int], int] | None = None
) -> TFLiteBuilder:
    """The mean colour times 5, with an ending."""
    builder = TFLiteBuilder.empty()
    seen = given = builder.add_tensor("picture", (1, size, size, 3))
    if first is not None:
        seen = first(builder, given)
    axes = builder.add_constant("axes", np.array([1, 2], np.int32))
    mean, scores = builder.add_tensor("mean", (1, 3)), builder.add_tensor("scores", (1, 3))
    builder.add_operator("MEAN", (seen, axes), (mean,), schema.ReducerOptionsT())
    if ending == "SOFTMAX":
        softmax = schema.SoftmaxOptionsT()
        softmax.beta = 5.0
        builder.add_operator("SOFTMAX", (mean,), (scores,), softmax)
    elif ending == "LOGISTIC":
        node = schema.OperatorT()
        node.opcodeIndex = builder._operator_code(schema.BuiltinOperator.LOGISTIC)
        node.inputs, node.outputs = [mean], [scores]
        builder.graph.operators.append(node)
    else:
        five = builder.add_constant("five", np.array([5.0], np.float32))
        builder.add_operator("MUL", (mean, five), (scores,), schema.MulOptionsT())
    builder.graph.inputs, builder.graph.outputs = [given], [scores]
    return builder


def described(builder: TFLiteBuilder, mean: list[float], std: list[float], labels: dict[str, tuple[str, str]]) -> bytes:
    """The model with TFLite Metadata as MediaPipe's writer gives it.

    Args:
        builder: The model.
        mean, std: Of the input, one number or one per channel.
        labels: File name -> its locale and its content.
    """
    writer = TableWriter()
    options = writer.table(offsets={0: writer.floats(mean), 1: writer.floats(std)})
    unit = writer.table(offsets={1: options}, bytes_={0: 1})
    given = writer.table(offsets={4: writer.offsets([unit])})
    files = []
    for name, (locale, _) in labels.items():
        texts = {0: writer.string(name)} | ({3: writer.string(locale)} if locale else {})
        files.append(writer.table(offsets=texts, bytes_={2: 2}))
    scores = writer.table(offsets={6: writer.offsets(files)})
    graph = writer.table(offsets={2: writer.offsets([given]), 3: writer.offsets([scores])})
    root = writer.table(offsets={3: writer.offsets([graph])})
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA_BUFFER, builder.add_buffer(writer.finished(root, b"M001"))
    builder.model.metadata = [entry]
    content = io.BytesIO()
    content.write(builder.packed())
    with zipfile.ZipFile(content, "a") as archive:
        for name, (_, text) in labels.items():
            archive.writestr(name, text)
    return content.getvalue()


def saved(content: bytes | TFLiteBuilder, tmp_path: Path) -> str:
    path = tmp_path / "foreign.tflite"
    path.write_bytes(content.packed() if isinstance(content, TFLiteBuilder) else content)
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    return str(path)


def labeler(content: bytes | TFLiteBuilder, tmp_path: Path, **options: Any) -> Labeler:
    path = saved(content, tmp_path)
    return Labeler(LabelOptions(**{"graph": path, "labels": str(tmp_path / "labels.txt"), **options}))


def softmax_of(numbers: Any) -> Any:
    powers = np.exp(5 * np.asarray(numbers, np.float64))
    return powers / powers.sum()


def test_metadata_states_range_and_labels(tmp_path: Path) -> None:
    files = {"labels_de.txt": ("de", "rot\ngrün\nblau\n"), "labels.txt": ("", "red\ngreen\nblue\n")}
    content = described(network(), [100.0, 110.0, 120.0], [50.0, 50.0, 50.0], files)
    read = labeler(content, tmp_path, labels="")
    assert read.labels == ("red", "green", "blue")
    assert read.warnings == ()
    np.testing.assert_allclose(read.scores(picture((110, 160, 60))), softmax_of([0, 1, -1]), atol=1e-5)
    given = labeler(content, tmp_path, labels="", input_mean=0.0, input_std=255.0)
    np.testing.assert_allclose(given.scores(picture((0, 255, 51))), softmax_of([0, 1, 0.2]), atol=1e-5)


def test_the_first_operations_show_the_range(tmp_path: Path) -> None:
    def rescaling(builder: TFLiteBuilder, given: int) -> int:
        factor = builder.add_constant("factor", np.array([1 / 255], np.float32))
        scaled = builder.add_tensor("scaled", (1, SIZE, SIZE, 3))
        builder.add_operator("MUL", (given, factor), (scaled,), schema.MulOptionsT())
        return scaled

    read = labeler(network(first=rescaling), tmp_path)
    assert read.warnings == ()
    np.testing.assert_allclose(read.scores(picture((0, 255, 51))), softmax_of([0, 1, 0.2]), atol=1e-5)


def test_a_guessed_range_is_warned_about_once(tmp_path: Path, command: Command) -> None:
    path = saved(network(), tmp_path)
    (tmp_path / "photo.jpg").write_bytes(jpeg(GREEN))
    line = ("label", "--graph", path, "--labels", "labels.txt", "photo.jpg", "photo.jpg")
    done = command(*line)
    assert done.stderr.count("nothing in the file says what pictures it takes") == 1
    assert done.stderr.startswith("Warning: ")
    assert done.stdout.count("green (score=") == 2
    assert command(*line, "--input_mean", "128").stderr == ""


@pytest.mark.parametrize(("dtype", "zero"), [(schema.TensorType.UINT8, 127), (schema.TensorType.INT8, -1)])
def test_integers_are_quantised_and_dequantised(dtype: int, zero: int, tmp_path: Path) -> None:
    builder = network("MUL")
    tensors = builder.graph.tensors
    whole = builder.add_tensor("integers", (1, SIZE, SIZE, 3))
    out = builder.add_tensor("out", (1, 3))
    for number, scale, point in ((whole, 1 / 128, zero), (out, 1 / 16, zero)):
        tensors[number].type = dtype
        tensors[number].quantization = schema.QuantizationParametersT()
        tensors[number].quantization.scale, tensors[number].quantization.zeroPoint = [scale], [point]
    builder.insert_operator(0, "DEQUANTIZE", (whole,), tuple(builder.graph.inputs), schema.DequantizeOptionsT())
    builder.add_operator("QUANTIZE", tuple(builder.graph.outputs), (out,), schema.QuantizeOptionsT())
    builder.graph.inputs, builder.graph.outputs = [whole], [out]
    read = labeler(builder, tmp_path)
    assert read.warnings == (
        f"'{tmp_path / 'foreign.tflite'}' gives logits, not probabilities; the scores are their softmax.",
    )
    np.testing.assert_allclose(read.scores(picture((127, 255, 63))), softmax_of([0, 1, -0.5]), atol=0.02)


@pytest.mark.parametrize(
    ("ending", "note"), [("SOFTMAX", None), ("LOGISTIC", "do not sum to 1"), ("MUL", "gives logits, not probabilities")]
)
def test_label_and_evaluate_say_what_scores_are(ending: str, note: str | None, tmp_path: Path, photos: Photos) -> None:
    given = {"input_mean": 127.5, "input_std": 127.5}
    path = saved(network(ending), tmp_path)
    notes = Labeler(LabelOptions(graph=path, labels=str(tmp_path / "labels.txt"), **given)).warnings  # type: ignore[arg-type]
    assert [bool(note and note in text) for text in notes] == [True] * bool(note)
    events: list[Event] = []
    options = EvaluateOptions(graph=path, image_dir=str(photos()), labels=str(tmp_path / "labels.txt"), **given)  # type: ignore[arg-type]
    result = evaluate(options, on_progress=events.append)
    assert result.assessment.accuracy == 1
    assert [e.message for e in events if isinstance(e, Warned)] == list(notes)


def test_evaluate_takes_what_label_takes(tmp_path: Path, photos: Photos) -> None:
    path, folder = saved(network(), tmp_path), str(photos())
    shared = {"graph": path, "image_dir": folder, "labels": str(tmp_path / "labels.txt")}
    flat = evaluate(EvaluateOptions(**shared, input_std=1e6))  # type: ignore[arg-type]
    assert flat.assessment.log_loss == pytest.approx(np.log(3), abs=0.01)
    sharp = evaluate(EvaluateOptions(**shared, input_std=50.0))  # type: ignore[arg-type]
    assert sharp.assessment.log_loss < 0.1


@pytest.mark.parametrize("run", [Network, lambda path: Labeler(LabelOptions(graph=path))])
def test_an_input_of_2_to_the_20_pixels_a_side_is_one_line(run: Callable[[str], Any], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected (tensors|an input) of at most"):
        run(saved(network(size=1 << 20), tmp_path))


@pytest.mark.children
def test_a_child_runs_it_on_many_photos(tmp_path: Path) -> None:
    read = labeler(network(), tmp_path, input_mean=127.5)
    (tmp_path / "photo.png").write_bytes(picture(GREEN))
    found = [labelled.ranking[0][0] for labelled in read.many([str(tmp_path / "photo.png")] * 40)]  # type: ignore[union-attr]
    assert found == ["green"] * 40
    here = labeler(network(), tmp_path, input_mean=127.5, trust_graph=True)
    np.testing.assert_array_equal(read.scores(picture(GREEN)), here.scores(picture(GREEN)))


@pytest.mark.children
@pytest.mark.parametrize("damage", ["truncated", "header only", "a loop of offsets"])
def test_damaged_files_are_one_line(damage: str, tmp_path: Path) -> None:
    content = network().packed()
    damaged = {
        "truncated": content[: len(content) // 2],
        "header only": content[:8],
        "a loop of offsets": content[:8] + bytes(flatbuffers.Builder(64).Bytes[:8]) * 40,
    }[damage]
    with pytest.raises(ModelError) as caught:
        labeler(damaged, tmp_path)
    assert "\n" not in caught.value.problem


def converting(content: bytes | TFLiteBuilder, tmp_path: Path) -> Any:
    described = Bundle("foreign", "foreign.tflite", "none", 0, 0, "")
    return Conversion(Path(saved(content, tmp_path)), Hints(), described)


@pytest.mark.children
def test_a_child_makes_the_bundle_of_a_foreign_network(tmp_path: Path) -> None:
    events: list[Event] = []
    asked: list[tuple[int, int]] = []

    def pictures(size: int, count: int) -> list[Floats]:
        asked.append((size, count))
        return [ramp(size)]

    bundle = converting(network("MUL"), tmp_path).isolated(
        tmp_path / "models", ConversionContext(pictures, events.append)
    )
    assert bundle.folder == tmp_path / "models" / "foreign"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["foreign"]
    assert asked == [(SIZE, COMPARED)]
    (event,) = events
    assert isinstance(event, Warned)
    assert "nothing in the file says what pictures it takes" in event.message
    expected = 5 * ramp(SIZE).mean(axis=(0, 1))
    np.testing.assert_allclose(Network(bundle.tflite_path).run(ramp(SIZE)), expected, atol=1e-5)


@pytest.mark.children
def test_a_network_that_cannot_be_converted_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    for content in (network(size=1 << 20), b"\x1c\0\0\0TFL3" + bytes(range(200))):
        with pytest.raises(BackboneError) as caught:
            converting(content, tmp_path).isolated(tmp_path / "models", ConversionContext(lambda *_: []))
        assert "\n" not in caught.value.problem
        assert list((tmp_path / "models").iterdir()) == []


def repeating(
    *, tensors: int = 1, name: int = 1, graphs: int = 1, operators: int = 1, signatures: int = 0, ends: int = 0
) -> bytes:
    """A model whose vectors name the same tensor, graph, operator or signature again and again."""
    builder = flatbuffers.Builder(1024)

    def again(offset: int, count: int) -> int:
        builder.StartVector(4, count, 4)
        for _ in range(count):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())

    text = builder.CreateString("n" * name)
    schema.TensorStart(builder)
    schema.TensorAddName(builder, text)
    named = again(schema.TensorEnd(builder), tensors)
    schema.OperatorStart(builder)
    done = again(schema.OperatorEnd(builder), operators)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, named)
    schema.SubGraphAddOperators(builder, done)
    subgraphs = again(schema.SubGraphEnd(builder), graphs)
    schema.TensorMapStart(builder)
    schema.TensorMapAddName(builder, text)
    inputs = again(schema.TensorMapEnd(builder), ends)
    schema.SignatureDefStart(builder)
    schema.SignatureDefAddInputs(builder, inputs)
    signed = again(schema.SignatureDefEnd(builder), signatures)
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, subgraphs)
    schema.ModelAddSignatureDefs(builder, signed)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (repeating(tensors=2_000, graphs=2_000), "received 2,000"),
        (repeating(tensors=1_100, graphs=100), "received 110,100"),
        (repeating(operators=200_000), "received 200,001"),
        (repeating(tensors=1_000, name=100_000), "longer"),
        (repeating(signatures=200_000), "received 100,002"),
        (repeating(signatures=1_000, ends=1_000), "received 1,001,002"),
        (repeating(signatures=100, ends=100, name=100_000), "longer"),
    ],
)
def test_a_few_bytes_that_stand_for_very_many_tables_are_refused(tmp_path: Path, content: bytes, received: str) -> None:
    with pytest.raises(ModelError, match=received):
        TFLiteBuilder.parsed(content)
    path = tmp_path / "it.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"'.*it.tflite' is damaged"):
        inspect(str(path))
    require_few(repeating(tensors=100, name=1_000, graphs=2, operators=100, signatures=10, ends=10))


def test_a_name_that_is_no_text_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "named.tflite"
    path.write_bytes(network().packed().replace(b"picture", b"p\xff\xffture"))
    for trusted in (False, True):
        with pytest.raises(ModelError, match=r"named\.tflite' .*damaged"):
            ForeignTFLite(path.read_bytes(), str(path), trusted=trusted)
    with pytest.raises(ModelError, match=r"named\.tflite' .*damaged"):
        Network(path)
