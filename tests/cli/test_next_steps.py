import shlex
from dataclasses import replace

import numpy as np
from conftest import Command, Configure, Photos

from retrainer import Retraining
from retrainer.cli.next_steps import next_steps
from retrainer.cli.retrain import RetrainFlags
from retrainer.measuring.assessment import Assessment, assess
from retrainer.measuring.measured import Measured
from retrainer.options.retraining import RetrainOptions

OPTIONS = RetrainOptions(image_dir="photos")
EVALUATE, REPORT = "  retrainer evaluate", "  retrainer report"
LOGS = "tf_files/retrain_logs"
BOARD = "  tensorboard --logdir tf_files/retrain_logs"
BEST = "  retrainer retrain photos --preset best"


def figures(right: int) -> Assessment:
    """A hundred photos of two classes, of which some are right."""
    label_ids = np.arange(100) % 2
    predicted = np.where(np.arange(100) < right, label_ids, 1 - label_ids)
    return assess(("daisy", "rose"), np.eye(2, dtype=np.float32)[predicted], label_ids)


def result(right: int = 100) -> Retraining:
    return Retraining(
        files={"pb": "tf_files/retrained_graph.pb"},
        labels=("daisy", "rose"),
        backbone="efficientnet_lite0@288",
        photos=2000,
        computed=0,
        distorted=0,
        skipped=0,
        test=figures(right),
        cross_validation=None,
        learning_curve=None,
        seconds={},
        photo="photos/a rose/1.jpg",
    )


def test_the_next_commands_label_and_evaluate() -> None:
    lines = next_steps(result(), OPTIONS, LOGS)
    label = "  retrainer label 'photos/a rose/1.jpg'"
    assert lines == ["", "Next:", label, EVALUATE, REPORT, BOARD]
    unmeasured = replace(result(), test=None, photo="")
    assert next_steps(unmeasured, OPTIONS, LOGS)[-4:] == [
        "  retrainer label PHOTO",
        REPORT,
        BOARD,
        BEST,
    ]


def test_a_run_that_wrote_a_report_does_not_propose_one() -> None:
    assert REPORT not in next_steps(result(), RetrainFlags(image_dir="photos", report="report.html"), LOGS)


def test_the_best_preset_is_proposed_if_it_may_help() -> None:
    assert next_steps(result(right=94), OPTIONS, LOGS)[-1] == BEST
    assert next_steps(result(right=95), OPTIONS, LOGS)[-2:] == [REPORT, BOARD]
    assert next_steps(result(right=50), replace(OPTIONS, preset="best"), LOGS)[-2:] == [REPORT, BOARD]
    assert next_steps(replace(result(right=50), backbone="mine"), OPTIONS, LOGS)[-2:] == [REPORT, BOARD]


def test_the_proposed_command_keeps_what_was_given() -> None:
    options = RetrainOptions(
        image_dir="my photos", strict=True, learning_rate=0.5, architecture="pocket", random_crop=3, preset="fast"
    )
    assert next_steps(result(right=50), options, LOGS)[-1] == (
        "  retrainer retrain 'my photos' --strict --learning_rate 0.5 --random_crop 3 --preset best"
    )


def test_the_proposed_command_keeps_the_flags_of_reports() -> None:
    options = RetrainFlags(image_dir="photos", runs_file="mine.jsonl", print_misclassified_test_images=True, quiet=True)
    assert next_steps(result(right=50), options, LOGS)[-1] == (
        "  retrainer retrain photos --print_misclassified_test_images --runs_file mine.jsonl --preset best"
    )


def test_a_folder_named_tilde_is_not_the_home() -> None:
    here = replace(result(), files={"pb": "~/graph.pb"}, photo="~user/1.jpg")
    assert next_steps(here, OPTIONS, LOGS)[2:4] == [
        "  retrainer label './~user/1.jpg' --graph './~/graph.pb'",
        "  retrainer evaluate --graph './~/graph.pb'",
    ]


def test_a_folder_that_begins_with_a_hyphen_is_no_flag() -> None:
    assert next_steps(replace(result(), photo="-new/1.jpg"), OPTIONS, LOGS)[2] == "  retrainer label ./-new/1.jpg"


def test_a_run_ends_with_commands_that_work(
    photos: Photos, configured: Configure, command: Command, model_dir: object
) -> None:
    options = configured(photos(count=20))
    arguments = ("--image_dir", options.image_dir, "--model_dir", model_dir, "--architecture", "colours")
    done = command("retrain", *arguments, "--testing_percentage", "20")
    lines = done.stdout.splitlines()
    place = lines.index("Next:")
    assert "Preset" not in done.stderr
    *ours, board = map(shlex.split, lines[place + 1 :])
    for line in ours:
        assert command(*line[1:]).returncode == 0, line
    assert len(ours) == 3
    assert board == ["tensorboard", "--logdir", LOGS]


def test_clean_is_proposed_if_there_are_sure_mistakes() -> None:
    run = replace(OPTIONS, architecture="pocket", seed=3, folds=7, output_graph="model.pb", clean_list="list.csv")
    label_ids = np.zeros(4, np.int64)
    for score, proposed in ((0.95, True), (0.85, False)):
        scores = np.tile(np.array([1 - score, score], np.float32), (4, 1))
        measured = Measured(("daisy", "rose"), ("1.jpg",) * 4, label_ids, scores)
        steps = next_steps(replace(result(right=95), test_photos=measured), run, LOGS)
        assert ("  retrainer clean photos --seed 3 --clean_list list.csv --architecture pocket" in steps) == proposed
