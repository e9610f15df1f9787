"""Every error that retrainer raises on purpose.

RetrainerError
├── OptionError     an option has an invalid value, or names a path that does not exist (exit code 2)
├── PackageError    a package is not installed; an ImportError, too
├── DatasetError    the folder of photos cannot be used for training
├── PictureError    a picture cannot be read; the text is only the reason
├── DownloadError   a file cannot be downloaded, or is not the expected one
├── BackboneError   a backbone is unknown, or its bundle is absent or damaged
├── TrainingError   no head can be fitted
├── ModelError      a model cannot be read or run
├── OutputError     a file cannot be written
└── ResourceError   there is too little memory, or there are too few threads

A message says what is wrong, what was expected and what was received. Its second line says how to fix it.
"""

import os

from retrainer.text import printable, shown


class RetrainerError(Exception):
    """A problem that the user can fix; unprintable characters in its text are escaped.

    Args:
        problem: One line that says what is wrong, what was expected and what was received.
        fix: What the user can do; empty if the problem already says it.
        path: The file that is meant; see the attribute.

    Attributes:
        problem, fix: The two lines of the text.
        path: The path or name of the file that is meant, as it was given; None if no file is meant.
    """

    exit_code = 1

    def __init__(self, problem: str, fix: str = "", *, path: str | os.PathLike[str] | None = None) -> None:
        problem, fix = shown(problem), printable(fix)
        super().__init__(f"{problem}\n{fix}" if fix else problem)
        self.problem = problem
        self.fix = fix
        self.path = os.fspath(path) if path else None

    def __reduce__(self) -> tuple[type["RetrainerError"], tuple[str, str], dict[str, object]]:
        # BaseException would pass both lines as the problem, and its line break would be escaped.
        return type(self), (self.problem, self.fix), self.__dict__


class About:
    """Says which file is meant, in the errors of this package that say none: `with About(path): …`."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Adds the path to an error."""
        if isinstance(error, RetrainerError) and error.path is None:
            error.path = self._path or None


class OptionError(RetrainerError):
    """An option has an invalid value, or names a path that does not exist."""

    exit_code = 2


class PackageError(RetrainerError, ImportError):
    """A package that this needs is not installed."""


class DatasetError(RetrainerError):
    """The folder of photos cannot be used for training."""


class PictureError(RetrainerError):
    """A picture cannot be read."""


class DownloadError(RetrainerError):
    """A file cannot be downloaded, or is not the expected one."""


class BackboneError(RetrainerError):
    """A backbone is unknown, or its bundle is absent or damaged."""


class TrainingError(RetrainerError):
    """No head can be fitted."""


class ModelError(RetrainerError):
    """A model cannot be read or run."""


class OutputError(RetrainerError):
    """A file cannot be written."""


class ResourceError(RetrainerError):
    """There is too little memory, or there are too few threads."""
