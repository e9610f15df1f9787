"""How labelled photos are sorted into folders."""

import os
from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options import headings
from retrainer.options.groups import Options, option, path_option
from retrainer.options.paths import FOLDER

LIST = "sorted.csv"
"""The name of the file that lists what went where."""


@dataclass(frozen=True, kw_only=True)
class SortOptions(Options):
    """Whether photos are sorted into folders, and how."""

    heading = headings.SORTING

    sort_into: str = path_option(
        "",
        f"Folder to copy each photo into, in a folder named by its label. {LIST} there lists what went where.",
        FOLDER,
    )
    move: bool = option(False, "With --sort_into, move the photos instead.")
    link: bool = option(False, "With --sort_into, make absolute symbolic links to the photos instead.")
    dry_run: bool = option(False, "With --sort_into, only print what would go where.")

    def __post_init__(self) -> None:
        """Checks that there is a folder to sort into, and one way to do it."""
        super().__post_init__()
        for name in ("move", "link", "dry_run"):
            if getattr(self, name) and not self.sort_into:
                raise OptionError(
                    f"--{name}: expected --sort_into DIR, received none.", "Name the folder to sort into."
                )
        if self.move and self.link:
            raise OptionError("--move and --link contradict each other.", "Leave one of them out.")

    def is_list(self, path: str) -> bool:
        """Whether a path is that of the list."""
        return bool(self.sort_into) and os.path.realpath(path) == os.path.realpath(os.path.join(self.sort_into, LIST))
