"""A module imports only from its own floor or a lower one."""

import ast
from pathlib import Path

import retrainer

ROOT = Path(retrainer.__file__).parent
FLOORS = (
    (
        "errors",
        "trust",
        "child",
        "worker",
        "events",
        "arrays",
        "documents",
        "files",
        "native",
        "parallel",
        "terminal",
        "text",
        "unfinished",
        "version",
    ),
    (
        "architectures",
        "archives",
        "calibration",
        "downloads",
        "folders",
        "head",
        "jpegs",
        "damage",
        "levels",
        "memory",
        "modes",
        "pngs",
        "tiffs",
        "signatures",
        "labels",
        "layouts",
        "matrices",
        "metrics",
        "parts",
        "rejection",
        "resizing",
    ),
    ("options", "assessment", "images", "bottlenecks", "models", "summaries"),
    ("dataset", "splits", "membership", "distortions", "backbones"),
    ("alignment", "copies", "fingerprint_cache", "fingerprints", "lookalikes"),
    ("features",),
    (
        "cleaning",
        "cross_validation",
        "duplicates",
        "evaluation",
        "extraction",
        "inspection",
        "labeler",
        "learning_curve",
        "outputs",
        "previous",
        "sample",
        "saving",
        "training",
        "unseen",
    ),
    ("retraining", "comparison", "fetching", "observers"),
    ("report", "serve", "export"),
    ("cli",),
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def imports_of(path: Path) -> set[str]:
    """The names of the project's modules and packages that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "retrainer":
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name.split(".")[1] for name in names}
    return found


def test_no_module_imports_from_a_higher_floor() -> None:
    modules = [path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"]
    assert len(modules) > 20
    for path in modules:
        own = path.relative_to(ROOT).with_suffix("").parts[0]
        for name in imports_of(path):
            assert FLOOR_OF[name] <= FLOOR_OF[own], f"{path.name} ({own}) imports {name}"


def test_the_public_names_are_those_that_the_package_declares() -> None:
    assert [getattr(retrainer, name).__name__ for name in retrainer.__all__] == retrainer.__all__
    assert set(retrainer._HOMES) == set(retrainer.__all__)
