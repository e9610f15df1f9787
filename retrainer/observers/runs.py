"""An observer that appends a line for each run to a history."""

from retrainer.errors import OutputError
from retrainer.events import Event, Observer, RunFinished, StageBegan, Warned
from retrainer.history import FLAG, append_run, require_history
from retrainer.system.files import require_writable


class RunHistory:
    """Appends a line to a history when a run has finished; a run that fails leaves none.

    Args:
        path: The file; it is made if it is absent.
        warn: Called with a warning if the line cannot be written after all; the run is not lost.
        command: The command line of the run; empty if there is none.

    Raises:
        OptionError: there is another file than a history at the path.
        OutputError: by a call before the long work, if the file cannot be written.
    """

    def __init__(self, path: str, warn: Observer, command: str = "") -> None:
        require_history(path)
        self._path = path
        self._warn = warn
        self._command = command

    def __call__(self, event: Event) -> None:
        """Appends the line of a finished run; ignores other events, but checks the file when the long work begins."""
        match event:
            case StageBegan("bottlenecks"):
                require_writable(self._path)
            case RunFinished():
                try:
                    append_run(self._path, event, self._command)
                except OutputError as error:
                    self._warn(Warned(f"{FLAG}: this run is not listed. {error.problem}"))
