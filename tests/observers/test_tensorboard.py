import errno
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS, Command, Configure, Photos
from PIL import Image

from retrainer import retrain
from retrainer.arrays import Floats
from retrainer.errors import OptionError, OutputError
from retrainer.events import (
    ConfusionMeasured,
    Figures,
    HeadMeasured,
    IterationEvaluated,
    PenaltyEvaluated,
    RunFinished,
    StepEvaluated,
    TestEvaluated,
)
from retrainer.models.event_files import new_run_folder, record_of, require_own_folder
from retrainer.models.summaries import histogram_of
from retrainer.observers.confusion_picture import confusion_picture
from retrainer.observers.tensorboard import TensorBoard

STEP = StepEvaluated(499, 0.96, 0.2468013579, 0.88, 0.5, 100)
PENALTIES = (
    PenaltyEvaluated(10.0, 0.5, 1.5, 0.5, 1.6, False),
    PenaltyEvaluated(0.1, 0.75, 0.5, 0.75, 0.75, True),
    PenaltyEvaluated(10**-1.5, 1.0, 0.25, 0.625, 1.0, False),
)


def events_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The scalars of a folder of events, read by TensorBoard itself."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]
    return {tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in tags}


def test_tensorboard_reads_both_curves_under_the_same_tags(tmp_path: Path) -> None:
    with TensorBoard(str(tmp_path)) as tensorboard:
        tensorboard(STEP)
        tensorboard(StepEvaluated(500, 0.5, 0.25, float("nan"), float("nan"), 0))
    train, validation = events_of(tmp_path / "train"), events_of(tmp_path / "validation")
    assert train == {
        "accuracy": [(499, np.float32(0.96)), (500, 0.5)],
        "cross_entropy": [(499, np.float32(0.2468013579)), (500, 0.25)],
    }
    assert validation == {"accuracy": [(499, np.float32(0.88))], "cross_entropy": [(499, 0.5)]}


@pytest.mark.parametrize(
    "values", [np.linspace(-2, 3, 1000), np.full(7, 0.25), np.array([5.0]), np.array([0.0, 1e-30])]
)
def test_a_histogram_is_what_tensorboard_makes_of_the_numbers(values: Floats) -> None:
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.util.tensor_util import make_ndarray

    ours, theirs = (
        histogram_of("weights", values.astype(np.float32)),
        histogram_pb("weights", values.astype(np.float32)),
    )
    (our,), (their,) = ours.value, theirs.value
    assert our.tag == their.tag
    assert our.metadata.plugin_data == their.metadata.plugin_data
    buckets, expected = make_ndarray(our.tensor), make_ndarray(their.tensor)
    assert buckets[:, 2].sum() == len(values)
    np.testing.assert_allclose(buckets[:, :2], expected[:, :2], rtol=1e-6, atol=1e-36)
    # A number on an edge may fall to either side of it.
    assert np.abs(buckets[:, 2] - expected[:, 2]).max() <= 1


def test_a_record_is_what_tensorboard_writes(tmp_path: Path) -> None:
    from tensorboard.summary.writer.record_writer import RecordWriter

    for content in (b"", b"a", bytes(range(256)) * 9):
        path = tmp_path / "records"
        writer = RecordWriter(path.open("wb"))
        writer.write(content)
        writer.close()
        assert record_of(content) == path.read_bytes()


