"""A comparison of backbones in words and tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from retrainer.backbones.available import described
from retrainer.cli.words import CHANCE, LABEL, difference, is_narrow, short, wrapped
from retrainer.measuring.shares import between, percent
from retrainer.system.terminal import columns
from retrainer.text import in_columns, pasted

if TYPE_CHECKING:
    from retrainer.results.comparison import Comparison

# The width of the column of names.
_NAME = 33


def comparison_lines(comparison: "Comparison") -> Iterator[str]:
    """A table of backbones, and the command that retrains with the best."""
    if not comparison.backbones:
        yield "No backbone could be compared."
        return
    if is_narrow():
        yield from _compared_in_words(comparison)
    else:
        yield from _comparison_table(comparison)
    yield from _differences_to_best(comparison)
    best = pasted(comparison.backbones[0].architecture)
    yield ""
    yield from in_columns(
        f"To use the most accurate, replace `--compare …` by: --architecture {best}", columns(), indent="  "
    )


def _comparison_table(comparison: "Comparison") -> Iterator[str]:
    width = _NAME
    yield f"{'backbone':<{width}} accuracy   95 % interval  photos/s      model"
    for one in comparison.backbones:
        name = described(one.architecture)
        if len(name) > width:
            yield name
            name = ""
        figures, megabytes = one.assessment, one.model_bytes / 1e6
        yield (
            f"{name:<{width}} {percent(figures.accuracy):>8} {between(figures.interval):>15} "
            f"{one.photos_per_second:9,.0f} {megabytes:7.1f} MB"
        )


def _compared_in_words(comparison: "Comparison") -> Iterator[str]:
    for one in comparison.backbones:
        accuracy = f"{percent(one.assessment.accuracy)}, {between(one.assessment.interval)}"
        cost = f"{one.photos_per_second:,.0f} photos/s, {one.model_bytes / 1e6:.1f} MB"
        yield from wrapped(described(one.architecture), f"{accuracy}; {cost}")


def _differences_to_best(comparison: "Comparison") -> Iterator[str]:
    """How the other backbones compare with the most accurate one, on the same photos."""
    pairs = [(one.architecture, one.to_best) for one in comparison.backbones if one.to_best]
    if pairs:
        yield ""
        yield from in_columns(
            "Difference to the most accurate in points, on the same photos in the same folds:", columns()
        )
    for name, pair in pairs:
        yield from wrapped(f"  {short(name)}", f"{difference(pair)}{CHANCE * pair.is_chance}", LABEL + 3)
