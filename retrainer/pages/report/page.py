"""The report of a run: one page, a function for each of its sections."""

from collections.abc import Callable, Sequence

from retrainer.pages.components import cut_path
from retrainer.pages.page import Page, Section
from retrainer.pages.report.classes import classes
from retrainer.pages.report.confusions import confusions
from retrainer.pages.report.contents import ReportContents
from retrainer.pages.report.curves import curves
from retrainer.pages.report.overview import overview
from retrainer.pages.report.photos import mistakes, suspects, undecided
from retrainer.pages.report.pictures import Pictures
from retrainer.pages.report.record import card, command, copies, left_out, split

SECTIONS: Sequence[Callable[[ReportContents, Pictures], Section]] = (
    confusions,
    classes,
    mistakes,
    undecided,
    suspects,
    curves,
    copies,
    left_out,
    split,
    command,
    card,
)


def report_page(contents: ReportContents) -> Page:
    """Returns the report of a run. The same contents give the same page."""
    pictures = Pictures(contents.read)
    return Page(
        title=f"Report on {cut_path(contents.name)}",
        lead=overview(contents),
        sections=[section(contents, pictures) for section in SECTIONS],
        scripts=("filters",),
        styles=("report",),
    )
