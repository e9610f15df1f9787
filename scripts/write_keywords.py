"""Writes `retrainer/options/keywords.py`: the types of the options that functions take by name, for editors.

    python -m scripts.write_keywords

A test compares the file with the groups of options.
"""

from collections.abc import Iterator
from pathlib import Path

import retrainer
from retrainer.options.cleaning import CleanOptions
from retrainer.options.groups import Option, Options, options_of
from retrainer.options.model import EvaluateOptions
from retrainer.options.report import ReportOptions
from retrainer.options.retraining import RetrainOptions
from retrainer.system.files import write_whole

PAGE = Path(retrainer.__file__).parent / "options" / "keywords.py"
GROUPS: dict[str, type[Options]] = {
    "RetrainKeywords": RetrainOptions,
    "EvaluateKeywords": EvaluateOptions,
    "CleanKeywords": CleanOptions,
    "ReportKeywords": ReportOptions,
}
_HEAD = '''"""The options that functions take by name, with their types, for editors and type checkers.

Written by `python -m scripts.write_keywords` from the groups of options, which describe them.
"""

import os
from typing import TypedDict

from retrainer.options.in_memory import PhotoSource
'''


def text() -> str:
    """Returns the content of the file."""
    return _HEAD + "".join("\n\n" + "\n".join(_lines(name, group)) + "\n" for name, group in GROUPS.items())


def _lines(name: str, group: type[Options]) -> Iterator[str]:
    yield f"class {name}(TypedDict, total=False):"
    yield f'    """The options of `{group.__name__}`, which describes them."""'
    yield ""
    yield from (f"    {item.name}: {_type_of(item)}" for item in options_of(group))


def _type_of(item: Option) -> str:
    if item.limits.tables:
        return "PhotoSource"
    if item.limits.path:
        return "str | os.PathLike[str]"
    return item.kind.__name__ if isinstance(item.kind, type) else str(item.kind)


def main() -> None:
    """Writes the file."""
    write_whole(PAGE, text().encode("utf-8"))


if __name__ == "__main__":
    main()
