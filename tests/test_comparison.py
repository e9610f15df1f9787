import os
from pathlib import Path

import numpy as np
import pytest
from conftest import COLOURS, Command, Configure, Photos

from retrainer import preparation
from retrainer.cli.comparison_words import comparison_lines
from retrainer.cli.retrain import RetrainFlags, run
from retrainer.comparison import compare
from retrainer.errors import DatasetError, OptionError
from retrainer.events import Event, PhotoSkipped
from retrainer.measuring.assessment import assess
from retrainer.measuring.paired import Paired
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.files import PhotoFiles
from retrainer.preparation import Prepared
from retrainer.reporting import Reporter, Stopwatch
from retrainer.results.comparison import Compared, Comparison


def test_backbones_are_compared_and_the_best_is_first(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    """`pocket` sees more than the mean colour, but these photos are nothing but a colour."""
    root = photos({"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}, count=20)
    (root / "red" / "empty.jpg").write_bytes(b"")
    events: list[Event] = []
    result = compare(
        ["pocket", COLOURS, "no such network", COLOURS], configured(root, folds=4), on_progress=events.append
    )
    assert {backbone.architecture for backbone in result.backbones} == {"pocket", COLOURS}
    accuracies = [backbone.assessment.accuracy for backbone in result.backbones]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] == 1.0
    for backbone in result.backbones:
        assert backbone.assessment.count == 60
        assert backbone.photos_per_second > 0
    best, other = result.backbones
    assert best.to_best is None
    assert other.to_best
    assert other.to_best.count == 60
    assert other.to_best.difference == pytest.approx(other.assessment.accuracy - best.assessment.accuracy)
    assert other.to_best.interval[0] <= other.to_best.difference <= other.to_best.interval[1]
    sizes = {backbone.architecture: backbone.model_bytes for backbone in result.backbones}
    assert 100 * sizes[COLOURS] < sizes["pocket"]
    ((failed, reason),) = result.failed
    assert failed == "no such network"
    assert "--architecture: expected" in reason
    assert len([event for event in events if isinstance(event, PhotoSkipped)]) == 1
    assert not list((tmp_path / "out").glob("graph*"))


def test_a_text_and_no_names_are_no_list_of_names() -> None:
    with pytest.raises(OptionError, match="expected a list of names, received the text 'pocket'"):
        compare("pocket", "photos")
    with pytest.raises(OptionError, match="expected at least one backbone, received none"):
        compare([], "photos")


def test_the_photos_must_be_fit_to_compare_on(photos: Photos, configured: Configure) -> None:
    root = photos()
    (root / "red" / "empty.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match="--strict: "):
        compare([COLOURS], configured(root, strict=True, folds=None))
    with pytest.raises(DatasetError, match=r"Expected at least 500 different photos, one for each fold, received 24"):
        compare([COLOURS], configured(root, folds=500))
    with pytest.raises(OptionError, match="--compare: expected no --learning_curve beside it"):
        RetrainFlags(image_dir=str(root), compare=COLOURS, learning_curve=True)
    with pytest.raises(OptionError, match="--compare: expected backbones with commas between, received ' ,'"):
        run(RetrainFlags(image_dir=str(root), compare=" ,"))
    with pytest.raises(OptionError, match="--image_dir"):
        compare([COLOURS], configured(root / "absent", folds=None))


def test_backbones_are_compared_on_the_photos_that_both_could_read(
    photos: Photos, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = list[str]()

    def prepare(options: RetrainOptions, report: Reporter, stopwatch: Stopwatch, files: PhotoFiles) -> Prepared:
        names.append(options.backbone.network)
        if options.architecture != COLOURS:
            os.remove(files.paths[5])
        return preparation.prepare(options, report, stopwatch, files=files)

    monkeypatch.setattr("retrainer.comparison.prepare", prepare)
    result = compare([COLOURS, "pocket"], configured(photos(count=20), folds=4))
    assert names == [COLOURS, "pocket"]
    assert [one.assessment.count for one in result.backbones if one.architecture == "pocket"] == [39]
    (pair,) = [one.to_best for one in result.backbones if one.to_best]
    assert pair.count == 39


def test_differences_to_the_best_are_printed_below_the_table() -> None:
    figures = assess(("a", "b"), np.eye(2, dtype=np.float32), np.array([0, 1]))
    pairs = Paired(100, 1, 9, -0.08, (-0.1451, -0.0204)), Paired(100, 3, 4, -0.0004, (-0.0649, 0.044))
    names = "efficientnet_lite0@288_quantized", "b"
    others = [Compared(name, figures, 9.0, 10**6, pair) for name, pair in zip(names, pairs, strict=True)]
    lines = list(comparison_lines(Comparison((Compared("best", figures, 9.0, 10**6), *others), ())))
    assert lines[4:8] == [
        "",
        "Difference to the most accurate in points, on the same photos in the same folds:",
        "  efficientnet_lite0@288_… -8.0, -14.5 to -2.0",
        "  b                        0.0, -6.5 to 4.4: chance can explain that",
    ]
    assert max(map(len, lines)) <= 80


def test_a_table_is_printed_and_a_failure_is_exit_code_1(
    photos: Photos, configured: Configure, command: Command
) -> None:
    options = configured(photos(count=20))
    line = ("retrain", "--image_dir", options.image_dir, "--model_dir", options.model_dir, "--compare")
    done = command(*line, COLOURS)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["backbone", "accuracy", "95", "%", "interval", "photos/s", "model"]
    assert lines[2].startswith("colours")
    assert " 100.0 % 91.2 to 100.0 %" in lines[2]
    assert max(map(len, lines[:4])) <= 80
    assert lines[-1] == "To use the most accurate, replace `--compare …` by: --architecture colours"
    done = command(*line, "nonsense")
    assert done.returncode == 1
    assert "No backbone could be compared." in done.stdout
    assert "Error: --compare: 'nonsense': expected efficientnet_lite0@288, pocket" in done.stderr
