"""Draws the house: what the rooms of `retrainer/` import, whether that goes in circles, and how long things are.

    python -m scripts.house [FOLDER]

FOLDER is a checkout, by default this one. A folder directly below `retrainer/` is a room, and so is a module there.
"""

import ast
import graphlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PACKAGE = "retrainer"
LISTED = 5
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


def modules_of(checkout: Path) -> dict[str, Module]:
    """Returns all modules of a checkout by their names."""
    modules = {}
    for path in sorted((checkout / PACKAGE).rglob("*.py")):
        names = path.relative_to(checkout / PACKAGE).with_suffix("").parts
        name = ".".join(names[:-1] if names[-1] == "__init__" else names)
        content = path.read_text(encoding="utf-8")
        modules[name] = Module(name, ast.parse(content), content.count("\n"))
    return modules


def imports_of(module: Module, modules: Mapping[str, Module]) -> set[str]:
    """Returns the names of the modules that a module imports, late imports and those for type checkers included."""
    found = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            named = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {_nearest(name.removeprefix(f"{PACKAGE}."), modules) for name in named if _is_ours(name)}
    return found - {module.name, ""}


def _is_ours(name: str) -> bool:
    return f"{name}.".startswith(f"{PACKAGE}.")


def _nearest(name: str, modules: Mapping[str, Module]) -> str:
    """The module that a dotted name is or lies in."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


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


def rows_of(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Returns the names in rows: each imports only from rows before its own. A circle shares one row."""
    rows: list[list[str]] = []
    left = dict(arrows)
    while left:
        waits = {name: imported & left.keys() for name, imported in left.items()}
        row = sorted(name for name, imported in waits.items() if not imported) or sorted(set(circle_in(waits)))
        rows.append(row)
        left = {name: imported for name, imported in left.items() if name not in row}
    return rows


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """Returns names that import each other in a circle, the first of them again at the end; empty without one."""
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def functions_of(modules: Mapping[str, Module]) -> Iterator[tuple[str, Function]]:
    """Yields all functions and methods, each with the name of its module and its own."""
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, Function):
                yield f"{module.name}.{node.name}".lstrip("."), node


def body_lines(function: Function) -> int:
    """Returns how many lines a function has below its signature and its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


def parameters(function: Function) -> int:
    """Returns how many parameters a function takes besides `self` and `cls`."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def report(checkout: Path) -> Iterator[str]:
    """Yields the lines that describe a checkout."""
    modules = modules_of(checkout)
    graph = graph_of(modules)
    rooms = rooms_of(graph)
    yield from _drawing(rooms)
    yield ""
    yield f"{len(rooms)} rooms, {sum(map(len, rooms.values()))} arrows between them"
    yield f"{len(graph)} modules, {sum(map(len, graph.values()))} imports"
    for what, arrows in (("rooms", rooms), ("modules", graph)):
        yield f"circle of {what}: {' -> '.join(circle_in(arrows)) or 'none'}"
    yield ""
    yield from _functions(list(functions_of(modules)))
    yield ""
    yield from _longest("modules", [(module.lines, module.name or PACKAGE) for module in modules.values()])


def _drawing(rooms: Mapping[str, set[str]]) -> Iterator[str]:
    """Yields a line for each room, those that import nothing first, with an arrow to each room it imports from."""
    width = max(map(len, rooms))
    for number, row in enumerate(rows_of(rooms), 1):
        for room in row:
            named = f"{number if room == row[0] else '':>3}  {room:<{width}}"
            yield f"{named}  -> {' '.join(sorted(rooms[room]))}" if rooms[room] else named.rstrip()


def _functions(functions: Sequence[tuple[str, Function]]) -> Iterator[str]:
    """Yields the table of lengths and parameters, the share with docstrings, and the longest functions."""
    lines = [(body_lines(function), name) for name, function in functions]
    documented = sum(ast.get_docstring(function) is not None for _, function in functions)
    yield f"{f'{len(functions)} functions':<16}{'median':>8}{'90 %':>8}{'most':>8}"
    for what, values in (
        ("lines", [count for count, _ in lines]),
        ("parameters", [parameters(f) for _, f in functions]),
    ):
        ordered = sorted(values)
        yield f"{what:<16}{median(ordered):>8g}{ordered[len(ordered) * 9 // 10]:>8}{ordered[-1]:>8}"
    yield f"{documented} of them, {documented / len(functions):.0%}, have docstrings"
    yield ""
    yield from _longest("functions", lines)


def _longest(what: str, lengths: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Yields the longest of some things, each with its number of lines."""
    yield f"longest {what}"
    yield from (
        f"{length:>6}  {name}" for length, name in sorted(lengths, key=lambda pair: (-pair[0], pair[1]))[:LISTED]
    )


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]))))
