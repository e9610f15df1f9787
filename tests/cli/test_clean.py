"""`retrainer clean`: what it prints, what it proposes next, and flags that do not go together."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import COLOURS, Photos
from suspecting import suspects

from retrainer.cleaning import looking
from retrainer.cli import clean as cli_clean
from retrainer.cli.clean import CleanFlags
from retrainer.cli.clean import run as run_flags
from retrainer.cli.clean_words import effect_lines
from retrainer.cli.commands import commands, run
from retrainer.errors import OptionError
from retrainer.measuring.cleaning_effect import CleaningEffect
from retrainer.measuring.paired import Paired
from retrainer.pages.clean.shown import ShownPhotos
from retrainer.photos.clean_list.file import read_clean_list
from retrainer.photos.clean_list.finding import Action, Decision
from retrainer.photos.clean_list.list_file import ListFile
from retrainer.serving import review
from retrainer.system.terminal import say

Run = Callable[..., str]


@pytest.fixture
def clean(
    photos: Photos,
    model_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs the command in the test's folder on 40 photos; returns what it prints, on stderr if it fails."""
    photos(count=20)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(looking, "find", suspects)

    def start(*arguments: str, code: int = 0, place: str = "photos") -> str:
        with pytest.raises(SystemExit) as ended:
            run(
                commands,
                ["clean", place, "--architecture", COLOURS, "--model_dir", str(model_dir), *arguments],
                "retrainer",
            )
        printed = capsys.readouterr()
        assert ended.value.code == code, printed.err
        return printed.err if code else printed.out

    return start


def test_it_prints_counts_the_surest_findings_and_the_next_commands(clean: Run, model_dir: Path) -> None:
    printed = clean()
    lines = printed.splitlines()
    assert all(len(line) <= 80 or line.startswith("  retrainer ") for line in lines)
    assert lines[:4] == [
        "",
        "Wrong labels      2 (2 to relabel)",
        "Copies            3 (3 to set aside)",
        "Decided           0 of 4 photos with findings",
    ]
    assert "The surest 5 of 5 undecided findings:" in lines
    start = lines.index("  photos/green/000.jpg")
    assert lines[start + 1] == "    Wrong label: Looks like red (0.90). Relabel it to 'red'?"
    assert "Written           tf_files/clean.csv" in lines
    flags = f"--architecture {COLOURS} --model_dir {model_dir}"
    assert lines[lines.index("Next:") + 1 :] == [
        f"  retrainer clean photos {flags} --interactive",
        f"  retrainer clean photos {flags} --accept all",
    ]


def test_what_is_accepted_can_be_measured_retrained_and_moved(clean: Run, model_dir: Path) -> None:
    printed = clean("--accept", "copy", "--measure", "--page", "findings.html")
    actions = [row.decision.action for row in read_clean_list("tf_files/clean.csv").rows]
    assert Action.SET_ASIDE in actions
    assert Action.RELABEL not in actions
    assert Path("findings.html").read_text("utf-8").startswith("<!doctype html>")
    assert "Decisions         " in printed
    assert "set aside, 0 relabelled" in printed
    lines = printed.splitlines()
    flags = f"--architecture {COLOURS} --model_dir {model_dir}"
    assert f"  retrainer retrain photos {flags} --clean_list tf_files/clean.csv" in lines
    assert f"  retrainer clean photos {flags} --apply" in lines
    assert f"  retrainer clean photos {flags} --measure" not in lines
    assert f"  retrainer clean photos {flags} --measure" in clean().splitlines()


def test_findings_among_test_photos_are_said_to_be_left_alone(clean: Run) -> None:
    printed = clean("--testing_percentage", "80", "--accept", "all")
    left = [row for row in read_clean_list("tf_files/clean.csv").rows if row.finding.part == "testing"]
    assert left
    assert {row.decision.action for row in left} == {Action.NONE}
    assert "Test photos " in printed
    assert "(test photo)" in printed


