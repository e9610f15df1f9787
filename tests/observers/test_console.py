"""What a run prints on stderr: a line for each stage, and below it what the user should know."""

import re
from pathlib import Path

import pytest
from conftest import COLOURS, Command, Configure, Photos
from terminals import in_terminal

from retrainer import retrain
from retrainer.events import (
    BackboneReady,
    Began,
    Calibrated,
    Detailed,
    Event,
    FilesFound,
    FilesLeftOut,
    FolderScanned,
    FoldTested,
    HeadFitted,
    ModelWritten,
    Noted,
    PhotoMisclassified,
    PhotoSkipped,
    PhotosRead,
    StageBegan,
    StageEnded,
    StepEvaluated,
    Warned,
)
from retrainer.gathering import Gathered
from retrainer.observers.console import Console
from retrainer.observers.log import Log
from retrainer.observers.logs import log_of
from retrainer.observers.problems import Problems
from retrainer.observers.progress import Progress
from retrainer.observers.tf_log import TfLog
from retrainer.options.terminal import TerminalOptions

FEW = "{count} folders have less than 20 images: {names}."
RUN: list[Event] = [
    StageBegan("scan"),
    FolderScanned("photos/roses", 200),
    FolderScanned("photos/tulips", 1059),
    FolderScanned("photos/empty", 0),
    FilesFound(1259, 2),
    Warned("No files found in 'empty': the folder is skipped."),
    FilesLeftOut("2 files, 'a' and 'b'", 2, "hidden by a dot before the name", ("a", "b")),
    StageEnded("scan", 0.01),
    StageBegan("backbone"),
    Began("Building 'lite', once"),
    BackboneReady("pocket"),
    StageEnded("backbone", 0.4),
    StageBegan("bottlenecks"),
    PhotoSkipped("a.jpg", "the file is empty"),
    PhotoSkipped("b\n.jpg", "expected JPEG"),
    PhotoSkipped("c.jpg", "expected JPEG"),
    PhotosRead(1256, 2, 1000),
    StageEnded("bottlenecks", 2.0),
    Detailed("Nobody wants to know"),
    Noted("Since the last model: 3 photos new"),
    StageEnded("bottlenecks", 19.94),
    StageBegan("folds"),
    FoldTested(1, 2, 0.9, 600),
    FoldTested(2, 2, 1.0, 656),
    StageEnded("folds", 0.8),
    StageBegan("training"),
    StepEvaluated(0, 0.2, 1.6, 0.25, 1.7, 127),
    HeadFitted(0.93, 127),
    PhotoMisclassified("photos/roses/1.jpg", "tulips"),
    Calibrated(0.7, (0.2, 0.1), (0.04, 0.03), 0.02, 125),
    StageEnded("training", 0.12),
    StageBegan("writing"),
    ModelWritten({"pb": "a.pb", "tflite": "a.tflite"}),
    StageEnded("writing", 0.2),
]
PRINTED = [
    "Found 1,259 files in 2 classes · 2 left out",
    "Warning: No files found in 'empty': the folder is skipped.",
    "Warning: Left out 2 files, 'a' and 'b': hidden by a dot before the name.",
    "Building 'lite', once",
    "Prepared backbone pocket (built in) in 0.4 s",
    "Read 1,256 photos in 2 classes in 19.9 s · 256 from the cache · 3 skipped",
    "Since the last model: 3 photos new",
    "Warning: Skipped 3 files that cannot be read: 'a.jpg', 'b\\n.jpg' and 1 more.",
    "Cross-validated in 0.8 s: 95.2 % of 1,256 photos right, 2 folds",
    "Fitted in 0.1 s: 93.0 % of 127 validation photos right",
]


