"""What `clean` found, in lines that fit the terminal, or 80 columns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from retrainer.cli.words import CHANCE, difference, wrapped
from retrainer.measuring.shares import percent
from retrainer.photos.clean_list.finding import Action, Row
from retrainer.photos.clean_list.names import KIND_NAMES
from retrainer.system.terminal import columns
from retrainer.text import in_columns, shown

if TYPE_CHECKING:
    from retrainer.measuring.cleaning_effect import CleaningEffect
    from retrainer.results.cleaning import Cleaning, KindCount

_SUREST = 10


def count_lines(result: "Cleaning") -> Iterator[str]:
    """How much was found of each kind, and how much of it is decided."""
    yield ""
    if not result.rows:
        yield from wrapped("Findings", f"none in {result.photos:,} photos")
        return
    for one in result.kinds:
        yield from wrapped(KIND_NAMES[one.kind][1], _count(one))
    decided, all_ = result.clean_list.progress()
    photos = "photos and classes" if any(not row.finding.path for row in result.rows) else "photos"
    yield from wrapped("Decided", f"{decided:,} of {all_:,} {photos} with findings")
    testing = sum(one.testing for one in result.kinds)
    if testing:
        are = "finding is about a test photo" if testing == 1 else "findings are about test photos"
        yield from wrapped("Test photos", f"{testing:,} {are}, which --accept leaves to you")


def surest_lines(result: "Cleaning") -> Iterator[str]:
    """The surest undecided findings of each kind with their reasons; nothing if there are none."""
    surest = result.surest(_SUREST)
    if surest:
        yield from [
            "",
            f"The surest {len(surest)} of {sum(one.undecided for one in result.kinds):,} undecided findings:",
        ]
    for row in surest:
        yield from _finding(row)


def _count(one: "KindCount") -> str:
    suggested = [f"{one.set_aside:,} to set aside"] * bool(one.set_aside)
    suggested += [f"{one.relabel:,} to relabel"] * bool(one.relabel)
    return f"{one.findings:,}" + (f" ({', '.join(suggested)})" if suggested else "")


def _finding(row: Row) -> Iterator[str]:
    finding = row.finding
    testing = " (test photo)" if finding.is_testing else ""
    subject = shown(finding.path or finding.label)
    yield f"  {subject}{testing}"
    advice = {Action.SET_ASIDE: " Set it aside?", Action.RELABEL: f" Relabel it to '{shown(finding.new_label)}'?"}
    yield from in_columns(
        f"    {KIND_NAMES[finding.kind][0]}: {finding.reason}{advice.get(finding.suggestion, '')}", columns(), "    "
    )


def effect_lines(effect: "CleaningEffect") -> Iterator[str]:
    """What decisions bring."""
    if not effect.set_aside and not effect.relabelled:
        read = " that can be read" if effect.unreadable else ""
        yield from wrapped("Decisions", f"none change a photo{read}, so there is no difference")
        return
    yield from wrapped("Decisions", effect.decisions)
    yield from wrapped("Accuracy", f"{percent(effect.before)} without them, {percent(effect.after)} with them")
    same = f"by {effect.folds} folds, on the {effect.count:,} photos that no decision changes"
    yield from wrapped("", f"({same})")
    pair = effect.pair
    points = f"{difference(pair)} points with 95 % confidence"
    if pair.only_first == pair.only_second == 0:
        yield from wrapped("Difference", "none: the same photos are right")
        return
    yield from wrapped("Difference", points)
    rights = f"Only with the decisions {pair.only_first:,} are right, only without them {pair.only_second:,}"
    yield from wrapped("", f"{rights}{CHANCE * pair.is_chance}.")
