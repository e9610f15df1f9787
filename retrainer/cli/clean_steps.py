"""The commands that the last lines of `clean` propose."""

import os
from collections.abc import Iterator

from retrainer.options.cleaning import CleanOptions
from retrainer.options.command_line import flags_of, place_of
from retrainer.options.groups import options_of
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.clean_list.carried_out import CarriedOut
from retrainer.photos.clean_list.finding import Action
from retrainer.results.cleaning import Cleaning
from retrainer.text import pasted

_OF_RETRAIN = {item.name for item in options_of(RetrainOptions)}
_CHANGES = (Action.SET_ASIDE, Action.RELABEL)


def next_commands(result: Cleaning, options: CleanOptions, *, measured: bool) -> list[list[str]]:
    """The commands that fit the result, which may be measured already: the name of each, and its flags."""
    return list(_commands(result, options, measured))


def _commands(result: Cleaning, options: CleanOptions, measured: bool) -> Iterator[list[str]]:
    undecided = [row.finding for row in result.rows if row.decision.action == Action.NONE]
    if undecided:
        yield options.command("--interactive")
    if any(finding.suggestion != Action.NONE and not finding.is_testing for finding in undecided):
        yield options.command("--accept all")
    actions = {row.decision.action for row in result.rows}
    left = {row.decision.action for row in CarriedOut.of(options.image_dir).left_of(result.clean_list)}
    if actions.intersection(_CHANGES):
        if left.intersection(_CHANGES) and not measured:
            yield options.command("--measure")
        yield retrain_command(options)
    # Photos of a table, or in an archive, are not moved.
    if Action.SET_ASIDE in left and os.path.isdir(str(options.image_dir)):
        yield options.command("--apply")


def retrain_command(options: CleanOptions) -> list[str]:
    """The command that follows the decisions: its name and its flags."""
    others = [item.name for item in options_of(CleanOptions) if item.name not in _OF_RETRAIN]
    flags = flags_of(options, [*others, "image_dir", "clean_list"])
    return ["retrainer retrain", place_of(options.image_dir), *flags, f"--clean_list {pasted(options.clean_list)}"]