def printed(events: list[Event], log: Log, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with log:
        for event in events:
            log(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in err
    return err.splitlines()


def test_a_line_for_each_stage_with_what_matters_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(RUN, Console(), capsys) == PRINTED


def test_what_begins_stands_below_what_came_before(capsys: pytest.CaptureFixture[str]) -> None:
    events = [Began("Comparing 'a'"), FoldTested(1, 1, 0.5, 8), Warned("Beware."), Began("Comparing 'b'")]
    assert printed(events, Console(), capsys) == [
        "Comparing 'a'",
        "Cross-validated: 50.0 % of 8 photos right, 1 fold",
        "Warning: Beware.",
        "Comparing 'b'",
    ]


def test_folds_and_a_learning_curve_show_how_far_they_are(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, int, int]] = []
    monkeypatch.setattr(Progress, "show", lambda _, what, done, total: shown.append((what, done, total)))
    retrain(configured(photos(count=20), learning_curve=True), on_progress=Console())
    assert [one for one in shown if one[0] == "Testing folds"] == [("Testing folds", n, 5) for n in range(1, 6)]
    curve = "Measuring the learning curve"
    assert [one for one in shown if one[0] == curve] == [(curve, done, 5) for done in range(1, 6)]


def test_verbose_prints_every_step_note_and_warning_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(RUN, Console(TerminalOptions(verbose=True), lists_misclassified=True), capsys)
    assert [line for line in lines if line not in PRINTED] == [
        "  'photos/roses': 200 files",
        "  'photos/tulips': 1,059 files",
        "  'photos/empty': 0 files",
        "Warning: Skipped 'a.jpg': the file is empty.",
        "Warning: Skipped 'b\\n.jpg': expected JPEG.",
        "Warning: Skipped 'c.jpg': expected JPEG.",
        "  Nobody wants to know",
        "  Since the last model: 3 photos new",
        "  Fold 1 of 2: 90.0 % of 600 photos right",
        "  Fold 2 of 2: 100.0 % of 656 photos right",
        "  Step 0: 20.0 % of training right, 25.0 % of validation; cross entropy 1.6000",
        "  Temperature 0.700: log loss 0.200 → 0.100, calibration error 0.040 → 0.030 (by chance 0.020) on 125 test "
        "photos",
        "Taken for tulips: photos/roses/1.jpg",
    ]
    assert lines.index("Warning: Skipped 'a.jpg': the file is empty.") < lines.index("  Nobody wants to know")


def test_quiet_prints_nothing_and_the_table_has_both_logs(capsys: pytest.CaptureFixture[str]) -> None:
    for log in ("stages", "tf"):
        assert printed(RUN, log_of(TerminalOptions(quiet=True, log=log)), capsys) == []
    assert type(log_of(TerminalOptions())) is Console
    lines = printed(RUN, log_of(TerminalOptions(log="tf")), capsys)
    assert type(log_of(TerminalOptions(log="tf"))) is TfLog
    assert all(re.match("(INFO|WARNING):tensorflow:", line) for line in lines)
    assert "INFO:tensorflow:Fold 2 of 2: accuracy = 100.0% (N=656)" in lines


def test_an_error_ends_the_log_with_what_was_found_until_then(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console(FolderScanned("photos/roses", 3))
    console(PhotoSkipped("a.jpg", "the file is empty"))
    console.__exit__(OSError, OSError("full"), None)
    assert capsys.readouterr().err == "Warning: Skipped 'a.jpg': the file is empty.\n"


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (1, "Folder has less than 20 images. 'c0' has 3."),
        (2, "2 folders have less than 20 images: 'c0' (3) and 'c1' (3)."),
        (3, "3 folders have less than 20 images: 'c0' (3), 'c1' (3) and 1 more."),
        (1200, "1,200 folders have less than 20 images: 'c0' (3), 'c1' (3) and 1,198 more."),
    ],
)
def test_warnings_of_a_kind_are_one_line_with_two_names(count: int, line: str) -> None:
    gathered = Gathered()
    for number in range(count):
        gathered.add(Warned(f"Folder has less than 20 images. 'c{number}' has 3.", FEW, f"'c{number}' (3)"))
    assert list(gathered.taken()) == [line]
    assert list(gathered.taken()) == []


