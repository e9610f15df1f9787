"""`retrainer retrain`."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from retrainer.cli.flags import Subject
from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError, RetrainerError
from retrainer.options import headings
from retrainer.options.distortion import DistortionOptions
from retrainer.options.documents import DocumentOptions
from retrainer.options.fit import FitOptions
from retrainer.options.groups import Options, option, options_of, path_option
from retrainer.options.history import HistoryOptions
from retrainer.options.paths import FOLDER, TABLE
from retrainer.options.preset import DEFAULT_PRESET
from retrainer.options.report import RunReportOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.options.split import SplitOptions
from retrainer.options.terminal import TerminalOptions
from retrainer.system.files import require_writable
from retrainer.system.terminal import say
from retrainer.text import pasted, shown

if TYPE_CHECKING:
    from retrainer.events import Observer
    from retrainer.results.retraining import Retraining

FAILED = 1
_LOGS = "tf_files/retrain_logs"


@dataclass(frozen=True, kw_only=True)
class _ReportFlags(Options):
    """Reports besides the result."""

    heading = headings.HOW_GOOD

    summaries_dir: str = option(
        "",
        "Folder for TensorBoard's event files; those of an earlier run there are replaced. By default each run has a "
        "folder of its own.",
        path=True,
        writes=FOLDER,
        usual=f"{_LOGS}/<time>",
        heading=headings.PLACES,
    )
    print_misclassified_test_images: bool = option(False, "List the test photos that the model gets wrong.")
    problems: str = path_option(
        "tf_files/problems.csv",
        "CSV table to list warnings, and files and folders that were left out, in.",
        TABLE,
        heading=headings.PLACES,
    )
    compare: str = option("", "Compare backbones (names with commas between) on these photos by folds; make no model.")


@dataclass(frozen=True, kw_only=True)
class RetrainFlags(RetrainOptions, _ReportFlags, RunReportOptions, DocumentOptions, HistoryOptions, TerminalOptions):
    """The flags of the command."""

    def __post_init__(self) -> None:
        """Checks that nothing is asked of a comparison that only a model can give."""
        super().__post_init__()
        of_a_model = {
            "preset": self.preset != DEFAULT_PRESET,
            "learning_curve": self.learning_curve,
            "report": self.report,
            "print_misclassified_test_images": self.print_misclassified_test_images,
            "intermediate_store_frequency": self.intermediate_store_frequency,
            "flip_left_right": self.flip_left_right,
            "random_crop": self.random_crop,
            "random_scale": self.random_scale,
            "random_brightness": self.random_brightness,
        }
        if self.compare and self.architecture is not None:
            raise OptionError(
                "--compare: expected no --architecture beside it, since it names the backbones itself.",
                "Leave --architecture out, and name all backbones as --compare NAME,NAME.",
            )
        given = [name for name, value in of_a_model.items() if value]
        if self.compare and given:
            raise OptionError(
                f"--compare: expected no --{given[0]} beside it, since it makes no model.", "Leave one of the two out."
            )


def run(flags: RetrainFlags) -> int:
    """Retrains and prints the result, or compares backbones."""
    if flags.compare:
        return _compare(flags)
    from retrainer.cli.documents.document import print_document
    from retrainer.cli.next_steps import next_commands, next_steps
    from retrainer.cli.summary import problem_lines, summary
    from retrainer.cli.words import wrapped
    from retrainer.events import in_turn
    from retrainer.models.event_files import new_run_folder
    from retrainer.observers.logs import log_of
    from retrainer.observers.problems import Problems
    from retrainer.observers.runs import RunHistory
    from retrainer.observers.tensorboard import TensorBoard
    from retrainer.retraining import retrain

    _require_own_files(flags)
    if flags.report:
        require_writable(flags.report)
    problems = Problems(flags.problems)
    summaries_dir = flags.summaries_dir or new_run_folder(_LOGS)
    with (
        log_of(flags, lists_misclassified=flags.print_misclassified_test_images) as log,
        TensorBoard(summaries_dir, _settings(flags)) as tensorboard,
    ):
        history = RunHistory(flags.runs_file, log, _typed())
        result = retrain(flags.only(RetrainOptions), on_progress=in_turn(log, problems, tensorboard, history))
        problems.write(log)
        reported = bool(flags.report) and _reports(result, flags, log)
    logs = flags.summaries_dir or _LOGS
    if flags.json:
        commands = next_commands(result, flags, logs)
        fields = {**result.to_dict(), "summaries_dir": summaries_dir, "next": commands}
        print_document("retrain", fields)
    else:
        lines = [*summary(result), *(wrapped("Report", flags.report) if reported else []), *problem_lines(problems)]
        say("\n".join([*lines, *next_steps(result, flags, logs)]))
    return 0


def _require_own_files(flags: RetrainFlags) -> None:
    """Raises OptionError if the history or the problems would be written into another output."""
    from retrainer.preflight import outputs_of

    others = [os.path.realpath(path) for path in outputs_of(flags)]
    named = (("runs_file", flags.runs_file), ("problems", flags.problems), ("report", flags.report))
    for name, path in named:
        if path and os.path.realpath(path) in others:
            raise OptionError(
                f"--{name}: expected a file of its own, received '{shown(path)}', which is another output.",
                "Name another file.",
            )
        others.append(os.path.realpath(path))


def _reports(result: "Retraining", flags: RetrainFlags, warn: "Observer") -> bool:
    """Writes the report; calls `warn` with a warning if that fails, since the model is there."""
    from retrainer.events import Warned

    try:
        result.report(flags.report, no_images=flags.no_images)
        return True
    except RetrainerError as error:
        warn(Warned(f"--report: the report is not written. {error.problem}"))
        return False


def _settings(flags: RetrainFlags) -> dict[str, str | float | bool]:
    """The options that differ from their defaults, for TensorBoard's table of runs."""
    groups = SplitOptions, FitOptions, DistortionOptions
    items = [(item, getattr(flags, item.name)) for group in groups for item in options_of(group)]
    differing = ((item.name, value) for item, value in items if value not in (item.default, item.of_command))
    return {name: value for name, value in differing if isinstance(value, str | int | float)}


