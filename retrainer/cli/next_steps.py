"""The commands that the last lines of a run propose."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from retrainer.backbones.available import HIGH_ACCURACY, is_weaker
from retrainer.cli.help import in_columns
from retrainer.options.cleaning import CleanOptions
from retrainer.options.command_line import flags_of, place_of
from retrainer.options.groups import options_of
from retrainer.options.in_memory import TableInMemory
from retrainer.options.model import ModelOptions
from retrainer.options.preset import BEST_PRESET, PRESETS, PresetOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.results.retraining import Retraining
from retrainer.system.terminal import columns, has_columns

# A mistake with a higher score may be a wrong label.
_SURE = 0.9


def next_steps(result: Retraining, options: RetrainOptions, logs: str) -> list[str]:
    """Returns the lines: whole commands that fit the result; `logs` is the folder of TensorBoard's events."""
    return lines_of(_commands(result, options, logs))


def next_commands(result: Retraining, options: RetrainOptions, logs: str) -> list[str]:
    """Returns the commands, each on one line."""
    return [" ".join(command) for command in _commands(result, options, logs)]


def lines_of(commands: Iterable[Sequence[str]]) -> list[str]:
    """Returns the lines that propose commands: the name of each, and its flags."""
    return ["", "Next:", *chain.from_iterable(map(_lines, commands))]


def _lines(command: Sequence[str]) -> Iterator[str]:
    """The lines of a command; a long one goes on below in a terminal, where it can be pasted all the same."""
    width = columns() if has_columns() and sys.platform != "win32" else sys.maxsize
    return (f"  {line}" for line in in_columns(command, width - 2))


def _commands(result: Retraining, options: RetrainOptions, logs: str) -> Iterator[list[str]]:
    """The commands: the name of each, and its flags."""
    graph = [] if result.graph == ModelOptions().graph else [f"--graph {place_of(result.graph)}"]
    yield ["retrainer label", place_of(result.photo) if result.photo else "PHOTO", *graph]
    if result.test:
        yield ["retrainer evaluate", *graph]
    if not getattr(options, "report", ""):
        yield ["retrainer report", *graph]
    if any(mistake.score > _SURE for mistake in result.mistakes) and not isinstance(options.image_dir, TableInMemory):
        yield CleanOptions.like(options).command()
    yield ["tensorboard", f"--logdir {place_of(logs)}"]
    if options.preset != BEST_PRESET and is_weaker(result.backbone) and _may_improve(result):
        yield ["retrainer retrain", place_of(options.image_dir), *_flags(options), f"--preset {BEST_PRESET}"]


def _may_improve(result: Retraining) -> bool:
    """Whether there are mistakes enough, or none are measured."""
    figures = result.cross_validation.assessment if result.cross_validation else result.test
    return figures is None or figures.accuracy < HIGH_ACCURACY


def _flags(options: RetrainOptions) -> list[str]:
    """The flags that differ from their defaults, without `--quiet` and those that a preset replaces."""
    replaced = {item.name for item in options_of(PresetOptions)}.union(*PRESETS.values())
    return flags_of(options, {*replaced, "image_dir", "quiet"})
