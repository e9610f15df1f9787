import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import Configure, Photos

from retrainer import Retraining, retrain
from retrainer.cli.assessment_words import assessment_lines
from retrainer.cli.comparison_words import comparison_lines
from retrainer.cli.summary import summary
from retrainer.cli.words import learning_curve_lines, wrapped
from retrainer.events import (
    Event,
    FilesLeftOut,
    FolderScanned,
    FolderSkipped,
    ModelKept,
    PhotoMisclassified,
    PhotoSkipped,
    StepEvaluated,
    TestEvaluated,
    Warned,
    in_turn,
)
from retrainer.measuring.assessment import Assessment, assess
from retrainer.measuring.cross_validation import CrossValidation
from retrainer.measuring.learning_curve import ClassWorth, CurvePoint, LearningCurve
from retrainer.measuring.paired import Paired
from retrainer.observers.tf_log import TfLog
from retrainer.results.comparison import Compared, Comparison

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?"
STEP = StepEvaluated(499, 0.96, 0.2468013579, 0.88, 0.5, 100)


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (
            STEP,
            [
                rf"INFO:tensorflow:{TIME}: Step 499: Train accuracy = 96\.0%",
                rf"INFO:tensorflow:{TIME}: Step 499: Cross entropy = 0\.246801",
                rf"INFO:tensorflow:{TIME}: Step 499: Validation accuracy = 88\.0% \(N=100\)",
            ],
        ),
        (TestEvaluated(0.914, 362), [r"INFO:tensorflow:Final test accuracy = 91\.4% \(N=362\)"]),
        (FolderScanned("photos/a\nb", 3), [r"INFO:tensorflow:Looking for images in 'photos/a\\nb'"]),
        (Warned("Beware."), [r"WARNING:tensorflow:Beware\."]),
        (PhotoSkipped("a.jpg", "the file is empty"), [r"WARNING:tensorflow:Skipped 'a.jpg': the file is empty\."]),
        (
            ModelKept("dir/intermediate_10.pb"),
            [r"INFO:tensorflow:Save intermediate result to : dir/intermediate_10\.pb"],
        ),
        (
            PhotoMisclassified("photos/roses/1.jpg", "tulips"),
            [
                r"INFO:tensorflow:=== MISCLASSIFIED TEST IMAGES ===",
                rf"INFO:tensorflow:{' ' * 52}photos/roses/1\.jpg  tulips",
            ],
        ),
    ],
)
def test_log_lines_are_those_of_2017(event: Event, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with TfLog(lists_misclassified=True) as log:
        log(event)
    out, err = capsys.readouterr()
    assert out == ""
    printed = err.splitlines()
    assert len(printed) == len(lines)
    assert all(re.fullmatch(pattern, line) for pattern, line in zip(lines, printed, strict=True)), printed


def test_what_is_missed_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with TfLog() as log:
        log(PhotoSkipped("a\n.jpg", "the file is empty"))
        log(FolderSkipped("photos/\x1b[1m", "the folder cannot be listed: Permission denied"))
        log(FilesLeftOut("2 files, 'a' and 'b'", 2, "in no class folder", ()))
    assert capsys.readouterr().err.splitlines() == [
        "WARNING:tensorflow:Skipped 'a\\n.jpg': the file is empty.",
        "ERROR:tensorflow:Missed photos of 'photos/\\x1b[1m': the folder cannot be listed: Permission denied.",
        "WARNING:tensorflow:Left out 2 files, 'a' and 'b': in no class folder.",
    ]


def test_misclassified_photos_are_listed_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with TfLog() as log:
        log(PhotoMisclassified("a.jpg", "b"))
    assert capsys.readouterr().err == ""


def test_without_validation_there_is_no_validation_line(capsys: pytest.CaptureFixture[str]) -> None:
    with TfLog() as log:
        log(StepEvaluated(0, 1.0, 0.1, float("nan"), float("nan"), 0))
    assert "Validation" not in capsys.readouterr().err


def assessed(predicted: list[int]) -> Assessment:
    """Ten daisies and ten roses, of three classes, taken for some class each."""
    return assess(("daisy", "roses", "none"), np.eye(3, dtype=np.float32)[predicted], np.repeat([0, 1], 10))


def result(**given: object) -> Retraining:
    values: dict[str, object] = {
        "files": {
            "pb": "tf_files/my graph.pb",
            "tflite": "tf_files/my graph.tflite",
            "labels": "tf_files/labels.txt",
        },
        "labels": ("daisy", "roses", "none"),
        "backbone": "pocket",
        "photos": 1250,
        "computed": 1000,
        "distorted": 0,
        "skipped": 2,
        "test": assessed([0] * 9 + [1] * 6 + [0] * 5),
        "cross_validation": None,
        "learning_curve": None,
        "seconds": {"scan": 0.01, "backbone": 7.2, "bottlenecks": 1.26, "training": 0.3, "writing": 0.1},
    }
    return Retraining(**{**values, **given})  # type: ignore[arg-type]


def test_the_end_of_a_run() -> None:
    lines = summary(result())
    assert lines == [
        "",
        "Test accuracy     70.0 % of 20 photos that the model did not learn from",
        "                  48.1 to 85.5 % with 95 % confidence",
        "Balanced accuracy 70.0 %",
        "Weakest class     roses, 5 of 10 right",
        "Backbone          pocket (built in)",
        "Written           tf_files/my graph.pb",
        "                  tf_files/my graph.tflite",
        "                  tf_files/labels.txt",
    ]
    assert max(map(len, lines)) <= 80


def test_the_end_of_other_runs() -> None:
    assert summary(result(test=None))[1].startswith("Test accuracy     unknown")
    assert not any("pocket" in line or "default" in line for line in summary(result(backbone="other")))
    assert not any("Weakest" in line for line in summary(result(test=assessed([0] * 10 + [1] * 10))))


def test_a_line_does_not_end_between_a_number_and_its_percent_sign() -> None:
    for width in range(60, 66):
        lines = wrapped("", f"{'x' * width} 63.2 % of all")
        assert any(line.rstrip().endswith("63.2 %") or " 63.2 % " in line for line in lines), width


def test_the_advice_of_a_learning_curve() -> None:
    points = (CurvePoint(100, 0.8, (0.77, 0.83), 0.79), CurvePoint(200, 0.87, (0.84, 0.9), 0.86))
    worths = tuple(ClassWorth(label, 0.03 - 0.01 * place, 0.005) for place, label in enumerate(("a", "b", "c", "d")))
    curve = LearningCurve(points, (400, 0.9), worths, ("a",), tells=True)

    def advised(**given: object) -> str:
        lines = list(learning_curve_lines(replace(curve, **given)))  # type: ignore[arg-type]
        return " ".join(line.strip() for line in lines[4:])

    rises = "Log loss rises without half of a class's photos: a 0.030 ± 0.010, b 0.020 ± 0.010, c 0.010 ± 0.010."
    assert advised() == f"{rises} Doubling the photos of a would help most."
    assert advised(help_most=("a", "b")).endswith(" Doubling the photos of a or b would help most.")
    assert advised(help_most=()) == f"{rises} No class clearly stands out; more photos of all classes would help."
    assert advised(help_most=(), twice=(400, 0.872)).endswith("and more photos like these would hardly help.")


def test_the_gain_of_more_photos_is_expected_only_if_the_curve_tells() -> None:
    points = (CurvePoint(100, 0.8, (0.77, 0.83), 0.79), CurvePoint(200, 0.87, (0.84, 0.9), 0.86))
    flat = (replace(points[0], interval=(0.75, 0.85)), points[1])
    curve = LearningCurve(points, (400, 0.9), (ClassWorth("a", 0.03, 0.005),), (), tells=True)
    assert "      400    90.0 %   to be expected" in "\n".join(learning_curve_lines(curve))
    few = list(learning_curve_lines(replace(curve, tells=False)))
    assert not any("expected" in line for line in few)
    assert few[3:] == [f"{'':<18}There are too few photos to tell what more would bring."]
    unclear = " ".join(line.strip() for line in learning_curve_lines(replace(curve, points=flat)))
    assert "expected" not in unclear
    assert unclear.endswith("No class stands out, and the curve does not tell whether more photos would help.")
    assert max(map(len, learning_curve_lines(curve))) <= 80


def cross_validated(predicted: list[int], accuracies: tuple[float, ...]) -> CrossValidation:
    """The figures of folds on the photos of `assessed`."""
    scores = np.eye(3, dtype=np.float32)[predicted]
    tested_by = np.arange(20) % len(accuracies) + 1
    return CrossValidation(accuracies, assessed(predicted), (0.14, 0.076), scores, tested_by)


def test_the_accuracy_of_folds_stands_above_that_of_the_single_split() -> None:
    folds = cross_validated([0] * 9 + [1] * 6 + [0] * 5, (0.25, 0.5, 0.75, 1.0, 1.0))
    two = assess(("daisy", "roses", "none"), np.eye(3, dtype=np.float32)[[0, 0]], np.array([0, 1]))
    lines = summary(result(cross_validation=folds, test=two))
    assert lines[1:7] == [
        "Accuracy          70.0 % of 20 photos, 48.1 to 85.5 % with 95 % confidence",
        "                  (5 folds of unseen photos: 25.0 to 100.0 %)",
        "Balanced accuracy 70.0 %",
        "Weakest class     roses, 5 of 10 right",
        "Calibration error 0.300 (about 0.000 by chance), log loss 4.835",
        "Test accuracy     50.0 % by the model itself on 2 test photos, 9.5 to 90.5 %",
    ]
    assert max(map(len, lines)) <= 80
    untested = summary(result(cross_validation=folds, test=None))
    assert untested[1:6] == lines[1:6]
    assert not any(line.startswith("Test") for line in untested)


def test_the_figures_of_many_classes_fit_a_line() -> None:
    labels = [f"a class with quite a long name, number {number}" for number in range(30)]
    scores = np.full((60, 30), 0.01, np.float32)
    scores[np.arange(60), np.arange(60) % 30] = 0.7
    lines = list(assessment_lines(assess(labels, scores, np.r_[np.arange(30), np.zeros(30, np.int64)])))
    assert max(map(len, lines)) <= 80
    assert "     1  a class with quite a lo… -> a class with quite a lo…" in lines
    few = list(assessment_lines(assess(("a", "b"), np.eye(2, dtype=np.float32), np.array([0, 1]))))
    assert few[-2:] == ["1 a                         1    0", "2 b                         0    1"]


def test_of_many_classes_the_worst_are_listed() -> None:
    labels = [f"class {number:03d}" for number in range(120)]
    label_ids = np.repeat(np.arange(120), 10)
    predicted = np.where((label_ids < 15) & (np.arange(1200) % 10 > label_ids // 3), (label_ids + 1) % 120, label_ids)
    figures = assess(labels, np.eye(120, dtype=np.float32)[predicted], label_ids)
    lines = list(assessment_lines(figures))
    worst = sorted(figures.classes, key=lambda one: one.f1 or 0.0)[:10]
    start = next(place for place, line in enumerate(lines) if line.startswith("class  "))
    assert [line[:9] for line in lines[start + 1 : start + 11]] == [one.label for one in worst]
    assert lines[start + 11] == "These have the lowest F1; --json lists 110 more classes."
    assert len(lines) <= 30
    assert any(re.fullmatch(r"Top-2 accuracy    [\d.]+ %; top-3 .* %; top-5 .* %; top-10 .* %", line) for line in lines)


def test_figures_fit_forty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = assessed([0] * 9 + [1] * 6 + [0] * 5)
    points = (CurvePoint(10_000, 0.8, (0.77, 0.83), 0.79), CurvePoint(20_000, 1.0, (1.0, 1.0), 1.0))
    curve = LearningCurve(points, (40_000, 0.9), (ClassWorth("a", 0.03, 0.005),), ("a",), tells=True)
    folds = cross_validated([0] * 9 + [1] * 6 + [0] * 5, (0.25, 0.5))
    compared = [Compared(name, figures, 9999.0, 10**8, Paired(100, 3, 11, -0.08, (-0.145, -0.02))) for name in "ab"]

    def lines() -> list[str]:
        return [
            *assessment_lines(figures),
            *summary(result(cross_validation=folds, learning_curve=curve)),
            *comparison_lines(Comparison(tuple(compared), ())),
        ]

    wide = lines()
    monkeypatch.setenv("COLUMNS", "40")
    narrow = lines()
    assert max(map(len, narrow)) <= 40
    assert max(map(len, wide)) <= 80
    words = set(" ".join(wide).split())
    table = {"photos/s", "model", "backbone", "\\", "true", "class", "predicted", "->"}
    assert not {word for word in " ".join(narrow).split() if word.isalpha()} - words - table


def test_observers_from_outside_are_called_with_every_event(photos: Photos, configured: Configure) -> None:
    class Accuracies:
        """An observer from outside: keeps what it wants to know."""

        def __init__(self) -> None:
            self.seen: list[float] = []

        def __call__(self, event: Event) -> None:
            if isinstance(event, TestEvaluated):
                self.seen.append(event.accuracy)

    accuracies, events = Accuracies(), list[Event]()
    result = retrain(configured(photos(count=20)), on_progress=in_turn(accuracies, events.append))
    assert accuracies.seen == [result.accuracy]
    assert sum(isinstance(event, FolderScanned) for event in events) == 2
