"""The confusion matrix of a report. Its numbers are links to their photos, which are folded below it."""

from collections.abc import Sequence

from retrainer.measuring.assessment import Assessment
from retrainer.measuring.measured import Measured
from retrainer.pages.blocks import command_line
from retrainer.pages.components import (
    confused_pairs,
    confusion_matrix,
    frequent_confusions,
    name,
)
from retrainer.pages.markup import Markup, element
from retrainer.pages.page import Section
from retrainer.pages.report.cells import Cell, as_confused, cells_of, shares
from retrainer.pages.report.contents import ReportContents, SeenPhoto
from retrainer.pages.report.pictures import Pictures, by_name
from retrainer.text import counted

# Of more classes the matrix is shown if it takes at most this many nodes, with what its photos are folded into.
_CLASSES, _NODES, _PER_CELL, _PER_FOLD = 20, 8_000, 2, 9
_LISTED = 20
_ANCHOR = "confusions"
# How many photos are pictures, how many of a cell, and how many paths are listed for a cell that gets no picture.
_PLACES, _MOST, _PATHS = 240, 24, 3


def confusions(contents: ReportContents, pictures: Pictures) -> Section:
    """How many photos of each class are predicted as each class."""
    figures = contents.assessment
    if figures is None:
        said = "No photo tested the model, so what it confuses is unknown."
        return Section("Confusions", [element("p", said)], anchor=_ANCHOR)
    labels = tuple(one.label for one in figures.classes)
    known = cells_of(contents.measured) if contents.measured and contents.measured.labels == labels else {}
    whole = _fits(figures)
    frequent = set(confused_pairs(figures.confusion)[:_LISTED])
    listed = [cell for cell in known if whole or cell in frequent]
    choose = [element("p", "Choose a number to see its photos, those with the highest scores first.")] if listed else []
    content = [*choose, *_tables(figures, listed, whole), *_photos(contents, known, listed, pictures)]
    return Section("Confusions", content, anchor=_ANCHOR)


def _fits(figures: Assessment) -> bool:
    """Whether the whole matrix can be shown."""
    classes = len(figures.classes)
    folds = sum(bool(count) for row in figures.confusion for count in row)
    return classes <= _CLASSES or _PER_CELL * classes**2 + _PER_FOLD * folds <= _NODES


def _tables(figures: Assessment, listed: Sequence[Cell], whole: bool) -> list[Markup]:
    labels, opened = [one.label for one in figures.classes], set(listed)
    arguments = labels, figures.confusion, lambda *cell: _anchor(cell) if cell in opened else ""
    frequent = [frequent_confusions(*arguments)] if len(labels) > _CLASSES else []
    if whole:
        return [*frequent, confusion_matrix(*arguments)]
    said = f"The matrix of {len(labels):,} classes is too large for a page."
    return [*frequent, element("p", said)]


def _photos(
    contents: ReportContents, known: dict[Cell, list[int]], listed: Sequence[Cell], pictures: Pictures
) -> list[Markup]:
    measured = contents.measured
    if measured is None or not listed:
        return [element("p", "The photos behind the numbers are not known.")]
    order = as_confused(listed, {cell: len(rows) for cell, rows in known.items()})
    places = shares({cell: len(known[cell]) for cell in order}, _PLACES, _MOST)
    chosen = {cell: [SeenPhoto.of(measured, row) for row in known[cell][: places[cell]]] for cell in listed}
    pictures.prepare([one.path for photos in chosen.values() for one in photos])
    folds = [_fold(measured, cell, known[cell], chosen[cell], pictures) for cell in listed]
    rest = [element("p", "This command lists the photos:"), command_line(contents.list_command)]
    return [*folds, *(rest if contents.list_command else [])]


def _fold(
    measured: Measured, cell: Cell, rows: Sequence[int], photos: Sequence[SeenPhoto], pictures: Pictures
) -> Markup:
    """The photos of a cell, folded. A link to the inside of a fold opens it, with and without scripts."""
    own, other = (measured.labels[each] for each in cell)
    summary = element("summary", name(own), " predicted as ", name(other), f": {counted(len(rows), 'photo')}")
    paths = [] if photos else [SeenPhoto.of(measured, row) for row in rows[:_PATHS]]
    shown = by_name(paths) if paths else pictures.gallery("Photos", photos)
    left = len(rows) - len(photos) - len(paths)
    end = element("p", f"{left:,} more. " if left else "", element("a", "Back to the matrix", href=f"#{_ANCHOR}"))
    inside = element("div", shown, end, id=_anchor(cell), tabindex="-1")
    return element("details", summary, inside, class_="place", name="place")


def _anchor(cell: Cell) -> str:
    return f"photos-{cell[0]}-{cell[1]}"
