"""The file that lists the runs so far."""

from dataclasses import dataclass

from retrainer.options import headings
from retrainer.options.groups import Options, path_option
from retrainer.options.paths import LINES


@dataclass(frozen=True, kw_only=True)
class HistoryOptions(Options):
    """Where runs are listed."""

    heading = headings.PLACES

    runs_file: str = path_option("tf_files/runs.jsonl", "File of JSON lines, one for each run.", LINES)
