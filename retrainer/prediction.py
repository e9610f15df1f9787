"""What a model says of one picture."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.text import brief

if TYPE_CHECKING:
    from retrainer.photos.pictures import Picture

# Labels in the text of a prediction.
_SHOWN = 3
# Characters of a path or a label in it.
_LONGEST = 60


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """A picture's labels, best first.

    An answer holds its picture. Of many pictures in memory, keep `answer.label` or `answer.to_dict()`.

        answer = labeler("photo.jpg")
        print("none of these" if answer.rejected else answer.label, answer.score)

    Attributes:
        path: The path or the name of the picture as given; None if it has none.
        ranking: Labels with their scores (0 to 1), best first; as many as the option `top` says.
        seconds: How long the network ran.
        distance: Cosine distance (0 to 2, but for rounding) to the nearest prototype; None if the model has none.
        limit: The distance above which the picture counts as none of the classes; None if the model has no prototypes.
        scores: All scores, float32 `(C,)`, 0 to 1, in the order of the labeler's labels.
        picture: The picture, to be shown: as it was given, or the bytes of an open file. `Labeler.many` keeps only
            paths, so that the pictures of a long stream do not fill the memory; None for others.
    """

    path: str | None
    ranking: tuple[tuple[str, float], ...]
    seconds: float
    distance: float | None = None
    limit: float | None = None
    scores: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    picture: "Picture | None" = None

    @property
    def label(self) -> str:
        """The best label, also if the picture is rejected."""
        return self.ranking[0][0]

    @property
    def score(self) -> float:
        """The score of the best label, 0 to 1."""
        return self.ranking[0][1]

    @property
    def rejected(self) -> bool:
        """Whether the picture is unlike all those that the model learnt from; False if the model cannot tell."""
        return self.distance is not None and self.limit is not None and self.distance > self.limit

    def to_dict(self) -> dict[str, Any]:
        """The answer as values of JSON, for `json.dumps`, by the names that `retrainer label --json` uses.

        Returns:
            `path`, `label`, `score`, `rejected` (None if the model cannot tell), `distance`, `limit`, `seconds`, and
            `ranking`: a list of objects with `label` and `score`, best first.
        """
        return {
            "path": self.path,
            "label": self.label,
            "score": self.score,
            "rejected": None if self.distance is None else self.rejected,
            "distance": self.distance,
            "limit": self.limit,
            "seconds": self.seconds,
            "ranking": [{"label": label, "score": score} for label, score in self.ranking],
        }

    def __repr__(self) -> str:
        """The path and the best labels on one line."""
        path = "" if self.path is None else f"{_cut(self.path)}: "
        labels = ", ".join(f"{_cut(label)} {score:.3f}" for label, score in self.ranking[:_SHOWN])
        more = f" and {len(self.ranking) - _SHOWN} more" if len(self.ranking) > _SHOWN else ""
        unlike = f"; rejected, distance {self.distance:.3f}, limit {self.limit:.3f}" if self.rejected else ""
        return f"Prediction({path}{labels}{more}{unlike})"

    def _repr_html_(self) -> str:
        from retrainer.pages.notebook import answer_html  # only notebooks call this

        unlike = "Rejected: the picture is unlike all those that the model learnt from." if self.rejected else ""
        return answer_html(self.path, self.picture, self.ranking, unlike)


def _cut(text: str) -> str:
    """A text in quotes, of a long one the end, which tells paths apart."""
    return brief(text if len(text) <= _LONGEST else f"…{text[1 - _LONGEST :]}")
