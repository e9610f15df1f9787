"""`retrainer report`."""

from retrainer.cli.flags import Subject
from retrainer.cli.flags import command as command_of
from retrainer.cli.words import wrapped
from retrainer.options.report import ReportOptions
from retrainer.system.terminal import columns, say
from retrainer.text import in_columns


def run(options: ReportOptions) -> None:
    """Writes the report, and prints the verdict and the file."""
    from retrainer.reports.report import report

    made = report(options)
    say("\n".join([*in_columns(made.verdict, columns()), *wrapped("Written", made.path)]))


command = command_of(
    "report",
    ReportOptions,
    run,
    "Make a page in HTML about a model: figures, mistakes with photos, curves, and what to do next.",
    (
        "retrainer report",
        "retrainer report model.tflite --report model.html",
        "retrainer report --no_images",
    ),
    Subject("graph", "MODEL"),
)
