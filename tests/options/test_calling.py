"""Wrong calls of `retrain`, `compare` and `evaluate` are OptionErrors, and their help lists the options."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import retrainer
from retrainer import RetrainOptions
from retrainer.errors import OptionError
from retrainer.options.groups import options_of
from retrainer.options.model import EvaluateOptions
from scripts import write_keywords

# Type checkers would refuse the wrong calls.
compare: Any = retrainer.compare
evaluate: Any = retrainer.evaluate
retrain: Any = retrainer.retrain


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (retrain, r"^retrain\(\): expected photos once, received none\.\nGive a folder, a table or \(pict"),
        (lambda: retrain("a", image_dir="b"), r"^retrain\(\): expected photos once, received them twice, also as im"),
        (lambda: evaluate("a", "b", image_dir="c"), r"^evaluate\(\): expected photos once, received them twice, also"),
        (lambda: retrain("a", 3), r"^retrain\(\): expected at most 1 argument without a name, received 2\.\nGive opt"),
        (evaluate, r"^evaluate\(\): missing a required argument: 'model'\.\nhelp\(retrainer\.evaluate\) "),
        (compare, r"^compare\(\): missing a required argument: 'names'\."),
        (lambda: compare(3, "a"), r"^compare: expected a list of names, received 3\."),
        (lambda: compare([3], "a"), r"^compare: expected names of backbones, received 3\."),
        (lambda: compare(["pocket"]), r"^compare\(\): expected photos once, received none\."),
        (
            lambda: retrain(image_dirr="x"),
            r"^retrain\(\): expected options of .*, received 'image_dirr'\.\nDid you mean",
        ),
        (
            lambda: retrain("x", folsd=3),
            r"^retrain\(\): expected options of retrainer\.RetrainOptions, received 'f",
        ),
        (lambda: retrain(3), r"^--image_dir: expected a path, received 3\."),
        (
            lambda: retrain([("a.jpg", "a")]),
            r"^--image_dir: expected a path, received \[\('a\.jpg', 'a'\)\]\.\nGive photos as a folder, a table or",
        ),
        (lambda: evaluate(3), r"^--graph: expected a path, received 3\."),
        (lambda: evaluate("a", 3), r"^--image_dir: expected a path, received 3\."),
        (lambda: retrain("a", on_progress=3), r"^on_progress: expected a function that takes an event, received 3\."),
    ],
)
def test_a_wrong_call_is_one_line(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        call()


@pytest.mark.parametrize(
    ("function", "group"), [(retrain, RetrainOptions), (compare, RetrainOptions), (evaluate, EvaluateOptions)]
)
def test_the_help_of_a_function_lists_its_options(function: Callable[..., Any], group: type[Any]) -> None:
    documentation = inspect.getdoc(function) or ""
    assert documentation.splitlines()[0].endswith(".")
    for item in options_of(group):
        assert f"\n    {item}\n" in f"{documentation}\n"
    assert "on_progress" in inspect.signature(function).parameters


def test_the_types_of_options_by_name_are_those_of_the_groups() -> None:
    written = write_keywords.PAGE.read_text(encoding="utf-8")
    assert written == write_keywords.text(), "run python -m scripts.write_keywords"
