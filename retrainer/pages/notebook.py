"""What a notebook shows of a value: a piece of HTML that loads and runs nothing.

Its style applies to the piece alone.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrainer.errors import PictureError
from retrainer.measuring.assessment import Assessment
from retrainer.measuring.learning_curve import LearningCurve
from retrainer.measuring.shares import between, percent
from retrainer.measuring.training_curve import TrainingCurve
from retrainer.pages.components import (
    bars,
    class_table,
    confusion_table,
    cut,
    cut_path,
    facts,
)
from retrainer.pages.curves import curve_chart
from retrainer.pages.markup import Markup, element
from retrainer.pages.style import STYLE, style_of
from retrainer.pages.thumbnails import Mistaken, gallery, photo
from retrainer.photos.photo import content_of
from retrainer.text import counted, reason_of

if TYPE_CHECKING:
    from retrainer.photos.pictures import Picture

# Results of another version in the same notebook have rules of their own.
_CLASS = f"retrainer-{hashlib.sha256(STYLE.encode()).hexdigest()[:6]}"
# Notebooks would typeset a name such as `$5 or $6` as a formula. These are the names of MathJax 2 and 3 for this.
NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
_LABELS, _LONGEST = 20, 120

_CALL = """# A path, bytes, an array, a PIL.Image or an open file.
answer = labeler("photo.jpg")
answer.label, answer.score"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is shown of a model that was measured.

    Attributes:
        assessment: The figures; None if no photo tested the model.
        photos: Which photos these are, for the place after their number.
        facts: More facts of the model, by their names.
        mistakes: The photos that it gets wrong, the highest scores first.
        curve: The worth of more photos, or else how training went; None shows neither.
    """

    assessment: Assessment | None
    photos: str
    facts: Mapping[str, str]
    mistakes: Sequence[Mistaken]
    curve: LearningCurve | TrainingCurve | None = None


def outcome_html(make: Callable[[], Outcome]) -> str:
    """A result: accuracy, classes, confusions, learning curve and mistakes; at most 200 KB, however many there are.

    Args:
        make: Returns the result; a sentence stands in its place if that fails.
    """

    def content() -> list[Markup]:
        shown = make()
        return [*_headline(shown), facts(shown.facts), *_figures(shown)]

    return piece(content)


def answer_html(
    path: str | None, picture: "Picture | None", ranking: Sequence[tuple[str, float]], sentence: str = ""
) -> str:
    """An answer: the picture beside its labels.

    Args:
        path: The picture's path or name; None if it has none.
        picture: The picture; None if it was not kept.
        ranking: Labels with their scores, best first.
        sentence: What else there is to say of it.
    """

    def read() -> bytes:
        if picture is None:
            raise PictureError("it was not kept")
        return content_of(picture)

    def content() -> list[Markup]:
        said = [element("p", cut(sentence, 200), class_="caption")] if sentence else []
        scores = element("div", *said, bars("Scores", ranking))
        shown = photo(read, f"The picture {cut(path)}" if path else "The picture", large=True)
        named = [element("p", cut_path(path, _LONGEST), class_="quiet")] if path else []
        return [element("div", shown, scores, class_="answer"), *named]

    return piece(content)


def labeler_html(labels: Sequence[str], described: Mapping[str, str], warnings: Sequence[str] = ()) -> str:
    """A labeler: what it knows, and how to call it.

    Args:
        labels: Its labels.
        described: Facts of it, by their names.
        warnings: What a user should know of it.
    """

    def content() -> list[Markup]:
        names = ", ".join(cut(label) for label in labels[:_LABELS])
        more = f" and {len(labels) - _LABELS:,} more" if len(labels) > _LABELS else ""
        return [
            element("p", f"Labeler of {counted(len(labels), 'class')}", class_="headline"),
            element("p", names + more),
            facts(described),
            *(element("p", f"Warning: {cut(warning, 400)}") for warning in warnings[:_LABELS]),
            element("pre", _CALL),
        ]

    return piece(content)


def piece(content: Callable[[], Sequence[Markup]]) -> str:
    """A content with its style. Whatever goes wrong is a sentence, since a notebook would show a traceback."""
    try:
        shown = content()
    except Exception as error:
        shown = [element("p", f"This cannot be shown: {cut(reason_of(error), 200)}")]
    style = element("style", Markup(style_of(f".{_CLASS}")))
    return element("div", style, *shown, class_=f"{_CLASS} {NO_FORMULAS}")


def _headline(shown: Outcome) -> list[Markup]:
    figures = shown.assessment
    if figures is None:
        return [
            element("p", "Accuracy unknown", class_="headline"),
            element("p", "No photo tested the model. Add photos, or cross-validate: retrain(…, folds=5)."),
        ]
    return [
        element("p", f"{percent(figures.accuracy)} of {counted(figures.count, 'photo')} right", class_="headline"),
        element("p", f"{between(figures.interval)} with 95 % confidence; {shown.photos}."),
    ]


def _figures(shown: Outcome) -> list[Markup]:
    figures = shown.assessment
    if figures is None:
        return []
    labels = [one.label for one in figures.classes]
    tables = class_table(figures.classes), confusion_table(labels, figures.confusion)
    curve = [curve_chart(shown.curve)] if shown.curve else []
    return [element("div", *tables, class_="tables"), *curve, gallery(shown.mistakes)]
