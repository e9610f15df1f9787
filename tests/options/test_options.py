import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import retrainer
from retrainer.cli.retrain import RetrainFlags
from retrainer.errors import OptionError
from retrainer.options.backbone import DEFAULT_ARCHITECTURE, BackboneOptions
from retrainer.options.distortion import DistortionOptions
from retrainer.options.fit import FitOptions
from retrainer.options.groups import options_of
from retrainer.options.model import LabelOptions
from retrainer.options.output import OutputOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import SplitOptions
from retrainer.photos.distortions import Distortion

FLAGS_OF_2017 = [
    "image_dir",
    "output_graph",
    "intermediate_output_graphs_dir",
    "intermediate_store_frequency",
    "output_labels",
    "summaries_dir",
    "how_many_training_steps",
    "learning_rate",
    "testing_percentage",
    "validation_percentage",
    "eval_step_interval",
    "train_batch_size",
    "test_batch_size",
    "validation_batch_size",
    "print_misclassified_test_images",
    "bottleneck_dir",
    "final_tensor_name",
    "flip_left_right",
    "random_crop",
    "random_scale",
    "random_brightness",
    "model_dir",
    "architecture",
]


def test_all_flags_of_2017_are_there() -> None:
    names = [item.name for item in options_of(RetrainFlags)]
    assert len(FLAGS_OF_2017) == 23
    assert set(FLAGS_OF_2017) <= set(names)


def test_defaults_are_those_of_2017() -> None:
    options = RetrainOptions()
    assert (options.steps, options.rate) == (4000, 0.01)
    assert (options.testing_percentage, options.validation_percentage, options.eval_step_interval) == (10, 10, 10)
    assert (options.test_batch_size, options.validation_batch_size) == (-1, 100)
    assert options.batch_size == 100
    assert (options.final_tensor_name, options.intermediate_store_frequency) == ("final_result", 0)
    assert Distortion.of(options.distortion) is None


def test_the_solver_is_gradient_descent_if_one_of_its_flags_is_given() -> None:
    assert RetrainOptions().solver_name == "lbfgs"
    assert RetrainOptions(solver="sgd").solver_name == "sgd"
    assert RetrainOptions(solver="lbfgs").solver_name == "lbfgs"
    for given in ({"how_many_training_steps": 4000}, {"learning_rate": 0.01}, {"train_batch_size": -1}):
        assert RetrainOptions(**given).solver_name == "sgd"
        with pytest.raises(OptionError, match=f"^--{next(iter(given))}: expected --solver sgd"):
            RetrainOptions(solver="lbfgs", **given)


