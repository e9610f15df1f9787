"""Flags and commands that do not exist are answered by what people mean."""

import re

import click
import pytest

from retrainer.cli import commands, meanings
from retrainer.cli.commands import COMMANDS, command_named


def known(name: str) -> list[str]:
    return [flag for one in command_named(name).params if isinstance(one, click.Option) for flag in one.opts]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert commands._exit_code(commands.commands, arguments, "retrainer") == 2
    problem, fix = capsys.readouterr().err.splitlines()
    assert problem.startswith("Error: No such flag: -" if len(arguments) > 1 else "Error: No command '")
    return fix


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("retrain --epochs 3", "--how_many_training_steps N"),
        ("retrain --batch-size=3", "--train_batch_size N"),
        ("retrain --batch_size 3", "--train_batch_size N"),
        ("retrain --lr 1", "--learning_rate X"),
        ("retrain --model x", "--architecture NAME"),
        ("retrain --img-size 3", "NAME@SIZE"),
        ("retrain --data x", "--image_dir FOLDER"),
        ("retrain --output x", "--output_graph FILE"),
        ("retrain --device gpu", "--runtime tensorflow"),
        ("label --model x", "--graph FILE"),
        ("label --data x", "--image PHOTO"),
        ("label --image_dir x", "--image PHOTO"),
        ("evaluate --data x", "--image_dir FOLDER"),
        ("evaluate --output x.csv", "--mistakes FILE.csv"),
        ("fetch --model x", "`retrainer fetch NAME`"),
        ("retrain -epochs 3", "--how_many_training_steps N"),
        ("train", "`retrainer retrain PHOTOS`"),
        ("predict", "`retrainer label PHOTO`"),
        ("test", "`retrainer evaluate`"),
        ("export", "`retrainer retrain PHOTOS`"),
        ("Compare", "--compare NAME,NAME"),
    ],
)
def test_names_of_other_programs_are_answered(arguments: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer in said(capsys, *arguments.split())


def test_a_near_name_is_proposed_and_a_far_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "retrain", "--learning-rte", "3") == "Did you mean --learning_rate?"
    assert said(capsys, "retrain", "--print") == "Did you mean --print_misclassified_test_images?"
    assert said(capsys, "evalute") == "Did you mean evaluate?"
    assert said(capsys, "retrain", "--qwertz") == "`retrainer retrain --help` lists the flags."
    assert said(capsys, "retrain", "-\x1b[31m") == "`retrainer retrain --help` lists the flags."
    assert said(capsys, "qwertz") == "`retrainer --help` says what each does."


def test_each_row_answers_and_names_flags_that_exist() -> None:
    everything = {flag for name in COMMANDS for flag in known(name)} | {"--help", "--version", "--logdir"}
    for row in meanings.FLAGS:
        assert set(re.findall(r"--\w+", row.sentence)) <= everything
        places = [known(name) for name in COMMANDS if not row.flag or f"--{row.flag}" in known(name)]
        for typed in row.typed.split():
            free = [flags for flags in places if f"--{typed}" not in flags]
            said = [meanings.meant(meanings.FLAGS, typed, flags) for flags in free]
            assert not said or row.sentence in said, (row, typed)
    for row in meanings.COMMANDS:
        assert set(re.findall(r"`retrainer ([a-z]+)", row.sentence)) <= set(COMMANDS)
        assert set(re.findall(r"--\w+", row.sentence)) <= everything
        assert not set(row.typed.split()) & set(COMMANDS)