def _typed() -> str:
    """The command line, quoted for the shell; empty if this command is called from Python."""
    context = click.get_current_context(silent=True)
    words = context.find_root().obj if context else None
    name, *arguments = words or ("",)
    return " ".join([name, *map(pasted, arguments)])


def _compare(flags: RetrainFlags) -> int:
    from retrainer.cli.comparison_words import comparison_lines
    from retrainer.cli.documents.document import print_document
    from retrainer.cli.summary import problem_lines
    from retrainer.comparison import compare
    from retrainer.events import in_turn
    from retrainer.observers.logs import log_of
    from retrainer.observers.problems import Problems

    names = [name.strip() for name in flags.compare.split(",") if name.strip()]
    if not names:
        raise OptionError(f"--compare: expected backbones with commas between, received '{flags.compare}'.")
    _require_own_files(flags)
    problems = Problems(flags.problems)
    with log_of(flags) as log:
        result = compare(names, flags.only(RetrainOptions), on_progress=in_turn(log, problems))
        problems.write(log)
    if flags.json:
        print_document("retrain --compare", result.to_dict())
    else:
        say("\n".join(["", *comparison_lines(result), *problem_lines(problems)]))
    for name, reason in result.failed:
        say(f"Error: --compare: '{shown(name)}': {reason.removeprefix('--architecture: ')}", err=True)
    return FAILED if result.failed else 0


command = command_of(
    "retrain",
    RetrainFlags,
    run,
    "Teach a pretrained network the classes of a folder of photos: one sub-folder per class.",
    (
        "retrainer retrain photos",
        "retrainer retrain photos --preset best",
        "retrainer retrain photos --compare pocket,efficientnet_lite0",
    ),
    Subject("image_dir", "PHOTOS"),
)
