"""Classes from the names of files, such as `cat.123.jpg`, by a regular expression."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence

from retrainer.errors import OptionError
from retrainer.text import shown

FLAG = "--label_from"
_GROUP = "label"

# `re` cannot be stopped, and takes years for some expressions. So names are matched in a process that can be.
_SECONDS, _SECONDS_PER_NAME = 10.0, 1e-4
_CODE = """
import json, re, sys
pattern, group, names = json.load(sys.stdin)
search = re.compile(pattern).search
json.dump([(found := search(name)) and found[group] or "" for name in names], sys.stdout)
"""


def require_pattern(pattern: str) -> int | str:
    """The group of a pattern that is the class: the one named `label`, otherwise the first.

    Raises:
        OptionError: it is no regular expression, or has no group.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise OptionError(
            f"{FLAG}: expected a regular expression, received {shown(pattern)!r}: {error}.",
            "Put it between single quotes, so that the shell leaves it as it is.",
        ) from error
    if not compiled.groups:
        raise OptionError(
            f"{FLAG}: expected a group in parentheses around the class, received {shown(pattern)!r}.",
            f"For cat.123.jpg it is {FLAG} '([^/]+)\\.\\d+\\.'",
        )
    return _GROUP if _GROUP in compiled.groupindex else 1


def labels_in(names: Sequence[str], pattern: str) -> list[str]:
    """What a pattern takes for the class in each name; empty if it does not match.

    Args:
        names: N paths below the folder of photos, separated by `/`.
        pattern: Is looked for at any place of a path; `^` stands for its beginning.

    Raises:
        OptionError: the pattern is no regular expression, has no group, or takes too long.
    """
    question = json.dumps([pattern, require_pattern(pattern), list(names)])
    seconds = _SECONDS + _SECONDS_PER_NAME * len(names)
    line = [sys.executable, "-I", "-S", "-c", _CODE]
    try:
        done = subprocess.run(line, input=question, capture_output=True, text=True, timeout=seconds, check=True)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise OptionError(
            f"{FLAG}: {shown(pattern)!r} takes more than {seconds:,.0f} s for {len(names):,} names.",
            "Do not repeat what contains a repetition, as ([a-z]+)+ does.",
        ) from error
    except subprocess.CalledProcessError as error:  # it needs too much memory, for example
        reason = next(reversed(error.stderr.strip().splitlines()), f"exit code {error.returncode}")
        raise OptionError(f"{FLAG}: {shown(pattern)!r} cannot be matched: {shown(reason)}.") from error
    answer: list[str] = json.loads(done.stdout)
    return answer