def test_the_log_leaves_out_what_the_result_lists_as_findings(
    photos: Photos,
    model_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["clean", "photos", "--architecture", COLOURS, "--model_dir", str(model_dir)]
    root = photos(count=20)
    (root / "red" / "text.jpg").write_bytes(b"text")
    (root / "red" / "0.jpg").write_bytes((root / "green" / "000.jpg").read_bytes())
    (root / "blue").mkdir()
    (root / "green" / "001.jpg").rename(root / "blue" / "001.jpg")
    (root / "blue" / "blue.jpg").write_bytes((root / "green" / "002.jpg").read_bytes())
    (root / "empty").mkdir()
    for flags, some in (((), False), (("--verbose",), True)):
        with pytest.raises(SystemExit):
            run(commands, [*command, *flags], "retrainer")
        said = " ".join(capsys.readouterr().err.split())
        assert [text in said for text in ("text.jpg", "less than 20", "copies of another", "same file")] == 4 * [some]
        assert "'empty': the folder is skipped" in said


def test_without_findings_it_says_so(clean: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "find", lambda _: [])
    printed = clean()
    assert printed.splitlines()[1:] == [
        "Findings          none in 40 photos",
        "Written           tf_files/clean.csv",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"apply": True, "undo": True}, "--undo: expected no --apply beside it"),
        ({"undo": True, "accept": "all"}, "--undo: expected no --accept beside it"),
        ({"apply": True, "json": True}, "--apply: expected no --json beside it"),
        ({"apply": True, "interactive": True}, "--apply: expected no --interactive beside it"),
        ({"interactive": True, "json": True}, "--interactive: expected no --json beside it"),
        ({"interactive": True, "measure": True}, "--interactive: expected no --measure beside it"),
        ({"port": 8080}, "--port: expected --interactive beside it"),
        ({"interactive": True, "port": 80}, "--port: expected a whole number at least 1,024 and at most 65,535, or 0"),
        ({"interactive": True, "port": 70_000}, "received 70000"),
        ({"page": "page.csv"}, "--page: expected a page in HTML, received 'page.csv', the name of a table"),
        ({"page": "list", "clean_list": "list"}, "--page: expected a file of its own"),
        ({"image_dir": "photos.csv", "clean_list": "photos.csv"}, "--clean_list: expected a file of its own"),
        ({"folds": 1}, "--folds: expected a whole number at least 2"),
        ({"testing_percentage": 60, "validation_percentage": 50}, "expected less than 100 together"),
    ],
)
def test_flags_that_do_not_go_together_are_errors(
    given: dict[str, object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError) as error:
        CleanFlags(**given)  # type: ignore[arg-type]
    assert message in str(error.value)


def test_an_unknown_kind_and_absent_photos_are_one_line(clean: Run) -> None:
    said = clean("--accept", "labels", code=2)
    assert "Error: --accept: expected all, or some of label, copy" in said
    assert "other" not in said
    assert "Did you mean 'label'?" in said
    assert "Did you mean" not in clean("--accept", "nonsense", code=2)
    assert not Path("tf_files/clean.csv").exists()
    assert "Error:" in clean("--image_dir", "elsewhere", code=2)


def test_what_decisions_bring_is_said_in_words() -> None:
    def effect(pair: Paired, changed: int = 5) -> list[str]:
        return list(effect_lines(CleaningEffect(changed, 0, 5, 0.8, 0.8 + pair.difference, pair)))

    assert effect(Paired(100, 0, 0, 0.0, (-0.03, 0.03)), 0) == [
        "Decisions         none change a photo, so there is no difference"
    ]
    unreadable = CleaningEffect(0, 0, 5, 0.8, 0.8, Paired(100, 0, 0, 0.0, (-0.03, 0.03)), unreadable=2)
    assert "none change a photo that can be read" in "".join(effect_lines(unreadable))
    assert "3 photos set aside (2 more cannot be read), 0 relabelled" in "".join(
        effect_lines(replace(unreadable, set_aside=3))
    )
    assert effect(Paired(100, 0, 0, 0.0, (-0.03, 0.03)))[-1] == "Difference        none: the same photos are right"
    chance = effect(Paired(100, 3, 1, 0.02, (-0.03, 0.07)))
    assert chance == [
        "Decisions         5 photos set aside, 0 relabelled",
        "Accuracy          80.0 % without them, 82.0 % with them",
        "                  (by 5 folds, on the 100 photos that no decision changes)",
        "Difference        2.0, -3.0 to 7.0 points with 95 % confidence",
        "                  Only with the decisions 3 are right, only without them 1:",
        "                  chance can explain that.",
    ]
    sure = effect(Paired(100, 20, 0, 0.2, (0.1, 0.3)))
    assert sure[-1] == "                  Only with the decisions 20 are right, only without them 0."
    assert repr(CleaningEffect(5, 0, 5, 0.8, 0.82, Paired(100, 3, 1, 0.02, (-0.03, 0.07)))).splitlines() == [
        "CleaningEffect: 80.0 % without the decisions, 82.0 % with them",
        "  decisions  5 photos set aside, 0 relabelled",
        "  measured   100 photos that no decision changes, by 5 folds",
        "  difference 2.0, -3.0 to 7.0 points with 95 % confidence; chance can explain it",
    ]


def test_the_document_has_the_findings_and_the_effect(clean: Run) -> None:
    document = json.loads(clean("--accept", "all", "--measure", "--json"))
    assert document["command"] == "clean"
    assert document["clean_list"] == "tf_files/clean.csv"
    assert len(document["findings"]) == 5
    assert document["effect"]["count"] == 40 - document["effect"]["set_aside"] - document["effect"]["relabelled"]


def test_what_is_set_aside_is_moved_and_comes_back(clean: Run, photos: Photos) -> None:
    root = Path("photos")
    before = {path: path.read_bytes() for path in sorted(root.rglob("*.jpg"))}
    assert "list of decisions" in clean("--apply", code=2)
    clean("--accept", "copy")
    moved = clean("--apply")
    left = {path: path.read_bytes() for path in sorted(root.rglob("*.jpg"))}
    assert 0 < len(left) < len(before)
    assert moved.startswith(f"Moved {len(before) - len(left)} photo")
    assert "photos.set_aside'." in moved
    assert moved.splitlines()[-2].endswith(" --clean_list tf_files/clean.csv")
    assert moved.splitlines()[-1].endswith(" --undo")
    assert clean("--apply") == "No photo was moved.\n"
    proposed = clean()
    assert "--clean_list tf_files/clean.csv" in proposed
    assert "--apply" not in proposed
    assert "--measure" not in proposed
    assert clean("--undo").startswith(f"Moved {len(before) - len(left)} photo")
    assert {path: path.read_bytes() for path in sorted(root.rglob("*.jpg"))} == before
    assert "nothing was moved" in clean("--undo", code=2)


def test_it_proposes_to_move_no_photos_of_an_archive(clean: Run) -> None:
    shutil.make_archive("photos", "zip", "photos")
    lines = clean("--accept", "copy", place="photos.zip").splitlines()
    proposed = lines[lines.index("Next:") + 1 :]
    assert any(line.startswith("  retrainer retrain photos.zip ") for line in proposed)
    assert not any("--apply" in line for line in proposed)


def test_without_photos_nothing_is_moved_or_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given in ({}, {"apply": True}, {"undo": True}):
        with pytest.raises(OptionError, match="PHOTOS is missing"):
            run_flags(CleanFlags(**given))  # type: ignore[arg-type]


def test_decisions_in_a_browser_end_with_their_count(clean: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(path: str, photos: ShownPhotos, *, port: int, on_ready: Callable[[str], None]) -> tuple[int, int]:
        on_ready(f"http://127.0.0.1:{port}/token/")
        assert photos.classes
        with ListFile(path) as file:
            return file.update(lambda known: known.decided_rows([0], Decision(action=Action.KEEP))).progress()

    said: list[str] = []

    def heard(text: str, *, err: bool = False) -> None:
        said.append(text)
        say(text, err=err)

    monkeypatch.setattr(cli_clean, "say", heard)
    monkeypatch.setattr(review, "serve_review", serve)
    printed = clean("--interactive", "--port", "8765")
    assert "Decided           1 of 4 photos with findings" in printed
    assert "The surest" not in printed
    assert said[1] == "Ended with 1 of 4 photos and classes decided."
