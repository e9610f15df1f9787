"""What all logs have in common; on its own it prints nothing but progress."""

from types import TracebackType
from typing import Self

from retrainer.events import Event
from retrainer.observers.progress import Progress
from retrainer.options.terminal import NONE, TerminalOptions


class Log:
    """An observer that prints to stderr. Use it in a `with`, since it may keep lines until the end.

    Args:
        options: How much is printed.
        lists_misclassified: Whether the test photos that the model gets wrong are listed.
    """

    def __init__(self, options: TerminalOptions | None = None, *, lists_misclassified: bool = False) -> None:
        self.options = options or TerminalOptions()
        self.lists_misclassified = lists_misclassified
        self.progress = Progress(NONE if self.options.quiet else self.options.progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(failed=error is not None)

    def __call__(self, event: Event) -> None:
        """Prints an event, or keeps it."""

    def finish(self, *, failed: bool = False) -> None:  # noqa: ARG002
        """Prints what was kept so far; `failed` says that an error ended the work."""
        self.progress.close()
