"""Which model a report is made of, and what it may show."""

from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options import headings
from retrainer.options.backbone import ModelDirOptions
from retrainer.options.groups import Options, as_in, option, path_option
from retrainer.options.model import InspectOptions
from retrainer.options.paths import PAGE


@dataclass(frozen=True, kw_only=True)
class _PictureOptions(Options):
    """What a report shows of photos."""

    heading = headings.HOW_GOOD

    no_images: bool = option(False, "Show no photo, and nothing made of one: for photos that are private.")


@dataclass(frozen=True, kw_only=True)
class RunReportOptions(_PictureOptions):
    """Whether a run writes a report."""

    heading = headings.HOW_GOOD

    report: str = path_option(
        "",
        "Page in HTML to write a report of the run to: figures, mistakes, curves, and what to do next.",
        PAGE,
    )

    def __post_init__(self) -> None:
        """Checks that there is a report if something is asked of it."""
        super().__post_init__()
        if self.no_images and not self.report:
            raise OptionError("--no_images: expected --report FILE, received none.", "Name the page to write.")


@dataclass(frozen=True, kw_only=True)
class ReportOptions(_PictureOptions, ModelDirOptions):
    """How to make a report of a model."""

    heading = headings.START

    graph: str = as_in(InspectOptions, "graph")
    report: str = path_option("", "Page in HTML to write.", PAGE, command="tf_files/report.html")
    image_dir: str = path_option(
        "",
        "Folder or table of the photos that the model learnt from, if they are in another place now. Photos are "
        "recognised by their bytes.",
        tables=True,
    )
    bottleneck_dir: str = path_option(
        "", "Folder of the cached feature vectors; by default that of the run.", heading=headings.PLACES
    )
