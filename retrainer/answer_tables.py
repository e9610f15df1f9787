"""The tables of answers: what `label` says of photos, and which ones `evaluate` finds wrong; see models/FORMATS.md."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from retrainer.answers.table import FLAG, NUMBER, TEXT, Cell, Column, Row, Table, distinct
from retrainer.errors import PictureError

if TYPE_CHECKING:
    from retrainer.labeler import Labeler
    from retrainer.options.model import LabelOptions
    from retrainer.prediction import Prediction
    from retrainer.results.evaluation import Evaluation

LABELS, MISTAKES = "labels", "mistakes"
COLUMNS_OF_MISTAKES = (Column("path", TEXT), Column("label", TEXT), Column("predicted", TEXT), Column("score", NUMBER))
COLUMNS_OF_LABELS = (
    Column("path", TEXT),
    Column("label", TEXT),
    Column("score", NUMBER),
    Column("rejected", FLAG),
    Column("distance", NUMBER),
    Column("error", TEXT),
)
Labelled = tuple[str, "Prediction | PictureError"]
"""A photo's path, and what became of it."""


def table_of_labels(
    labeler: "Labeler", options: "LabelOptions", photos: Iterable[Labelled], *, all_scores: bool = False
) -> Table:
    """A row for each photo, in their order.

    Args:
        labeler: What labels them.
        options: How many labels a photo gets, and whether photos of none of the classes get none.
        photos: The photos as they are labelled.
        all_scores: Whether there is a column with the score of each class.
    """
    labels = labeler.labels
    places = min(options.top, len(labels))
    columns = [*COLUMNS_OF_LABELS]
    for place in range(2, places + 1):
        columns += [Column(f"label_{place}", TEXT), Column(f"score_{place}", NUMBER)]
    if all_scores:
        columns += score_columns(labels)
    metadata = labeler.metadata
    facts = {
        "command": "label",
        "model_id": metadata.model_id or None,
        "labels": list(labels),
        "limit": metadata.rejection.get("threshold"),
    }
    rows = (_row(path, found, len(columns), options.reject, all_scores) for path, found in photos)
    return Table(LABELS, columns, rows, facts)


def table_of_mistakes(result: "Evaluation") -> Table:
    """A row for each photo that the model gets wrong, the highest scores first, with the scores of all classes."""
    facts = {
        "command": "evaluate --mistakes",
        "labels": list(result.labels),
        "image_dir": result.image_dir,
        "part": result.part,
        "photos": result.assessment.count,
    }
    rows: list[Row] = [(one.path, one.label, one.predicted, one.score, *one.scores) for one in result.mistakes]
    return Table(MISTAKES, [*COLUMNS_OF_MISTAKES, *score_columns(result.labels)], rows, facts)


def score_columns(labels: Iterable[str]) -> list[Column]:
    """The columns for the scores of all classes. Their prefix keeps them apart from all other columns."""
    return [Column(name, NUMBER) for name in distinct(f"score_of_{label}" for label in labels)]


def _row(path: str, found: "Prediction | PictureError", width: int, rejecting: bool, all_scores: bool) -> Row:
    if isinstance(found, PictureError):
        cells: list[Cell] = [path, None, None, None, None, " ".join(str(found).splitlines())]
        return cells + [None] * (width - len(cells))
    can_tell = found.distance is not None
    leaves_out = rejecting and found.rejected
    ranked: list[Cell] = [None if leaves_out else value for place in found.ranking for value in place]
    cells = [path, *ranked[:2], found.rejected if can_tell else None, found.distance, None, *ranked[2:]]
    return cells + found.scores.tolist() if all_scores else cells
