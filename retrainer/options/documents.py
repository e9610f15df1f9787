"""Whether a command prints a document for programs."""

from dataclasses import dataclass

from retrainer.options import headings
from retrainer.options.groups import Options, option


@dataclass(frozen=True, kw_only=True)
class DocumentOptions(Options):
    """In which form a command prints its result."""

    heading = headings.ANSWERS

    json: bool = option(False, "Print the result as one JSON document.")