def test_home_is_expanded_in_paths_and_only_there() -> None:
    home = os.path.expanduser("~")
    options = RetrainOptions(image_dir="~/photos", architecture="~")
    assert options.image_dir == f"{home}/photos"
    assert options.architecture == "~"
    assert RetrainOptions(image_dir=Path("~/photos")).image_dir == f"{home}/photos"  # type: ignore[arg-type]
    assert LabelOptions(image=("~/a", "b")).image == (f"{home}/a", "b")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": float("nan")}, "--learning_rate: expected a finite number above 0, received nan"),
        ({"learning_rate": float("inf")}, "--learning_rate: expected a finite number above 0, received inf"),
        ({"learning_rate": 0.0}, "--learning_rate: expected a finite number above 0, received 0.0"),
        ({"how_many_training_steps": 0}, "--how_many_training_steps: expected a whole number at least 1, received 0"),
        ({"testing_percentage": -1}, "--testing_percentage: expected a whole number at least 0 and at most 99"),
        ({"validation_percentage": 100}, "received 100"),
        (
            {"testing_percentage": 60, "validation_percentage": 50},
            "expected less than 100 together, received 60 and 50",
        ),
        (
            {"train_batch_size": 0},
            "expected a whole number at least 1 and at most 1,000,000, or -1, received 0",
        ),
        ({"eval_step_interval": 0}, "--eval_step_interval"),
        ({"split_by": "name"}, "--split_by: expected one of auto, content, folders, path, received 'name'"),
        ({"final_tensor_name": "a b"}, "--final_tensor_name: expected a node's name, received 'a b'"),
        ({"final_tensor_name": "über"}, "received 'über'.\nIt begins with a letter"),
        ({"train_batch_size": 10**12}, "--train_batch_size"),
        (
            {"how_many_training_steps": "5"},
            "--how_many_training_steps: expected a whole number at least 1, received '5'",
        ),
        ({"how_many_training_steps": True}, "--how_many_training_steps: expected a whole number"),
        ({"image_dir": None}, "--image_dir: expected a path, received None"),
        ({"image_dir": {"path": ["1.jpg"] * 1000}}, "{'path': ['1.jpg', '1.jpg', '1"),
        ({"strict": 1}, "--strict: expected True or False, received 1"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_values_outside_their_limits_are_errors(given: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as error:
        RetrainOptions(**given)  # type: ignore[arg-type]
    assert message in str(error.value)
    assert len(str(error.value)) < 400
    assert error.value.exit_code == 2


def test_numbers_of_numpy_are_numbers() -> None:
    given = RetrainOptions(folds=np.int64(5), learning_rate=np.float32(0.5), strict=np.bool_(True))  # type: ignore[arg-type]
    assert given == RetrainOptions(folds=5, learning_rate=0.5, strict=True)


def test_zero_is_a_value_of_the_mean_and_none_of_the_deviation() -> None:
    assert LabelOptions(input_mean=0.0).input_mean == 0.0
    with pytest.raises(
        OptionError, match="--input_std: expected a finite number above 0 and at most 1,000,000, received 0"
    ):
        LabelOptions(input_std=0.0)


OUTPUT_FILES = ("output_graph", "output_labels")
OUTPUT_FOLDERS = ("bottleneck_dir", "summaries_dir", "intermediate_output_graphs_dir", "model_dir")


def test_an_empty_path_is_refused_if_there_is_a_default() -> None:
    with pytest.raises(OptionError, match="--graph: expected a path, received ''"):
        LabelOptions(graph="")


def test_only_commands_write_files_that_nobody_named() -> None:
    paths = {item.name: item for item in options_of(RetrainFlags) if item.limits.writes and item.name != "model_dir"}
    of_library = [item for name, item in paths.items() if name in {one.name for one in options_of(RetrainOptions)}]
    assert len(of_library) == 5
    assert all(item.default == "" and str(item.of_command).startswith("tf_files/") for item in of_library)
    assert "the default is '', that of commands is 'tf_files/duplicates.csv'." in str(paths["duplicates"])


def test_an_empty_folder_of_bundles_stands_for_the_usual_ones() -> None:
    assert RetrainFlags(model_dir="") == RetrainFlags()


@pytest.mark.parametrize("path", [" \t", "a\0b", "n" * 300, f"folder/{'é' * 150}", "/".join(["folder"] * 800)])
@pytest.mark.parametrize("name", [*OUTPUT_FILES, *OUTPUT_FOLDERS])
def test_what_no_path_can_be_is_refused(name: str, path: str) -> None:
    with pytest.raises(OptionError, match=f"--{name}: expected (a path|names of at most 255 bytes), received"):
        RetrainFlags(**{name: path})  # type: ignore[arg-type]


@pytest.mark.parametrize("path", [".", "..", "/", "folder/", "folder/..", "{tmp_path}"])
@pytest.mark.parametrize("name", OUTPUT_FILES)
def test_a_folder_is_no_file_to_write(name: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=f"--{name}: expected a file's name, received the folder '"):
        RetrainOptions(**{name: path.format(tmp_path=tmp_path)})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OUTPUT_FOLDERS)
def test_a_file_is_no_folder_to_write_into(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match=f"--{name}: expected a folder, received the file '"):
        RetrainFlags(**{name: str(tmp_path / "file")})  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=f"--{name}: expected a folder of its own, received '/'"):
        RetrainFlags(**{name: "/"})  # type: ignore[arg-type]
    for usual in (".", "..", "a/new/folder/", str(tmp_path)):
        assert getattr(RetrainFlags(**{name: usual}), name) == usual  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", [".onnx", ".h5", ".KERAS", ".zip", ".tar.gz", ".json", ".txt", ".jpg", ".npz"])
def test_a_model_is_not_named_as_another_format(ending: str) -> None:
    with pytest.raises(
        OptionError, match=r"--output_graph: expected a \.pb or \.tflite, .*\nName it 'out/model.*\.pb'"
    ):
        RetrainOptions(output_graph=f"out/model{ending}")


def test_labels_are_not_named_as_another_format() -> None:
    with pytest.raises(OptionError, match=r"--output_labels: expected a text.* a picture\.\nName it 'labels\.txt'"):
        RetrainOptions(output_labels="labels.jpg")
    assert RetrainOptions(output_labels="labels.csv").output_labels == "labels.csv"


def test_a_table_of_duplicates_takes_no_photos_name(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"--duplicates: expected a table in CSV, .* a picture\.\nName it '0\.csv'"):
        RetrainOptions(duplicates="0.jpg")
    with pytest.raises(OptionError, match="--duplicates: expected a file's name, received the folder"):
        RetrainOptions(duplicates=str(tmp_path))
    assert RetrainOptions(duplicates="copies.txt").duplicates == "copies.txt"


@pytest.mark.parametrize(
    "name", ["/tmp/output_graph.pb", "graph.tflite", "graph", "graph_0.50", "model.v1", ".pb", "a.PB"]
)
def test_names_of_2017_go_on_working(name: str) -> None:
    assert RetrainOptions(output_graph=name).output_graph == name


def test_one_of_several_paths_is_refused() -> None:
    with pytest.raises(OptionError, match="--image: expected a path, received ''"):
        LabelOptions(image=("photo.jpg", ""))
    with pytest.raises(OptionError, match="--graph: expected a path, received ' '"):
        LabelOptions(graph=" ")


