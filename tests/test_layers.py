"""A room imports only from lower rooms, and no modules import each other in a circle."""

from collections.abc import Sequence
from pathlib import Path

import retrainer
from scripts.house import circle_in, graph_of, modules_of, rooms_of

# Each room, a folder or a module beside the folders, may import from the rows above its own.
ROWS: Sequence[tuple[str, ...]] = (
    ("arrays", "network_input", "text", "version"),
    ("errors",),
    ("system",),
    ("answers",),
    ("events", "options"),
    ("photos", "training"),
    ("bottlenecks", "models", "measuring"),
    ("backbones",),
    ("engines", "pages"),
    ("prediction",),
    ("labeler", "feature_source", "duplicates", "output_formats", "gathering"),
    ("previous_model", "reporting", "decided_files"),
    ("model_writer", "preflight", "preparation", "changes", "recording"),
    ("findings",),
    ("reports",),
    ("results",),
    ("retraining", "evaluation", "comparison", "inspection", "fetching", "history", "model_cache", "sorting"),
    ("cleaning",),
    ("vectors",),
    ("sklearn",),
    ("observers", "answer_tables", "serving"),
    ("cli",),
    ("__main__",),
)
ROW_OF = {room: row for row, rooms in enumerate(ROWS) for room in rooms}
GRAPH = graph_of(modules_of(Path(retrainer.__file__).parents[1]))


def test_a_room_imports_only_from_lower_rooms() -> None:
    rooms = rooms_of(GRAPH)
    assert set(rooms) == set(ROW_OF)
    wrong = [f"{room} imports {other}" for room, others in rooms.items() for other in others]
    wrong = [arrow for arrow in wrong if ROW_OF[arrow.split()[2]] >= ROW_OF[arrow.split()[0]]]
    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert len(GRAPH) > 100
    assert circle_in(GRAPH) == []
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
