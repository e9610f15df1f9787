"""How the photos to label are read."""

from dataclasses import dataclass

from retrainer.options import headings
from retrainer.options.groups import Options, option


@dataclass(frozen=True, kw_only=True)
class InputOptions(Options):
    """What tables and lists of photos hold."""

    heading = headings.START

    column: str = option(
        "",
        "The column of a table that holds paths, addresses, or the bytes of pictures. By default the one that is named "
        "path, image, file or alike.",
    )
    allow_urls: bool = option(
        False,
        "Also fetch http:// and https:// addresses that stand in lists and tables, not only those given by name.",
    )
