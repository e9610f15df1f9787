"""The photos behind the numbers of a confusion matrix."""

from collections.abc import Mapping, Sequence

import numpy as np

from retrainer.measuring.measured import Measured

Cell = tuple[int, int]
"""A true class and a predicted one."""


def cells_of(photos: Measured) -> dict[Cell, list[int]]:
    """The rows of the photos of each cell that has photos, the highest scores first; the cells are in order."""
    classes = len(photos.labels)
    own, predicted = np.asarray(photos.label_ids, np.int64), np.asarray(photos.predicted, np.int64)
    cells = own * classes + predicted
    # Photos with the same score stay in their order, so that the same run gives the same page.
    order = np.lexsort((-photos.scores[np.arange(len(own)), predicted], cells))
    found, starts = np.unique(cells[order], return_index=True)
    rows = np.split(order, starts[1:]) if len(found) else []
    return {divmod(int(cell), classes): each.tolist() for cell, each in zip(found, rows, strict=True)}


def shares(counts: Mapping[Cell, int], places: int, most: int) -> dict[Cell, int]:
    """How many photos of each cell are shown, if there are places for a number of photos.

    Each cell gets the same number, or all its photos if it has fewer. If there are more cells than places, one photo of
    each of the first cells is shown.

    Args:
        counts: Cell -> how many photos it has.
        places: How many photos are shown at most.
        most: How many photos of a cell are shown at most.
    """
    each = next((n for n in range(most, 0, -1) if sum(min(n, count) for count in counts.values()) <= places), 0)
    if each:
        return {cell: min(each, count) for cell, count in counts.items()}
    return {cell: int(number < places) for number, cell in enumerate(counts)}


def as_confused(cells: Sequence[Cell], counts: Mapping[Cell, int]) -> list[Cell]:
    """Cells in the order in which photos are given to them: confusions first, the most frequent first."""
    return sorted(cells, key=lambda cell: (cell[0] == cell[1], -counts[cell]))
