"""The table of output formats: each row is a file of the model, and a row may come from outside."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import COLOURS, Configure, Photos

from retrainer import Labeler, LabelOptions, retrain
from retrainer.backbones.available import find_bundle
from retrainer.backbones.bundle import write_bundle
from retrainer.cli.summary import summary
from retrainer.errors import OptionError
from retrainer.events import Event, ModelKept
from retrainer.models.metadata import ModelMetadata
from retrainer.models.twins import path_with
from retrainer.output_formats import FORMATS, Contents, OutputFormat, TrainedModel, formats_of


def description(model: TrainedModel, others: Contents) -> bytes:
    """The model's metadata, and how long its other files are."""
    return json.dumps(
        {**json.loads(model.metadata.to_json()), "sizes": {n: len(c) for n, c in others.items()}}
    ).encode()


@pytest.fixture
def table() -> Iterator[dict[str, OutputFormat]]:
    """The table, to be changed."""
    rows = dict(FORMATS)
    yield FORMATS
    FORMATS.clear()
    FORMATS.update(rows)


@pytest.fixture
def json_row(table: dict[str, OutputFormat]) -> None:
    table["json"] = OutputFormat(".json", description)


@pytest.fixture
def graphless(model_dir: Path, tmp_path: Path) -> str:
    """A folder of bundles whose backbone has no TensorFlow graph."""
    whole = find_bundle(COLOURS, str(model_dir))
    write_bundle(tmp_path / "models", whole, whole.tflite_path.read_bytes(), None)
    return str(tmp_path / "models")


def test_the_files_of_a_run_are_those_of_the_table(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    result = retrain(configured(photos()))
    names = {"pb": "graph.pb", "tflite": "graph.tflite", "labels": "labels.txt", "run": "graph.run.json"}
    assert list(result.files.items()) == [(name, str(tmp_path / "out" / file)) for name, file in names.items()]
    assert (result.graph, result.tflite) == tuple(result.files.values())[:2]


@pytest.mark.usefixtures("json_row")
def test_a_row_from_outside_is_a_file_beside_the_model(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    options = configured(photos())
    result = retrain(options)
    path = tmp_path / "out" / "graph.json"
    assert list(result.files) == ["pb", "tflite", "json", "labels", "run"]
    assert result.files["json"] == str(path)
    assert f"                {path}\n" in "\n".join(summary(result))
    document = json.loads(path.read_bytes())
    # Nothing stands below it in the table.
    assert document.pop("sizes") == {}
    assert ModelMetadata.from_json(json.dumps(document).encode(), "").labels == result.labels
    # It is kept with the model, and so is the one before.
    first = path.read_bytes()
    retrain(replace(options, how_many_training_steps=5))
    assert path.with_name("graph.previous.json").read_bytes() == first


def test_the_file_of_a_row_overwrites_no_other_output(
    photos: Photos, configured: Configure, tmp_path: Path, table: dict[str, OutputFormat]
) -> None:
    table["text"] = OutputFormat(".txt", description)
    with pytest.raises(OptionError, match="expected different files"):
        retrain(configured(photos(), output_labels=str(tmp_path / "out" / "graph.txt")))


def test_a_row_gets_the_contents_of_those_below_it(
    photos: Photos, configured: Configure, table: dict[str, OutputFormat]
) -> None:
    options = configured(photos(), intermediate_store_frequency=150)
    plain = Path(retrain(options).graph).read_bytes()
    rows = {"json": OutputFormat(".json", description), **table}
    table.clear()
    table.update(rows)
    events: list[Event] = []
    result = retrain(options, on_progress=events.append)
    assert result.graph.endswith("graph.json")
    sizes = {name: Path(result.files[name]).stat().st_size for name in ("pb", "tflite")}
    assert json.loads(Path(result.graph).read_bytes())["sizes"] == sizes
    assert Path(result.files["pb"]).read_bytes() == plain
    # An intermediate model is the first row alone.
    (kept,) = (Path(event.path) for event in events if isinstance(event, ModelKept))
    assert kept.name == "intermediate_150.json"
    assert json.loads(kept.read_bytes())["sizes"] == {}


@pytest.mark.usefixtures("json_row")
def test_a_backbone_without_a_graph_gives_no_format_that_needs_one(
    photos: Photos, configured: Configure, graphless: str, tmp_path: Path
) -> None:
    bundle = find_bundle(COLOURS, graphless)
    assert list(formats_of(bundle)) == ["tflite", "json"]
    options = configured(photos(), output_graph=str(tmp_path / "out" / "graph.tflite"), model_dir=graphless)
    options = replace(options, intermediate_store_frequency=150)
    events: list[Event] = []
    result = retrain(options, on_progress=events.append)
    assert list(result.files) == ["tflite", "json", "labels", "run"]
    assert result.graph == result.tflite == options.output_graph
    assert Labeler(LabelOptions(graph=result.graph)).labels == result.labels
    assert [Path(event.path).name for event in events if isinstance(event, ModelKept)] == ["intermediate_150.tflite"]


@pytest.mark.usefixtures("json_row")
def test_a_file_that_no_command_runs_is_kept_and_is_no_previous_model(
    photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    options = configured(photos())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "graph.json").write_text("of another model")
    assert retrain(options).previous is None
    assert (tmp_path / "out" / "graph.previous.json").read_text() == "of another model"


PATHS = [
    ("a/g.pb", "a/g.pb", "a/g.tflite", "a/g.json"),
    ("g.tflite", "g.pb", "g.tflite", "g.json"),
    ("g", "g", "g.tflite", "g.json"),
    ("g.v2", "g.v2", "g.v2.tflite", "g.v2.json"),
]


@pytest.mark.parametrize(("given", "graph", "twin", "document"), PATHS)
def test_each_file_of_a_model_is_found_by_any_of_its_names(given: str, graph: str, twin: str, document: str) -> None:
    found = [str(path_with(given, suffix)) for suffix in (".pb", ".tflite", ".json")]
    assert found == [graph, twin, document]
