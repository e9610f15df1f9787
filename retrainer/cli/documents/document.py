"""The frame of all documents, and how they are printed."""

import json
from collections.abc import Mapping
from typing import Any

from retrainer.answers.texts import plain
from retrainer.system.terminal import say_bytes

# Raised when a field changes its meaning or goes; programs that know an earlier format go on if one is added.
FORMAT = 1

Fields = Mapping[str, Any]
"""Names of fields -> plain values, as the schema of a command describes them; texts are as they are."""


def print_document(command: str, fields: Fields) -> None:
    """Prints a document in UTF-8, whatever the terminal takes.

    Args:
        command: The name of its command, and of its schema.
        fields: The fields after `format` and `command`.
    """
    document = plain({"format": FORMAT, "command": command, **fields})
    say_bytes(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode())
