"""The lines at the end of a run."""

from retrainer.cli.words import (
    between,
    class_lines,
    cross_validation_lines,
    learning_curve_lines,
    percent,
    previous_lines,
    single_split_lines,
    wrapped,
)
from retrainer.retraining import Retraining
from retrainer.text import shown


def summary(result: Retraining) -> list[str]:
    """The lines at the end of a run."""
    lines = ["", *_accuracy(result)]
    if result.learning_curve:
        lines += learning_curve_lines(result.learning_curve)
    missed = (
        ("Missed", result.unlisted, ("folder", "folders"), "that could not be listed"),
        ("Skipped", result.skipped, ("file", "files"), "that could not be read"),
        ("Left out", result.left_out, ("file or folder", "files or folders"), "hidden or in no class folder"),
    )
    for heading, count, (one, more), how in missed:
        if count:
            lines += wrapped(heading, f"{count:,} {one if count == 1 else more} {how}; see the log")
    lines += [f"{'' if number else 'Written':<15} {shown(path)}" for number, path in enumerate(result.files.values())]
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.seconds.items())
    lines += wrapped("Time", times)
    lines.append(f"Photos          {result.photos:,}; new to the cache: {result.computed:,}")
    if result.distorted:
        lines.append(f"Distorted       {result.distorted:,} photos, whose views were new to the cache")
    if result.previous:
        lines += previous_lines(result.previous)
    return lines


def _accuracy(result: Retraining) -> list[str]:
    """The accuracy by folds and then that of the single split; without folds, that of the split."""
    test = result.test
    if result.cross_validation:
        return [*cross_validation_lines(result.cross_validation), *single_split_lines(test)]
    if test is None:
        return ["Test accuracy   unknown: there were no test photos"]
    return [
        f"Test accuracy   {percent(test.accuracy)} of {test.count:,} photos that were not trained on",
        f"                {between(test.interval)} with 95 % confidence",
        *class_lines(test),
    ]
