import json
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS, Colour, Configure, Photos, jpeg
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from retrainer import RetrainOptions, compare, evaluate, retrain
from retrainer.errors import DatasetError, PackageError, RetrainerError
from retrainer.events import BackboneReady, Event, Noted, PhotoSkipped, StageBegan, TestEvaluated
from retrainer.reporting import Reporter
from scripts.write_formats import SCHEMAS

# Two photos of the last class look like the first one.
CLASSES: dict[str, Colour] = {"blue": (30, 30, 200), "green": (30, 200, 30)}


@pytest.fixture
def root(photos: Photos) -> Path:
    folder = photos(CLASSES, count=10)
    for name, shade in (("a.jpg", (30, 33, 201)), ("b.jpg", (31, 35, 202))):
        (folder / "green" / name).write_bytes(jpeg(shade))
    return folder


@pytest.fixture
def options(root: Path, configured: Configure) -> RetrainOptions:
    return configured(root, folds=2, solver="lbfgs", how_many_training_steps=None, learning_rate=None)


@pytest.fixture
def pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for pandas, which would slow down all tests: pyarrow imports it if it is installed."""
    module: Any = ModuleType("pandas")
    module.DataFrame = dict
    monkeypatch.setitem(sys.modules, "pandas", module)


def test_the_headline_is_that_of_the_folds(root: Path, options: RetrainOptions) -> None:
    result = retrain(options)
    assert result.test
    assert result.cross_validation
    assert result.count == 22 > result.test.count
    assert result.accuracy == 20 / 22
    assert result.interval == (0.721851, 0.974705)
    assert result.confusion.tolist() == [[10, 0], [2, 10]]
    assert result.confusion.dtype == np.dtype(np.int64)
    assert {one.path for one in result.mistakes} == {str(root / "green" / name) for name in ("a.jpg", "b.jpg")}
    assert [(one.label, one.predicted) for one in result.mistakes] == [("green", "blue")] * 2
    assert result.mistakes[0].score > result.mistakes[1].score > 0.5


def test_without_folds_it_is_that_of_the_test_photos_if_there_are_any(options: RetrainOptions) -> None:
    result = retrain(options, folds=0)
    assert result.test
    assert (result.accuracy, result.count) == (result.test.accuracy, result.test.count)
    assert (result.confusion.sum(), result.confusion.shape) == (result.count, (2, 2))
    without = retrain(options, folds=0, testing_percentage=0)
    assert (without.accuracy, without.interval, without.count, without.mistakes) == (None, None, 0, ())
    assert without.confusion.tolist() == [[0, 0], [0, 0]]


def test_the_model_is_a_labeler_that_is_opened_once(root: Path, options: RetrainOptions) -> None:
    result = retrain(options)
    assert result.model is result.model
    assert result.model.labels == result.labels == ("blue", "green")


def test_each_photo_measured_is_a_row_of_a_dataframe(root: Path, options: RetrainOptions, pandas: None) -> None:
    result = retrain(options)
    table: Any = result.to_dataframe()
    assert list(table) == ["path", "label", "predicted", "score", "correct"]
    wrong = [row for row, correct in enumerate(table["correct"]) if not correct]
    assert len(table["path"]) == 22
    assert sorted(table["path"][row] for row in wrong) == sorted(one.path for one in result.mistakes)
    assert {(table["label"][row], table["predicted"][row]) for row in wrong} == {("green", "blue")}
    assert all(0.5 <= score <= 1 for score in table["score"])
    measured = evaluate(result.graph, image_dir=root)
    assert len(measured.to_dataframe()["path"]) == measured.count
    assert retrain(options, folds=0, testing_percentage=0).to_dataframe()["path"] == []


def test_without_pandas_one_line_says_how_to_install_it(
    options: RetrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(PackageError, match=r"^to_dataframe: expected pandas, .*\npip install pandas$"):
        retrain(options).to_dataframe()


def test_results_are_documents(root: Path, options: RetrainOptions) -> None:
    (root / "green" / "broken.jpg").write_bytes(b"")
    trained = retrain(options, learning_curve=True)
    validator(schema_of("retrain", without=("summaries_dir", "next"))).validate(trained.to_dict())
    document = trained.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [one["path"] for one in document["folds"]["mistakes"]] == [one.path for one in trained.mistakes]
    assert len(document["mistakes"]) == trained.test.count * (1 - trained.test.accuracy) if trained.test else False
    assert document["problems"][0]["path"] == str(root / "green" / "broken.jpg")
    measured = evaluate(trained.graph, image_dir=root)
    validator(schema_of("evaluate")).validate(measured.to_dict())
    assert measured.to_dict()["assessment"]["count"] == measured.count
    compared = compare([COLOURS, "no such network"], options)
    validator(schema_of("retrain_compare")).validate(compared.to_dict())
    (backbone,) = compared.backbones
    assert [one.path for one in backbone.mistakes] == [one.path for one in trained.mistakes]
    assert compared.to_dict()["image_dir"] == str(root)


def schema_of(name: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The schema of a document, without the fields that only the command knows."""
    schema: dict[str, Any] = SCHEMAS[f"{name}.json"]
    of_command = {"format", "command", *without}
    return {
        **schema,
        "properties": {name: field for name, field in schema["properties"].items() if name not in of_command},
        "required": [name for name in schema["required"] if name not in of_command],
    }


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    resources = ((name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items())
    return Draft202012Validator(schema, registry=Registry().with_resources(resources))


def test_a_result_is_shown_in_a_few_lines(root: Path, options: RetrainOptions, here: Path) -> None:
    (root / "green" / "broken\n.jpg").write_bytes(b"")
    shown = repr(retrain(options, image_dir="photos", output_graph="graph.pb")).splitlines()
    assert shown[0] == "Retraining: 90.9 % of 22 photos right (2 folds), 95 % interval 72.2 to 97.5 %"
    assert shown[1:5] == [
        "  classes    2: blue, green",
        "  photos     22 of photos; 1 file or folder left out",
        "  backbone   colours",
        "  model      graph.pb",
    ]
    assert shown[5].startswith("  warnings   ")
    texts = shown + repr(evaluate("graph.pb", image_dir="photos")).splitlines()
    texts += repr(compare([COLOURS, "no such network"], options)).splitlines()
    assert all(len(line) <= 80 and line.isprintable() for line in texts)
    assert len(shown) <= 10


def test_errors_of_photos_carry_their_path(root: Path, options: RetrainOptions, here: Path) -> None:
    (here / "empty").mkdir()
    (here / "one" / "class").mkdir(parents=True)
    (here / "one" / "class" / "1.jpg").write_bytes(jpeg((1, 2, 3)))
    for folder in ("empty", "one"):
        with pytest.raises(DatasetError) as error:
            retrain(options, image_dir=folder)
        assert error.value.path == folder
    (root / "green" / "broken.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"^--strict: ") as error:
        retrain(options, strict=True)
    assert error.value.path == str(root / "green" / "broken.jpg")
    with pytest.raises(DatasetError) as error:
        retrain(options, image_dir=([b"1"], ["a"]))
    assert error.value.path is None


class StoppedError(Exception):
    """What an observer raises."""


@pytest.mark.parametrize("stopping", [StageBegan, BackboneReady, PhotoSkipped, TestEvaluated])
def test_what_progress_raises_ends_the_run_unchanged_and_writes_no_model(
    stopping: type[Event], root: Path, options: RetrainOptions
) -> None:
    (root / "green" / "broken.jpg").write_bytes(b"")
    error = StoppedError()

    def stop(event: Event) -> None:
        if isinstance(event, stopping):
            raise error

    with pytest.raises(StoppedError) as raised:
        retrain(options, on_progress=stop)
    assert raised.value is error
    assert not Path(options.output_graph).exists()


@pytest.mark.parametrize("error", [RetrainerError("stop"), OSError(5, "stop"), StoppedError("stop")])
def test_a_comparison_takes_no_error_of_progress_for_one_of_a_backbone(
    error: Exception, options: RetrainOptions
) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, BackboneReady):
            raise error

    with pytest.raises(type(error)) as raised:
        compare([COLOURS], options, on_progress=stop)
    assert raised.value is error


def test_an_error_of_progress_that_somebody_swallows_is_raised_again() -> None:
    error = OSError(5, "stop")

    def stop(event: Event) -> None:
        raise error

    with pytest.raises(OSError, match="stop") as raised, Reporter(stop) as report, suppress(OSError):
        report(Noted("once"))
    assert raised.value is error
