"""`retrainer label` writes tables, and says what holds for all photos."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from conftest import Command, Configure, Photos, jpeg

from retrainer import Labeler, Retraining, retrain
from retrainer.errors import PictureError


@pytest.fixture
def result(photos: Photos, configured: Configure) -> Retraining:
    return retrain(configured(photos(count=30)))


@pytest.fixture
def new(tmp_path: Path) -> list[str]:
    """A red photo, a text, and a blue photo, which no class is like."""
    (tmp_path / "red.jpg").write_bytes(jpeg((220, 60, 60)))
    (tmp_path / "text.jpg").write_text("Dear diary")
    (tmp_path / "blue.jpg").write_bytes(jpeg((30, 30, 200)))
    return [str(tmp_path / name) for name in ("red.jpg", "text.jpg", "blue.jpg")]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_for_each_photo_in_the_order_given(result: Retraining, new: list[str], command: Command) -> None:
    done = command("label", "--graph", result.graph, "--format", "csv", "--all_scores", *new)
    assert done.returncode == 1
    assert done.stderr == (
        "1 photo is unreadable; the column 'error' says why.\n"
        "1 of 2 photos is unlike all photos that the model learnt from; --reject leaves it out.\n"
    )
    known, unreadable, strange = rows_of(done.stdout)
    assert list(known) == [
        *("path", "label", "score", "rejected", "distance", "error", "label_2", "score_2"),
        *("score_of_green", "score_of_red"),
    ]
    found = Labeler(result.graph)(new[0])
    assert not isinstance(found, PictureError)
    (label, score), (second, least) = found.ranking
    assert [known["label"], known["label_2"]] == [label, second] == ["red", "green"]
    assert [float(known[name]) for name in ("score", "score_2", "distance")] == pytest.approx(
        [score, least, found.distance], abs=1e-8
    )
    assert (known["rejected"], known["error"], known["score_of_red"]) == ("false", "", known["score"])
    assert unreadable.pop("error").startswith("expected JPEG")
    assert unreadable.pop("path") == new[1]
    assert set(unreadable.values()) == {""}
    assert (strange["label"] != "", strange["rejected"]) == (True, "true")


def test_reject_leaves_the_labels_of_strange_photos_out(result: Retraining, new: list[str], command: Command) -> None:
    done = command("label", "--graph", result.graph, "--format=jsonl", "--reject", "--top=9", new[0], new[2])
    assert (done.returncode, done.stderr) == (0, "")
    known, strange = map(json.loads, done.stdout.splitlines())
    assert (known["label"], known["rejected"]) == ("red", False)
    names = ("label", "score", "label_2", "score_2", "error", "rejected")
    assert [strange[name] for name in names] == [None] * 5 + [True]
    assert strange["distance"] > 1
    assert list(strange) == list(known)


def test_a_model_that_cannot_tell_leaves_the_distance_out(
    photos: Photos, configured: Configure, new: list[str], command: Command
) -> None:
    graph = retrain(configured(photos(), validation_percentage=0)).graph
    done = command("label", "--graph", graph, "--format", "json", new[2])
    document = json.loads(done.stdout)
    assert (document["limit"], document["rows"][0]["distance"], document["rows"][0]["rejected"]) == (None, None, None)
    assert done.stderr == ""


def test_a_file_has_what_standard_output_would_have(
    result: Retraining, new: list[str], command: Command, tmp_path: Path
) -> None:
    for name in ("a.csv", "a.json", "a.ndjson", "deep/a.parquet", "a.txt"):
        done = command("label", "--graph", result.graph, "--output", name, *new)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        chosen = {".ndjson": "jsonl", ".txt": "text"}.get(Path(name).suffix, Path(name).suffix[1:])
        with (tmp_path / "direct").open("wb") as out:
            command("label", "--graph", result.graph, "--format", chosen, *new, capture_output=False, stdout=out)
        content, direct = (tmp_path / name).read_bytes(), (tmp_path / "direct").read_bytes()
        assert content.count(b"\n") == direct.count(b"\n")
        if chosen != "text":  # its times differ
            assert content == direct


BAD = [
    (["--format", "csv", "--output", "a.parquet"], r"--format csv and --output 'a\.parquet' contradict each other"),
    (["--json", "--format", "csv"], r"--json and --format csv contradict each other"),
    (["--json", "--output", "a.csv"], r"--format json and --output 'a\.csv' contradict each other"),
    (["--output", "a.tsv"], r"--output: expected a name that ends with one of \.txt, \.csv, .* received 'a\.tsv'"),
    (["--output", "photo.jpg"], r"--output: expected a table, received 'photo.jpg', the name of a picture"),
    (["--output", "new"], r"--output: expected a file's name, received the folder 'new'"),
    (["--output", ""], r"--output: expected a path, received ''"),
    (["--format", "xml"], r"--format: expected one of text, csv, json, jsonl, parquet, received 'xml'"),
    (["--all_scores"], r"--all_scores: expected a table, received the format text"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value)[:40])
def test_contradictions_are_refused_before_any_work(
    arguments: list[str], message: str, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    done = command("label", "photo.jpg", *arguments)
    assert done.returncode == 2, done
    assert re.search(message, done.stderr), done.stderr
    assert (done.stdout, [path.name for path in tmp_path.iterdir()]) == ("", ["new"])


def test_answers_are_not_written_over_what_is_read(
    result: Retraining, new: list[str], command: Command, tmp_path: Path
) -> None:
    table, labels = tmp_path / "list.csv", tmp_path / "labels.txt"
    content = f"path\n{new[0]}\n"
    table.write_text(content)
    (tmp_path / "linked.jsonl").symlink_to(table)
    labels.write_text("green\nred\n")
    own = "Error: --output: expected a file of its own, received a file that is read, "
    for asked, what in (
        ((str(table), "--output", "list.csv"), "'list.csv'"),
        (("--image", str(table), "--output", "linked.jsonl"), "'linked.jsonl'"),
        ((new[0], "--labels", "labels.txt", "--output", "labels.txt"), "'labels.txt'"),
    ):
        done = command("label", "--graph", result.graph, *asked)
        assert (done.returncode, done.stderr.splitlines()[0]) == (2, f"{own}{what}.")
    with table.open() as given:
        done = command("label", "--graph", result.graph, "-", "--output", "list.csv", stdin=given)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, f"{own}'list.csv'.")
    assert (table.read_text(), labels.read_text()) == (content, "green\nred\n")


def test_the_file_of_answers_is_named_with_their_number(result: Retraining, new: list[str], command: Command) -> None:
    done = command("label", "--graph", result.graph, "--output", "a.csv", *new)
    assert done.stderr.startswith("Wrote the answers for 3 photos to 'a.csv'.\n1 photo is unreadable;")
    assert done.stdout == ""
