"""Draws the house: what the folders of `retrainer/` import, whether that goes in circles, and how long things are.

    python -m scripts.house [FOLDER]

FOLDER is a checkout, by default this one. A folder directly below `retrainer/` is a room, and so is a module there.
"""

import ast
import graphlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PACKAGE = "retrainer"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A file of the package.

    Attributes:
        name: Dotted, without the package's own name; empty for the package itself.
        tree: Its syntax.
        lines: How many lines it has.
    """

    name: str
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """The folder directly below the package that holds it, or its own name."""
        return self.name.split(".")[0]


def modules_of(checkout: Path) -> dict[str, Module]:
    """All modules of a checkout by their names."""
    modules = {}
    for path in sorted((checkout / PACKAGE).rglob("*.py")):
        parts = path.relative_to(checkout / PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        content = path.read_text(encoding="utf-8")
        modules[name] = Module(name, ast.parse(content), content.count("\n"))
    return modules


def imports_of(module: Module, modules: Mapping[str, Module]) -> set[str]:
    """The names of the modules that a module imports, late imports and those for type checkers included."""
    found = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith(f"{PACKAGE}."):
            within = node.module.removeprefix(PACKAGE).lstrip(".")
            for alias in node.names:
                inner = f"{within}.{alias.name}".lstrip(".")
                found.add(inner if inner in modules else within)
    return found - {module.name, ""}


def graph_of(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Module -> the modules that it imports; the package itself, which lists the public names, is left out."""
    return {name: imports_of(module, modules) for name, module in modules.items() if name}


def rooms_of(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Room -> the other rooms that it imports from."""
    rooms: dict[str, set[str]] = {}
    for name, imported in graph.items():
        room = name.split(".")[0]
        rooms.setdefault(room, set()).update({other.split(".")[0] for other in imported} - {room})
    return rooms


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """Names that import each other in a circle, the first of them again at the end; empty without one."""
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def entered_from(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    """All that is imported from a start on, directly or not."""
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return seen - {start}


def functions_of(modules: Mapping[str, Module]) -> Iterator[Function]:
    """All functions and methods."""
    for module in modules.values():
        yield from (node for node in ast.walk(module.tree) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """How many lines a function has below its signature and its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


def parameters(function: Function) -> int:
    """How many parameters it takes besides `self` and `cls`."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def report(checkout: Path) -> Iterator[str]:
    """The lines that describe a checkout."""
    modules = modules_of(checkout)
    graph = graph_of(modules)
    rooms = rooms_of(graph)
    yield "Rooms and what they import from"
    for room in sorted(rooms, key=lambda name: len(entered_from(name, rooms))):
        yield f"  {room:<18} {' '.join(sorted(rooms[room])) or '-'}"
    yield f"rooms {len(rooms)}, arrows between them {sum(map(len, rooms.values()))}"
    yield f"modules {len(graph)}, imports {sum(map(len, graph.values()))}"
    yield f"longest module {max(module.lines for module in modules.values())} lines"
    for what, arrows in (("rooms", rooms), ("modules", graph)):
        yield f"circle of {what}: {' -> '.join(circle_in(arrows)) or 'none'}"
    functions = list(functions_of(modules))
    lengths = sorted(map(body_lines, functions))
    most = f"nine in ten at most {lengths[len(lengths) * 9 // 10]}, most {lengths[-1]}"
    yield f"functions {len(functions)}: lines median {median(lengths):g}, {most}"
    yield f"parameters at most {max(map(parameters, functions))}"
    documented = sum(ast.get_docstring(function) is not None for function in functions)
    yield f"docstrings: {documented} of {len(functions)} functions"


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]))))