def test_options_are_given_by_name() -> None:
    with pytest.raises(TypeError, match="positional"):
        RetrainOptions("photos")  # type: ignore[call-arg]


def test_a_group_of_the_options_has_their_values() -> None:
    options = RetrainOptions(image_dir="photos", folds=5, seed=7, learning_rate=0.5, random_crop=3, runtime="litert")
    assert options.split == SplitOptions(image_dir="photos", folds=5, seed=7)
    assert options.fit == FitOptions(seed=7, learning_rate=0.5)
    assert options.distortion == DistortionOptions(random_crop=3, seed=7)
    assert options.backbone == BackboneOptions(architecture=DEFAULT_ARCHITECTURE, runtime="litert")
    assert options.output == OutputOptions()
    assert RetrainFlags(image_dir="photos", print_misclassified_test_images=True).only(RetrainOptions) == (
        RetrainOptions(image_dir="photos")
    )


def test_each_group_checks_its_options_together() -> None:
    with pytest.raises(OptionError, match="less than 100 together"):
        SplitOptions(testing_percentage=50, validation_percentage=50)
    with pytest.raises(OptionError, match="--learning_rate: expected --solver sgd"):
        FitOptions(solver="lbfgs", learning_rate=0.1)
    with pytest.raises(OptionError, match="--final_tensor_name"):
        OutputOptions(final_tensor_name="a b")


def test_documentation_has_each_option_with_its_limits_and_default() -> None:
    text = RetrainOptions.__doc__ or ""
    for item in options_of(RetrainOptions):
        assert f"\n        {item.name}: {item.limits.help}" in text
    assert "Takes a whole number at least 2 and at most 1,000, or 0; the default is 'auto'." in text
    assert "Takes one of auto, content, folders, path; the default is 'auto'." in text
    assert "Steps of gradient descent. Takes a whole number at least 1; the default is 4000." in text


def test_options_of_a_label_come_without_those_of_a_retraining() -> None:
    program = "import sys, retrainer.labeler; print([m for m in sys.modules if m.startswith('retrainer.options.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = {"groups", "headings", "in_memory", "model", "paths"}
    assert set(ast.literal_eval(done.stdout)) == {f"retrainer.options.{module}" for module in modules}


def test_no_file_is_written_that_another_option_reads(tmp_path: Path) -> None:
    table, other = tmp_path / "photos.csv", tmp_path / "linked.csv"
    table.write_text("path,label\n")
    os.link(table, other)
    for written in (table, other, tmp_path / "." / "photos.csv"):
        with pytest.raises(OptionError, match=r"^--duplicates: expected a file of its own, received a"):
            RetrainOptions(image_dir=str(table), duplicates=str(written))
    with pytest.raises(OptionError, match=r"^--output_labels: expected a file of its own"):
        RetrainOptions(image_dir=str(table), output_labels=str(table))
    assert RetrainOptions(image_dir=str(tmp_path), output_labels=str(tmp_path / "labels.txt")).image_dir


labeler: Callable[..., object] = retrainer.Labeler


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: retrainer.Labeler("model.tflite", topp=3),
            r"Labeler\(\): expected options of retrainer\.LabelOptions, received 'topp'\.\nDid you mean 'top'\? help\(",
        ),
        (lambda: retrainer.Labeler("model.tflite", gpu=True), r"received 'gpu'\.\nhelp\(retrainer\.LabelOptions\)"),
        (
            lambda: retrainer.retrain("photos", fold=5),  # type: ignore[call-arg]
            r"^retrain\(\): .*RetrainOptions, received 'fold'.*\n.*'folds'\?",
        ),
        (lambda: retrainer.compare(["pocket"], "photos", sed=5), r"^compare\(\): .* received 'sed'.*\n.* 'seed'\?"),  # type: ignore[call-arg]
        (
            lambda: retrainer.evaluate("m.pb", image_dirs="photos"),  # type: ignore[call-arg]
            r"^evaluate\(\): .*EvaluateOptions.*\n.*'image_dir'\?",
        ),
        (lambda: labeler(3), r"^--graph: expected a path, received 3\.$"),
        (lambda: labeler(None), r"^--graph: expected a path, received None\.$"),
        (lambda: labeler(b"model.pb"), r"^--graph: expected a path, received b'model\.pb'\.$"),
        (lambda: retrainer.Labeler(""), r"^--graph: expected a path, received ''\.$"),
        (
            lambda: retrainer.Labeler("model.tflite", top="3"),
            r"^--top: expected a whole number at least 1, received '3'",
        ),
        (lambda: retrainer.Labeler("absent.tflite"), r"^--graph: 'absent\.tflite' does not exist; expected "),
    ],
)
def test_a_wrong_call_from_python_is_an_error_of_options(call: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        call()
    assert len(str(caught.value).splitlines()) <= 2
    assert caught.value.path == ("absent.tflite" if "absent" in message else None)
