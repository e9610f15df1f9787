"""Answers are read by the tools that people use: each that is installed reads back every text, and runs none."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_answers import ROWS, written

from retrainer.answers.texts import original

pytestmark = pytest.mark.slow
# A reader of CSV may take an empty text, or the words null and NaN, for no text.
NOTHING = ("", "null", "NaN")


def assert_read(rows: list[dict[str, Any]], *, typed: bool = True) -> None:
    """All rows are there, in their order, with their texts, numbers and flags."""
    assert len(rows) == len(ROWS)
    for found, (path, score, rejected) in zip(rows, ROWS, strict=True):
        text = found["path"]
        if path in NOTHING and not isinstance(text, str):
            text = path
        assert original(text) == path
        if typed:
            assert np.float32(found["score"]) == np.float32(score)
            assert bool(found["rejected"]) == rejected


def run(*line: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in line], capture_output=True, cwd=cwd, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8")


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_pandas_reads_them(name: str, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    path = written(name, tmp_path)
    if name == "csv":
        frame = pandas.read_csv(path, keep_default_na=False)
    elif name == "jsonl":
        frame = pandas.read_json(path, lines=True, dtype=False)
    else:
        frame = pandas.read_parquet(path)
    assert_read(frame.to_dict("records"))


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_duckdb_reads_them(name: str, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    path = written(name, tmp_path)
    found = duckdb.sql(f"select * from '{path}'")
    assert_read([dict(zip(found.columns, row, strict=True)) for row in found.fetchall()])
    ((count,),) = duckdb.sql(f"select count(*) from '{path}' where rejected").fetchall()
    assert count == sum(bool(row[2]) for row in ROWS)


@pytest.mark.parametrize(("name", "query"), [("json", ".rows[]"), ("jsonl", ".")])
def test_jq_reads_them(name: str, query: str, tmp_path: Path) -> None:
    if not shutil.which("jq"):
        pytest.skip("jq is not installed")
    lines = run("jq", "-c", query, written(name, tmp_path)).splitlines()
    assert_read([json.loads(line) for line in lines])


@pytest.mark.parametrize(("name", "how"), [("csv", "--csv"), ("jsonl", "--nl")])
def test_sqlite_utils_inserts_them(name: str, how: str, tmp_path: Path) -> None:
    pytest.importorskip("sqlite_utils", reason="sqlite-utils is not installed")
    path, database = written(name, tmp_path), tmp_path / "answers.db"
    run(sys.executable, "-m", "sqlite_utils", "insert", database, "answers", path, how)
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("select * from answers")]
    connection.close()
    assert_read(rows, typed=name == "jsonl")


def test_libreoffice_computes_no_formula(tmp_path: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if not office:
        pytest.skip("LibreOffice is not installed")
    path = written("csv", tmp_path)
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    run(office, profile, "--headless", "--convert-to", "fods", "--infilter=CSV:44,34,76", path, cwd=tmp_path)
    sheet = path.with_suffix(".fods").read_text(encoding="utf-8")
    assert "table:formula" not in sheet
    assert "\\u003dcmd" in sheet


def test_awk_and_cut_find_a_row_on_each_line(tmp_path: Path) -> None:
    path = written("csv", tmp_path)
    assert run("wc", "-l", path).split()[0] == str(len(ROWS) + 1)
    assert run("tail", "-n", "1", path).rstrip("\n").endswith("false" if len(ROWS) % 2 == 0 else "true")
