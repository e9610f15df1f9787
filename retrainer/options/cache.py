"""What is removed from the folder of bundles and downloads."""

import re
from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options import headings
from retrainer.options.backbone import ModelDirOptions
from retrainer.options.groups import option

_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGE = re.compile(rf"([0-9]{{1,6}})([{''.join(_SECONDS)}])")


@dataclass(frozen=True, kw_only=True)
class CacheOptions(ModelDirOptions):
    """Which bundles and downloads are removed."""

    heading = headings.PRUNE

    older_than: str = option("", "With prune: remove what was not used for this long, such as 90d, 12w or 48h.")
    dry_run: bool = option(False, "With prune: only say what would be removed.")

    def __post_init__(self) -> None:
        """Checks the age."""
        super().__post_init__()
        if self.older_than and not _AGE.fullmatch(self.older_than):
            raise OptionError(
                f"--older_than: expected a number with d, w or h for days, weeks or hours, received "
                f"{self.older_than!r}.",
                "90d removes what was not used for 90 days.",
            )

    @property
    def seconds(self) -> int | None:
        """The age in seconds; None if no age was given."""
        age = _AGE.fullmatch(self.older_than)
        return int(age[1]) * _SECONDS[age[2]] if age else None
