"""Tables of answers in every format, read back by the format's usual reader."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrainer.answers.formats import FORMATS, format_of
from retrainer.answers.output import write_answers
from retrainer.answers.table import FLAG, NUMBER, TEXT, Column, Row, Table, distinct
from retrainer.answers.texts import for_spreadsheet, original, stored
from retrainer.errors import OptionError

HOSTILE = (
    "two\nlines\r\n.jpg",
    "a\tb",
    'it\'s "quoted", and more;',
    "=cmd|'/c calc'!A0",
    "+1",
    "-1",
    "@SUM(1)",
    "a;=1+1",
    "\x1b[31mred\x9b0m\x07",
    "\u202egpj.exe",
    "\ufeffmark",
    "\udcff\udc80",
    "\\u0041 is no A",
    "C:\\users\\photos\\u202e.jpg",
    "x" * 251 + ".jpg",
    "日本語　é",
    "e\u0301",
    "👨\u200d👩\u200d👧",
    "\U000e0041tag",
    "null",
    "NaN",
    "007",
    " space ",
    "",
)
COLUMNS = (Column("path", TEXT), Column("score", NUMBER), Column("rejected", FLAG))
# As CSV cannot tell an empty text from no text, readers get None for both.
ROWS: tuple[Row, ...] = tuple((name, float(np.float32(0.1) * i), i % 2 == 0) for i, name in enumerate(HOSTILE))


def table(rows: Any = ROWS) -> Table:
    return Table("tests", COLUMNS, rows, {"labels": ["\x1b[31m", "é"], "limit": 0.5})


def read_csv(path: Path) -> Iterator[Mapping[str, Any]]:
    flags = {"true": True, "false": False, "": None}
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            score = float(row["score"]) if row["score"] else None
            yield {"path": row["path"], "score": score, "rejected": flags[row["rejected"]]}


READERS: dict[str, Callable[[Path], Any]] = {
    "csv": read_csv,
    "json": lambda path: json.loads(path.read_bytes())["rows"],
    "jsonl": lambda path: map(json.loads, path.read_bytes().splitlines()),
    "parquet": lambda path: pyarrow.parquet.read_table(path).to_pylist(),
}


def written(name: str, tmp_path: Path, rows: Any = ROWS) -> Path:
    path = tmp_path / f"answers{FORMATS[name].suffixes[0]}"
    write_answers(table(rows), name, str(path))
    return path


@given(st.text(st.characters(codec=None)))
def test_every_text_is_stored_on_one_line_of_utf8_and_read_back(text: str) -> None:
    cell = for_spreadsheet(stored(text))
    assert original(cell) == original(stored(text)) == text
    assert len(cell.encode("utf-8").splitlines()) <= 1
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert not any(c < " " or "\x7f" <= c < "\xa0" or c == "\u202e" for c in cell)


@pytest.mark.parametrize("text", [r"\Uffffffff.jpg", r"\U00110000", r"a\U80000000"])
def test_what_is_the_number_of_no_character_stays(text: str) -> None:
    assert original(text) == original(stored(text)) == text


def test_ordinary_texts_stay_as_they_are() -> None:
    for text in (
        "a b/é.jpg",
        r"C:\users\new\x41.jpg",
        "日本語　é",
        "👨\u200d👩\u200d👧",
        "Screenshot 9.41\u202fAM.png",
    ):
        assert for_spreadsheet(stored(text)) == text
    assert stored("a\n\udcff\U000e0041") == r"a\u000a\udcff\U000e0041"
    assert for_spreadsheet("=1;-2") == r"\u003d1;\u002d2"


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_names_come_back_from_every_format(name: str, tmp_path: Path) -> None:
    found = list(READERS[name](written(name, tmp_path)))
    assert [original(row["path"]) for row in found] == list(HOSTILE)
    assert [np.float32(row["score"]) for row in found] == [row[1] for row in ROWS]
    assert [row["rejected"] for row in found] == [row[2] for row in ROWS]


@pytest.mark.parametrize("name", FORMATS)
def test_empty_cells_and_numbers_that_are_none_come_back_as_none(name: str, tmp_path: Path) -> None:
    rows = [("a", None, None), ("b", math.nan, True), ("c", math.inf, False)]
    assert [row["score"] for row in READERS[name](written(name, tmp_path, rows))] == [None] * 3


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_without_rows_is_a_file(name: str, tmp_path: Path) -> None:
    assert list(READERS[name](written(name, tmp_path, []))) == []


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_numbers_are_short_and_the_same_float32(number: float) -> None:
    out = io.BytesIO()
    FORMATS["csv"].write(Table("tests", COLUMNS[1:2], [(number,)]), out)
    text = out.getvalue().decode().splitlines()[1]
    assert np.float32(text) == np.float32(number)
    assert float(format(float(text), ".9g")) == float(text)


def test_a_document_and_a_parquet_file_state_the_facts(tmp_path: Path) -> None:
    content, labels = written("json", tmp_path).read_bytes(), [stored(label) for label in table().facts["labels"]]
    document = json.loads(content)
    assert {**document, "rows": 0} == {"format": 1, "table": "tests", "labels": labels, "limit": 0.5, "rows": 0}
    assert b"\x1b" not in content
    metadata = pyarrow.parquet.read_schema(written("parquet", tmp_path)).metadata
    assert (metadata[b"retrainer"], metadata[b"table"], json.loads(metadata[b"labels"])) == (
        b"1",
        b"tests",
        labels,
    )


def test_names_of_columns_differ_even_without_regard_to_capitals() -> None:
    assert distinct(["crane", "Crane", "crane_2", "x"], ["X"]) == ["crane", "Crane_2", "crane_2_2", "x_2"]


def failing(rows: int) -> Iterator[Row]:
    yield from ROWS[:rows]
    raise RuntimeError("the photos are gone")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_that_streams_keeps_its_rows_and_others_the_file_before(name: str, tmp_path: Path) -> None:
    before = written(name, tmp_path).read_bytes()
    with pytest.raises(RuntimeError):
        written(name, tmp_path, failing(3))
    path = tmp_path / f"answers{FORMATS[name].suffixes[0]}"
    if FORMATS[name].streams:
        assert [original(row["path"]) for row in READERS[name](path)] == list(HOSTILE[:3])
    else:
        assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_the_ending_of_a_name_chooses_the_format() -> None:
    assert format_of("--mistakes", "a.b.CSV") == "csv"
    assert format_of("--output", "a.ndjson", "jsonl") == "jsonl"
    assert format_of("--output", "a.out", "parquet") == "parquet"
    with pytest.raises(OptionError, match=r"--mistakes: expected a name that ends with one of \.csv, .*'a\.tsv'"):
        format_of("--mistakes", "a.tsv")
    with pytest.raises(OptionError, match=r"--format csv and --output 'a\.json' contradict each other"):
        format_of("--output", "a.json", "csv")
