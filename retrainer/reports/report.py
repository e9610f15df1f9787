"""The report of a model: one HTML file, made of what its run left."""

from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

from retrainer.errors import OptionError
from retrainer.options.calling import takes_options
from retrainer.options.report import ReportOptions
from retrainer.pages.report.contents import ReportContents
from retrainer.system.files import require_writable, write_whole
from retrainer.system.missing import NamingPackages
from retrainer.system.process import one_blas_thread

if TYPE_CHECKING:
    from typing import Unpack

    from retrainer.options.keywords import ReportKeywords


@dataclass(frozen=True, eq=False)
class Report:
    """A report that was made.

    Attributes:
        path: Where it was written; empty if it was not.
        contents: What it shows.
        html: The page.
    """

    path: str
    contents: ReportContents = field(repr=False)
    html: str = field(repr=False)

    @property
    def verdict(self) -> str:
        """One sentence that judges the model."""
        return self.contents.verdict

    def __repr__(self) -> str:
        return f"Report: {self.verdict}" + (f"\n  {self.path}" if self.path else "")


@takes_options(ReportOptions)
@NamingPackages()
@one_blas_thread()
def report(
    model: ReportOptions | str | PathLike[str],
    path: str | PathLike[str] | None = None,
    **options: "Unpack[ReportKeywords]",
) -> Report:
    """Makes the report of a model from what its run left: `report("model.tflite", "report.html")`.

    Nothing is trained or measured again. The page needs no network, and runs nothing to be read.

    Args:
        model: The path of the model, or all options.
        path: Where to write the page; by default it is not written.
        options: Options by name, see below.

    Raises:
        OptionError: the model or the folder of photos is not there.
        ModelError: the model is damaged, or was not made by retrainer.
        DatasetError: the folder that is named has no photos.
        OutputError: the page cannot be written.
    """
    if path is not None and "report" in options:
        raise OptionError("report(): expected one path to write to, received two, also as report.")
    with_path = options if path is None else {**options, "report": path}
    return made(ReportOptions.given(model, "graph", with_path, "report"))


def made(options: ReportOptions, named: str = "") -> Report:
    """Makes a report, and writes it if the options name a file; it may call the model by another name than its path."""
    from retrainer.pages.report.page import report_page
    from retrainer.reports.contents import contents_of

    if options.report:
        require_writable(options.report)
    contents = contents_of(options, named)
    html = report_page(contents).html()
    if options.report:
        write_whole(options.report, html.encode("utf-8", "backslashreplace"))
    return Report(options.report, contents, html)
