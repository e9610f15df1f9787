"""The confusion matrix of a report. Its numbers are links to their photos, which are folded below it."""

from collections.abc import Sequence

from retrainer.measuring.assessment import Assessment
from retrainer.measuring.measured import Measured
from retrainer.measuring.shares import percent
from retrainer.pages.components import (
    confused_pairs,
    confusion_matrix,
    counted,
    cut_path,
    frequent_confusions,
    name,
)
from retrainer.pages.markup import Markup, element
from retrainer.pages.page import Section
from retrainer.pages.report.cells import Cell, as_confused, cells_of, shares
from retrainer.pages.report.contents import ReportContents, SeenPhoto
from retrainer.pages.report.pictures import Pictures, described

# Of more classes the matrix is shown if it and its photos take at most this many nodes.
_CLASSES, _NODES, _PER_CELL, _PER_PLACE = 20, 5_000, 3, 20
_LISTED = 20
_PLACES, _MOST = 300, 24


def confusions(contents: ReportContents, pictures: Pictures) -> Section:
    """How many photos of each class are predicted as each class."""
    figures = contents.assessment
    if figures is None:
        return Section("Confusions", [element("p", "No photo tested the model, so what it confuses is unknown.")])
    labels = tuple(one.label for one in figures.classes)
    known = cells_of(contents.measured) if contents.measured and contents.measured.labels == labels else {}
    whole = _fits(figures)
    frequent = set(confused_pairs(figures.confusion)[:_LISTED])
    listed = [cell for cell in known if whole or cell in frequent]
    return Section("Confusions", [*_tables(figures, listed, whole), *_photos(contents, known, listed, pictures)])


def _fits(figures: Assessment) -> bool:
    """Whether the whole matrix can be shown."""
    classes = len(figures.classes)
    places = sum(bool(count) for row in figures.confusion for count in row)
    return classes <= _CLASSES or _PER_CELL * classes**2 + _PER_PLACE * places <= _NODES


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
    photos = [_place(measured, cell, known[cell], places[cell], pictures) for cell in listed]
    return [element("p", "Choose a number to see its photos, those with the highest scores first."), *photos]


def _place(measured: Measured, cell: Cell, rows: Sequence[int], count: int, pictures: Pictures) -> Markup:
    """The photos of a cell, folded. A link to the inside of a fold opens it, with and without scripts."""
    own, other = (measured.labels[each] for each in cell)
    summary = element("summary", name(own), " predicted as ", name(other), f": {counted(len(rows), 'photo')}")
    shown = [_seen(measured, row) for row in rows[:count]]
    more = [element("p", f"{len(rows) - count:,} more")] if len(rows) > count else []
    inside = element("div", _gallery(shown, pictures), *more, id=_anchor(cell), tabindex="-1")
    return element("details", summary, inside, class_="place", name="place")


def _seen(photos: Measured, row: int) -> SeenPhoto:
    predicted = photos.predicted[row]
    return SeenPhoto(
        path=photos.paths[row],
        label=photos.labels[photos.label_ids[row]],
        predicted=photos.labels[predicted],
        score=float(photos.scores[row, predicted]),
    )


def _gallery(photos: Sequence[SeenPhoto], pictures: Pictures) -> Markup:
    if not pictures.shown:
        return element(
            "ul", *(element("li", f"{percent(one.score)} ", element("bdi", cut_path(one.path))) for one in photos)
        )
    figures = (element("figure", pictures.photo(one.path, described(one)), _caption(one)) for one in photos)
    return element("div", *figures, class_="photos")


def _caption(one: SeenPhoto) -> Markup:
    return element("figcaption", element("b", percent(one.score)), " ", element("bdi", cut_path(one.path)))


def _anchor(cell: Cell) -> str:
    return f"photos-{cell[0]}-{cell[1]}"
