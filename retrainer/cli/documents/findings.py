"""An observer that keeps what a document tells of a run besides its result."""

from typing import Any

from retrainer.answers.table import short_number
from retrainer.cli.documents.document import Fields
from retrainer.events import Changed, CopiesFound, Event, PhotoMisclassified
from retrainer.observers.problems import Problem, problems_of


class Findings:
    """Keeps the problems of a run, the test photos that its model gets wrong, its copies, and what has changed."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._mistakes: list[PhotoMisclassified] = []
        self._copies: CopiesFound | None = None
        self._changed: Changed | None = None

    def __call__(self, event: Event) -> None:
        """Keeps an event."""
        self._problems += problems_of(event)
        match event:
            case PhotoMisclassified():
                self._mistakes.append(event)
            case CopiesFound():
                self._copies = event
            case Changed():
                self._changed = event

    @property
    def problems(self) -> list[dict[str, Any]]:
        """The problems."""
        return [{"kind": kind, "path": path or None, "problem": text} for kind, path, text in self._problems]

    @property
    def mistakes(self) -> list[dict[str, Any]]:
        """The test photos that the model gets wrong, the highest scores first."""
        surest = sorted(self._mistakes, key=lambda one: -one.score)
        return [mistake(one.path, one.label, one.predicted, one.score) for one in surest]

    @property
    def duplicates(self) -> Fields | None:
        """How many photos are copies; None if there are none."""
        return {"photos": self._copies.photos, "table": self._copies.table} if self._copies else None

    @property
    def changes(self) -> Fields | None:
        """What has changed since the last model; None if nothing has, or if it is not known."""
        if self._changed is None:
            return None
        one = self._changed
        return {
            "new_photos": one.new,
            "gone_photos": one.gone,
            "are_estimates": one.is_estimate,
            "new_classes": one.added,
            "gone_classes": one.removed,
            "earlier_test_photos": one.tested,
            "moved_test_photos": one.moved,
        }


def mistake(path: str, label: str, predicted: str, score: float) -> dict[str, Any]:
    """A photo that a model gets wrong, with the score, a float32, of the class that it was taken for."""
    return {"path": path, "label": label, "predicted": predicted, "score": short_number(score)}
