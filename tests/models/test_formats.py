"""FORMATS.md says what the code does."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import Configure, Photos

import retrainer
from retrainer import Labeler, LabelOptions, evaluate, history, retrain
from retrainer.answer_tables import table_of_labels, table_of_mistakes
from retrainer.answers.texts import for_spreadsheet, stored
from retrainer.backbones import bundle
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.events import silent
from retrainer.measuring import run_record_fields
from retrainer.measuring.remembered_split import RememberedSplit
from retrainer.models import metadata
from retrainer.models.graph import graphdef
from retrainer.models.metadata_fields import SECTIONS, TABLE
from retrainer.models.tflite.associated_files import file_in
from retrainer.observers import problems
from retrainer.observers.runs import RunHistory
from retrainer.photos.copies.table import COLUMNS
from retrainer.sorting import record
from retrainer.system.documents import OTHERS, Table

PAGE = Path(retrainer.__file__).parent / "models" / "FORMATS.md"
TEXT = PAGE.read_text(encoding="utf-8")


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the tables between a heading and the next one."""
    (section,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:1] == "|"]
    return [row for row in rows if row[0].startswith("`")]


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("The metadata", TABLE),
        *((f"`{name}`", table) for name, table in SECTIONS.items()),
        ("A bundle", bundle._TABLE),
        ("The history of runs", history.TABLE),
        ("The record of a run", run_record_fields.TABLE),
        ("Figures of a record", run_record_fields.FIGURES),
        ("`training_curve`", run_record_fields.TRAINING_CURVE),
        ("`learning_curve`", run_record_fields.LEARNING_CURVE),
        ("`copies`", run_record_fields.COPIES),
        ("`test`", history.FIGURES),
        ("`folds`", history.FOLDS),
    ],
)
def test_every_field_is_listed_with_its_limits(heading: str, table: Table) -> None:
    listed = {row[0].strip("`"): row[1] for row in rows_under(heading)}
    assert listed == {name: field.expected for name, field in table.items() if name != OTHERS}
    optional = {row[0].strip("`") for row in rows_under(heading) if "; optional" in row[2]}
    if heading != "`training`":
        assert optional == {name for name, field in table.items() if not field.required}


def test_the_nodes_and_members_of_a_model_are_listed(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos(count=30)))
    nodes = [row[0].strip("`") for row in rows_under("The `.pb`")]
    written = [node.name for node in graphdef.read_graph(result.files["pb"]).node]
    assert [name for name in written if name in nodes] == nodes
    content = Path(result.tflite).read_bytes()
    members = [row[0].strip("`") for row in rows_under("The `.tflite`")]
    assert members == [metadata.LABELS_FILE, metadata.METADATA_FILE, metadata.PROTOTYPES_FILE]
    assert all(file_in(content, result.tflite, name) for name in members)


def test_the_columns_of_tables_are_listed(photos: Photos, configured: Configure) -> None:
    options = configured(photos())
    retrain(options)
    listed = {
        row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in rows_under("The cache") if "Parquet" not in row
    }
    for folder in Path(options.bottleneck_dir).glob("*/"):
        name = folder.name if folder.name in listed else "<backbone>-<key>"
        assert pq.ParquetFile(next(folder.glob("part-*"))).schema_arrow.names == listed[name]
    assert [row[0].strip("`") for row in rows_under("The table of duplicates")] == list(COLUMNS)
    assert [row[0].strip("`") for row in rows_under("The table of problems")] == list(problems.COLUMNS)


def test_the_columns_of_the_list_of_a_sorting_are_listed() -> None:
    assert [row[0].strip("`") for row in rows_under("The list of a sorting")] == [one.name for one in record.COLUMNS]


def test_the_columns_of_the_table_of_scores_are_listed(photos: Photos, configured: Configure) -> None:
    path = retrain(configured(photos(count=20), folds=4)).files["scores"]
    assert pq.read_schema(path).names == [row[0].strip("`") for row in rows_under("The table of scores")]


def test_bytes_that_are_not_utf_8_are_written_as_described(tmp_path: Path) -> None:
    FileIndex(tmp_path, silent).add(["/a/\udcff.jpg"], np.array([[1, 1, 1]]), np.zeros((1, 32), np.uint8))
    (written,) = tmp_path.rglob("part-*")
    assert pq.read_table(written, partitioning=None)["path"].to_pylist() == [r"/a/\udcff.jpg"]
    assert TEXT.count(r"as `\udcNN`") == 3
    assert r"\x" not in TEXT


def test_the_hash_of_a_split_is_made_as_described(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    options = configured(photos(count=20), testing_percentage=99, validation_percentage=0, copies="apart")
    path = str(tmp_path / "runs.jsonl")
    result = retrain(options, on_progress=RunHistory(path, silent))
    lines = []
    remembered = RememberedSplit.from_metadata(Labeler(result.graph).metadata.split)
    assert remembered
    for photo in Path(options.image_dir).rglob("*.jpg"):
        digest = hashlib.sha256(photo.read_bytes()).digest()
        (part,) = remembered.known_parts(np.frombuffer(digest, np.uint8)[np.newaxis]).tolist()
        lines.append(f"{digest.hex()} {part} {photo.parent.name}\n")
    (run,) = history.read_runs(path, silent)
    assert run.record["split"] == hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def test_the_columns_and_facts_of_answers_are_listed(photos: Photos, configured: Configure) -> None:
    result = retrain(configured(photos()))
    labeler = Labeler(result.graph)
    labels = table_of_labels(labeler, LabelOptions(top=2), [], all_scores=True)
    mistakes = table_of_mistakes(evaluate(result.graph, image_dir=str(photos())))
    for table in (labels, mistakes):
        listed = [name for row in rows_under(f"`{table.name}`") for name in re.findall(r"`(\w+…?)`", row[0])]
        columns = [column.name for column in table.columns]
        assert [name for name in listed if name in columns] == [name for name in columns if "_of_" not in name]
        assert set(listed) - set(columns) == {"score_of_…", *table.facts}
    assert [row[0].strip("`") for row in rows_under("Answers")] == ["csv", "jsonl", "json", "parquet"]


def test_the_rule_of_texts_is_the_one_described() -> None:
    (code,) = re.findall(r"```python\n(.*)\n```", TEXT)
    section = TEXT.split("### Texts")[1].split("- a byte")[0]
    listed = re.findall(r"U\+(\w+)(?: to U\+(\w+))?", section.partition("\n\n- ")[2])
    odd = {*range(0xD800, 0xE000)}.union(*(range(int(first, 16), int(last or first, 16) + 1) for first, last in listed))
    assert {character for character in range(0x110000) if stored(chr(character)) != chr(character)} == odd
    text = "\n\udcff\\u0041=\U000e0041"
    assert eval(code, {"re": re, "text": for_spreadsheet(stored(text))}) == text


def test_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif not target.startswith("https:"):
            assert (PAGE.parent / target.partition("#")[0]).exists(), target
