"""`retrainer report`."""

from retrainer.cli.flags import Subject
from retrainer.cli.flags import command as command_of
from retrainer.options.report import ReportOptions
from retrainer.system.terminal import say
from retrainer.text import shown


def run(options: ReportOptions) -> None:
    """Writes the report and prints one line: the verdict, and the file."""
    from retrainer.reports.report import report

    made = report(options)
    say(f"{shown(made.verdict)} {shown(made.path)}")


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
