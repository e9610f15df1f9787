"""The logs that a command can print."""

from retrainer.observers.console import Console
from retrainer.observers.log import Log
from retrainer.observers.tf_log import TfLog
from retrainer.options.terminal import STAGES, TF, TerminalOptions

# A value of --log -> its class.
LOGS: dict[str, type[Log]] = {STAGES: Console, TF: TfLog}


def log_of(options: TerminalOptions, *, lists_misclassified: bool = False) -> Log:
    """Returns the log that the options choose; see `Log`."""
    log = Log if options.quiet else LOGS[options.log]
    return log(options, lists_misclassified=lists_misclassified)
