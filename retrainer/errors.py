"""Every error that retrainer raises on purpose.

RetrainerError
├── OptionError     an option has a value it cannot have, or names a path that is not there (exit code 2)
├── DatasetError    the folder of photos cannot be trained on
├── PictureError    one picture cannot be read; its text is the reason
├── DownloadError   an archive cannot be fetched, or is not what it should be
├── BackboneError   a backbone's bundle is absent, damaged or unknown
├── TrainingError   no head can be fitted
├── ModelError      a retrained graph cannot be read or run
├── OutputError     a file cannot be written
└── ResourceError   the machine, or a limit, gives too little memory or too few threads

The grammar of a message: what is wrong, what was expected, what was received; the fix on a second line.
"""

from retrainer.text import printable, shown


class RetrainerError(Exception):
    """A problem that the user can mend.

    Args:
        problem: One line: what is wrong, what was expected and what was received.
        fix: One line: what to do about it. Empty where the problem already says it.

    Both may quote files, names and servers: unprintable characters are escaped here.
    """

    exit_code = 1

    def __init__(self, problem: str, fix: str = "") -> None:
        problem, fix = shown(problem), printable(fix)
        super().__init__(f"{problem}\n{fix}" if fix else problem)
        self.problem = problem
        self.fix = fix


class OptionError(RetrainerError):
    """An option has a value it cannot have, or names a path that is not there."""

    exit_code = 2


class DatasetError(RetrainerError):
    """The folder of photos cannot be trained on."""


class PictureError(RetrainerError):
    """One picture cannot be read."""


class DownloadError(RetrainerError):
    """An archive cannot be fetched, or is not what it should be."""


class BackboneError(RetrainerError):
    """A backbone's bundle is absent, damaged or unknown."""


class TrainingError(RetrainerError):
    """No head can be fitted."""


class ModelError(RetrainerError):
    """A retrained graph cannot be read or run."""


class OutputError(RetrainerError):
    """A file cannot be written."""


class ResourceError(RetrainerError):
    """The machine, or a limit, gives too little memory or too few threads."""
