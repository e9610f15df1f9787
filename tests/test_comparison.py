from pathlib import Path

import pytest
from conftest import COLOURS, Command, Configure, Photos

from retrainer.cli.retrain import RetrainFlags, run
from retrainer.comparison import compare
from retrainer.errors import DatasetError, OptionError
from retrainer.events import Event, PhotoSkipped


def test_backbones_are_compared_and_the_best_is_first(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    """`pocket` sees more than the mean colour, but these photos are nothing but a colour."""
    root = photos({"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}, count=20)
    (root / "red" / "empty.jpg").write_bytes(b"")
    events: list[Event] = []
    result = compare(["pocket", COLOURS, "no such network", COLOURS], configured(root, folds=4), events.append)
    assert {backbone.architecture for backbone in result.backbones} == {"pocket", COLOURS}
    accuracies = [backbone.assessment.accuracy for backbone in result.backbones]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] == 1.0
    for backbone in result.backbones:
        assert backbone.assessment.count == 60
        assert backbone.photos_per_second > 0
    sizes = {backbone.architecture: backbone.model_bytes for backbone in result.backbones}
    assert 100 * sizes[COLOURS] < sizes["pocket"]
    ((failed, reason),) = result.failed
    assert failed == "no such network"
    assert "--architecture: expected" in reason
    assert len([event for event in events if isinstance(event, PhotoSkipped)]) == 1
    assert not list((tmp_path / "out").glob("graph*"))


def test_the_photos_must_be_fit_to_compare_on(photos: Photos, configured: Configure) -> None:
    root = photos()
    (root / "red" / "empty.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match="--strict: "):
        compare([COLOURS], configured(root, strict=True))
    with pytest.raises(DatasetError, match=r"Expected at least 500 different photos, one for each fold, received 24"):
        compare([COLOURS], configured(root, folds=500))
    with pytest.raises(OptionError, match="--compare: expected no --learning_curve beside it"):
        RetrainFlags(image_dir=str(root), compare=COLOURS, learning_curve=True)
    with pytest.raises(OptionError, match="--compare: expected backbones with commas between, received ' ,'"):
        run(RetrainFlags(image_dir=str(root), compare=" ,"))
    with pytest.raises(OptionError, match="--image_dir"):
        compare([COLOURS], configured(root / "absent"))


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
    assert lines[-1] == "  --architecture colours"
    done = command(*line, "nonsense")
    assert done.returncode == 1
    assert "No backbone could be compared." in done.stdout
    assert "Error: --compare: 'nonsense': expected efficientnet_lite0@288, pocket" in done.stderr