def test_a_disk_that_fills_up_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensorboard = TensorBoard(str(tmp_path))
    tensorboard(STEP)
    writers = list(tensorboard._files.values())
    for writer in writers:
        writer.close()
        monkeypatch.setattr(writer, "close", full_disk)
    with pytest.raises(OutputError, match=r"--summaries_dir: cannot write in .*: No space left on device"):
        tensorboard.__exit__(None, None, None)
    tensorboard.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_replaces_its_own_events(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    options = configured(photos(), how_many_training_steps=20)
    logs = tmp_path / "out" / "logs"
    for _ in range(2):
        with TensorBoard(str(logs)) as tensorboard:
            retrain(options, on_progress=tensorboard)
    assert sorted(path.parent.name for path in logs.rglob("*.retrainer")) == ["test", "train", "validation"]
    assert len(list(logs.rglob("*"))) == 6


@pytest.mark.parametrize("other", ["notes.txt", "train/events.out.tfevents.1.host", "flowers/train/x"])
def test_a_folder_that_holds_anything_else_is_refused_and_stays(other: str, tmp_path: Path) -> None:
    file = tmp_path / "out" / "logs" / other
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    named = other.split("/", maxsplit=1)[0] if other.startswith("flowers") else other
    with pytest.raises(OptionError, match=f"--summaries_dir: expected a new folder.* which holds '{named}'"):
        TensorBoard(str(tmp_path / "out" / "logs"))
    assert file.read_text() == "mine"


def test_tensorboard_has_the_weights_and_the_graph_without_them(
    photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoard(str(tmp_path / "out" / "logs")) as tensorboard:
        retrain(configured(photos(), how_many_training_steps=300, eval_step_interval=2), on_progress=tensorboard)
    (events,) = (tmp_path / "out" / "logs" / "train").iterdir()
    accumulator = EventAccumulator(str(events.parent), size_guidance={"tensors": 0, "scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    assert set(tags["tensors"]) == {"final_training_ops/weights", "final_training_ops/biases"}
    assert [event.step for event in accumulator.Tensors("final_training_ops/weights")][-1] == 299
    names = {node.name for node in accumulator.Graph().node}
    assert {"input", "final_result", "final_training_ops/weights/final_weights"} <= names


def test_weights_are_left_out_of_a_graph_and_nothing_else() -> None:
    from retrainer.models.event_files import without_weights
    from retrainer.models.graph import graphdef

    graph = graphdef.new_graph()
    graphdef.add_constant(graph, "weights", np.ones((100, 100), np.float32))
    graphdef.add_constant(graph, "axes", np.array([1, 2], np.int32))
    light = without_weights(graph)
    assert graph.ByteSize() > 40_000
    assert light.ByteSize() < 300
    weights, axes = light.node
    assert [dim.size for dim in weights.attr["value"].tensor.tensor_shape.dim] == [100, 100]
    assert axes == graph.node[1]


def accumulated(folder: Path) -> Any:
    """The events of a folder as TensorBoard itself reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0, "images": 0})
    accumulator.Reload()
    return accumulator


def test_a_chart_has_one_point_for_each_penalty_and_marks_the_chosen_one(tmp_path: Path) -> None:
    with TensorBoard(str(tmp_path)) as tensorboard:
        tensorboard(IterationEvaluated(0, 0.1, 3.0, 0.1, 3.0, 8))
        for event in PENALTIES:
            tensorboard(HeadMeasured(7, np.ones((3, 2), np.float32), np.ones(2, np.float32), event.penalty))
            tensorboard(event)
        tensorboard(IterationEvaluated(60, 1.0, 0.2, 0.1, 3.0, 8))
        tensorboard(TestEvaluated(0.875, 8))
    assert events_of(tmp_path / "train")["penalty/accuracy"] == [(-10, 0.5), (10, 0.75), (15, 1.0)]
    assert events_of(tmp_path / "validation") == {
        "penalty/accuracy": [(-10, 0.5), (10, 0.75), (15, 0.625)],
        "penalty/cross_entropy": [(-10, np.float32(1.6)), (10, 0.75), (15, 1.0)],
    }
    assert events_of(tmp_path / "chosen") == {"penalty/accuracy": [(10, 0.75)], "penalty/cross_entropy": [(10, 0.75)]}
    assert events_of(tmp_path / "test") == {"accuracy": [(10, 0.875)], "penalty/accuracy": [(10, 0.875)]}
    train = accumulated(tmp_path / "train")
    assert [event.step for event in train.Tensors("final_training_ops/weights")] == [-10, 10, 15]
    (card,) = train.Tensors("how_to_read_the_charts")
    assert "takes: 0.1, at x = 10." in card.tensor_proto.string_val[0].decode()
    assert train.SummaryMetadata("how_to_read_the_charts").plugin_data.plugin_name == "text"


def test_without_validation_the_chosen_point_is_that_of_training(tmp_path: Path) -> None:
    with TensorBoard(str(tmp_path)) as tensorboard:
        tensorboard(PenaltyEvaluated(0.1, 0.75, 0.5, float("nan"), float("nan"), True))
    assert events_of(tmp_path / "chosen") == {"penalty/accuracy": [(10, 0.75)], "penalty/cross_entropy": [(10, 0.5)]}
    assert not (tmp_path / "validation").exists()


def test_the_confusion_matrix_is_a_picture_with_a_list_of_its_classes(tmp_path: Path) -> None:
    with TensorBoard(str(tmp_path)) as tensorboard:
        tensorboard(ConfusionMeasured(("daisy", "<b>*rose*"), ((3, 1), (0, 4))))
    test = accumulated(tmp_path / "test")
    (picture,) = test.Images("confusion_matrix")
    pixels = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)))
    assert pixels.shape == (picture.height, picture.width, 3) == (132, 132, 3)
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    assert blue[50, 50] > red[50, 50]  # right
    assert red[50, 92] > blue[50, 92]  # the wrong one of the first class
    assert pixels[92, 50].tolist() == [255, 255, 255]  # no photo
    (card,) = test.Tensors("confusion_matrix_classes")
    lines = card.tensor_proto.string_val[0].decode().splitlines()
    assert lines[-2:] == ["1. daisy", "2. &#60;b&#62;&#42;rose&#42;"]


def test_a_confusion_matrix_of_many_classes_is_a_small_picture() -> None:
    png, (width, height) = confusion_picture(np.eye(1000, dtype=int).tolist())
    assert width == height == 6 * 1001
    assert len(png) < 500_000


def test_the_page_hparams_reads_the_settings_of_a_run(tmp_path: Path) -> None:
    from tensorboard.plugins.hparams import metadata

    with TensorBoard(str(tmp_path / "run"), {"seed": 3, "class_weight": "balanced", "flip": True}) as tensorboard:
        for event in PENALTIES:
            tensorboard(event)
        tensorboard(finished())
    test = accumulated(tmp_path / "run" / "test")
    content = test.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    start = metadata.parse_session_start_info_plugin_data(content)
    assert start.group_name == "run"
    values = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
    assert values == {
        "backbone": "pocket",
        "solver": "lbfgs",
        "photos": 40,
        "penalty": 0.1,
        "seed": 3,
        "class_weight": "balanced",
        "flip": True,
    }
    end = metadata.parse_session_end_info_plugin_data(
        test.SummaryMetadata(metadata.SESSION_END_INFO_TAG).plugin_data.content
    )
    assert end.end_time_secs >= start.start_time_secs > 0


def finished() -> RunFinished:
    figures = Figures(4, 0.5, (0.1, 0.9), 0.5, 0.7)
    return RunFinished("photos", 40, 2, "pocket", "lbfgs", figures, None, 0, "a" * 64, "", "b" * 64, 1.0)


def test_each_run_has_a_folder_of_its_own_unless_one_is_named(
    command: Command, photos: Photos, tmp_path: Path, model_dir: Path
) -> None:
    working = tmp_path / "tf_files"
    retraining = ("retrain", "--image_dir", photos(), "--model_dir", model_dir, "--architecture", COLOURS)
    for flags in ([], [], ["--summaries_dir", "tf_files/mine"], ["--summaries_dir", "tf_files/mine"]):
        done = command(*retraining, *flags)
        assert done.returncode == 0, done.stderr
        logs = "tf_files/mine" if flags else "tf_files/retrain_logs"
        assert f"\n  tensorboard --logdir {logs}\n" in done.stdout
    runs = list((working / "retrain_logs").iterdir())
    assert len(runs) == 2
    for folder in (*runs, working / "mine"):
        assert sorted(path.name for path in folder.iterdir()) == ["chosen", "test", "train", "validation"]
        assert len(list(folder.rglob("*.retrainer"))) == 4
    # The tutorial's command writes beside the folders of runs.
    require_own_folder(str(working / "retrain_logs"))


def test_a_run_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    folder = Path(new_run_folder(str(tmp_path / "logs")))
    folder.mkdir(parents=True)
    assert new_run_folder(str(tmp_path / "logs")) != str(folder)
    with pytest.raises(KeyboardInterrupt), TensorBoard(str(folder)):
        raise KeyboardInterrupt
    assert not folder.exists()
