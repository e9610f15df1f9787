"""The drawing of the house, of a package that is made up."""

from pathlib import Path

from scripts.house import graph_of, modules_of, report, rooms_of, rows_of

FILES = {
    "__init__.py": "",
    "text.py": "def shown(a):\n    return a\n",
    "errors.py": "import os\nfrom retrainer.text import shown\nfrom retrainers import x\n",
    "models/__init__.py": '"""Models."""\n',
    "models/graph.py": "import retrainer.errors\nfrom retrainer.models import tensors\n",
    "models/tensors.py": "class Tensor:\n  def shape(self, a, *, b):\n    '''Shape.'''\n    return (\n      a, b)\n",
    "cli.py": "def main():\n    from retrainer.models.graph import Graph\n    from retrainer import text\n",
}
DRAWN = """\
  1  text
  2  errors  -> text
  3  models  -> errors
  4  cli     -> models text

4 rooms, 4 arrows between them
6 modules, 5 imports
circle of rooms: none
circle of modules: none

3 functions       median    90 %    most
lines                  2       2       2
parameters             1       2       2
1 of them, 33%, have docstrings

longest functions
     2  cli.main
     2  models.tensors.shape
     1  text.shown

longest modules
     5  models.tensors
     3  cli
     3  errors
     2  models.graph
     2  text
"""


def checkout(root: Path, **changed: str) -> Path:
    """A checkout of the made-up package."""
    for name, content in {**FILES, **{f"{module}.py": content for module, content in changed.items()}}.items():
        (root / "retrainer" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "retrainer" / name).write_text(content)
    return root


def test_a_house_is_drawn_in_rows_and_measured(tmp_path: Path) -> None:
    assert "\n".join(report(checkout(tmp_path))) + "\n" == DRAWN


def test_a_circle_is_named_and_shares_a_row(tmp_path: Path) -> None:
    modules = modules_of(checkout(tmp_path, text="from retrainer.models import tensors\n"))
    rooms = rooms_of(graph_of(modules))
    assert rows_of(rooms) == [["errors", "models", "text"], ["cli"]]
    drawn = list(report(tmp_path))
    (circle,) = (line for line in drawn if line.startswith("circle of rooms: "))
    assert sorted(circle.removeprefix("circle of rooms: ").split(" -> ")[1:]) == ["errors", "models", "text"]
    assert "circle of modules: none" in drawn