def test_a_warning_may_stand_for_many_and_a_name_may_look_like_a_place() -> None:
    gathered = Gathered()
    gathered.add(Warned("one", FEW, "'{count}{names}'"))
    gathered.add(Warned("seven more", FEW, count=7))
    gathered.add(Warned("another"))
    assert list(gathered.taken()) == ["8 folders have less than 20 images: '{count}{names}' and 7 more.", "another"]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_lines_are_wrapped_between_words(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = printed(RUN, Console(), capsys)
    assert max(map(len, lines)) <= columns
    assert " ".join(" ".join(lines).split()) == " ".join(PRINTED)
    assert not any(line.startswith("%") for line in lines)


def test_all_problems_are_listed_with_their_reasons(tmp_path: Path) -> None:
    table = tmp_path / "problems.csv"
    problems = Problems(str(table))
    problems.write(problems)
    assert (str(problems), table.exists()) == ("", False)
    for event in (*RUN, PhotoSkipped("=1+1\udcff.jpg", 'a "reason", with more')):
        problems(event)
    assert str(problems) == "4 files skipped, 2 files or folders left out, 1 warning"
    problems.write(problems)
    assert table.read_text(encoding="utf-8").split("\n") == [
        "kind,path,problem",
        "warning,,No files found in 'empty': the folder is skipped.",
        "left out,a,hidden by a dot before the name",
        "left out,b,hidden by a dot before the name",
        "skipped,a.jpg,the file is empty",
        r"skipped,b\u000a.jpg,expected JPEG",
        "skipped,c.jpg,expected JPEG",
        r'skipped,\u003d1+1\udcff.jpg,"a ""reason"", with more"',
        "",
    ]
    Problems(str(table)).write(problems)
    assert table.read_text() == "kind,path,problem\n"


def test_a_table_that_cannot_be_written_at_the_end_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    problems, events = Problems(str(tmp_path / "folder")), list[Event]()
    problems(Warned("Beware."))
    problems.write(events.append)
    (event,) = events
    assert isinstance(event, Warned)
    assert event.message.startswith("--problems: the problems are not listed. ")


@pytest.fixture
def many(photos: Photos) -> Path:
    """120 classes of four photos, of which some cannot be read; names are hostile or long."""
    shades = {f"class {number:03d} \x1b[1m": (number * 2, 255 - number * 2, number) for number in range(119)}
    root = photos({**shades, "=cmd()\n": (0, 0, 9)}, count=4)
    for number in range(119):
        (root / f"class {number:03d} \x1b[1m" / "odd.jpg").write_bytes(b"no picture")
    return root


ARGUMENTS: tuple[str | Path, ...] = ("-m", "retrainer", "retrain", "--architecture", COLOURS)


@pytest.mark.parametrize("columns", [40, 80])
def test_120_classes_fit_a_screen_and_no_word_is_broken(
    columns: int, many: Path, model_dir: Path, tmp_path: Path
) -> None:
    # A bar would be in the text, though it is taken away from the screen.
    line = [*ARGUMENTS, "--image_dir", many.name, "--model_dir", model_dir, "--progress", "none"]
    text = in_terminal(line, columns, tmp_path)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    lines = plain.split("\nNext:")[0].splitlines()
    assert lines[0].startswith("Found 599 files in 120 classes")
    assert "\x1b[33mWarning: 120 folders have less than" in text
    if columns == 80:
        assert len(plain.splitlines()) <= 30, plain
    assert max(map(len, lines)) <= columns, plain
    assert "Skipped 119 files that cannot be read" in " ".join(plain.split())
    assert "Problems 119 files skipped" in " ".join(plain.split())
    assert len((tmp_path / "tf_files" / "problems.csv").read_text().splitlines()) > 239


def test_quiet_leaves_the_summary(command: Command, many: Path, model_dir: Path) -> None:
    line = ("retrain", "--image_dir", many, "--model_dir", model_dir, "--architecture", COLOURS)
    done = command(*line, "-q")
    assert (done.returncode, done.stderr) == (0, "")
    assert "tf_files/problems.csv" in done.stdout
    refused = command(*line, "-qv")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        "Error: --quiet and --verbose: expected at most one of them.",
    )
    misspelt = command(*line, "-quite")
    assert misspelt.stderr.startswith("Error: No such flag: -quite.")
