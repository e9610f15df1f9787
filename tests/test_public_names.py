"""The public names, and values of the library that can be compared and kept in sets."""

import ast
import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import numpy as np
import pytest

import retrainer
from retrainer import Picture, events, version
from retrainer.training.head import Head


def test_the_package_shows_its_public_names_and_its_version() -> None:
    assert dir(retrainer) == sorted([*retrainer.__all__, "__version__"])
    assert retrainer.__version__ == version.VERSION
    things = {name: getattr(retrainer, name) for name in retrainer.__all__}
    assert [thing.__name__ for thing in things.values() if thing != Picture] == [n for n in things if n != "Picture"]
    with pytest.raises(AttributeError, match="module 'retrainer' has no attribute 'others'"):
        retrainer.others  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(retrainer.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: node.module for node in imports for alias in node.names if alias.asname == alias.name}
    assert seen == {name: f"retrainer.{module}" for name, module in retrainer._MODULES.items()}


def test_the_package_runs_as_the_command() -> None:
    line = [sys.executable, "-m", "retrainer", "--help"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: retrainer [OPTIONS] COMMAND [ARGS]...\n")


def dataclasses_of(package: object) -> Iterator[type]:
    for module in walk_packages(package.__path__, f"{package.__name__}."):  # type: ignore[attr-defined]
        if not module.name.endswith("__main__"):
            for _, found in inspect.getmembers(import_module(module.name), inspect.isclass):
                if found.__module__ == module.name and dataclasses.is_dataclass(found):
                    yield found


def is_array(field: "dataclasses.Field[object]") -> bool:
    return "ndarray" in str(field.type) and "Callable" not in str(field.type)


def test_what_holds_arrays_is_compared_by_identity() -> None:
    """NumPy compares arrays element by element, so that `==` of two values that hold arrays would raise."""
    holding = [kind for kind in dataclasses_of(retrainer) if any(map(is_array, dataclasses.fields(kind)))]
    assert Head in holding
    assert [kind for kind in holding if "__eq__" in vars(kind)] == []
    head = Head(np.ones((2, 2), np.float32), np.ones(2, np.float32))
    assert (head == head.copy(), head == head) == (False, True)  # noqa: PLR0124
    assert head in {head}


@pytest.mark.parametrize("kind", [kind for kind in dataclasses_of(retrainer) if issubclass(kind, events.Event)])
def test_events_can_be_compared_and_kept_in_sets(kind: type[events.Event]) -> None:
    values = {"ndarray": np.ones(2, np.float32), "Mapping": {"pb": "graph.pb"}}

    def made() -> events.Event:
        types = {f.name: str(f.type) for f in dataclasses.fields(kind)}
        return kind(**{name: next((v for t, v in values.items() if t in of), 1) for name, of in types.items()})

    event = made()
    assert event == event  # noqa: PLR0124
    assert event in {event}
    assert (event == made()) == ("__eq__" in vars(kind))
