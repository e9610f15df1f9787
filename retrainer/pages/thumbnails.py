"""Photos in pages: each is a small picture inside the page, or a sentence if it cannot be read."""

import base64
from collections.abc import Callable, Sequence
from typing import Protocol

from retrainer.measuring.shares import percent
from retrainer.pages.components import cut, cut_path, name
from retrainer.pages.page import Markup, element
from retrainer.photos.photo import content_of
from retrainer.photos.thumbnails import thumbnail
from retrainer.text import reason_of

_SIDE, _BYTES = 112, 3_000
_LARGE_SIDE, _LARGE_BYTES = 320, 24_000
_SHOWN = 12


class Mistaken(Protocol):
    """A photo with its class, the class that the model took it for, and the score of that, 0 to 1."""

    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def predicted(self) -> str: ...  # noqa: D102
    @property
    def score(self) -> float: ...  # noqa: D102


def photo(read: Callable[[], bytes], description: str, *, large: bool = False) -> Markup:
    """A photo as a picture in the page; a sentence stands in its place if it cannot be read.

    Args:
        read: Returns the bytes of its file.
        description: What those read who do not see it.
        large: Whether it is the only one.
    """
    side, most = (_LARGE_SIDE, _LARGE_BYTES) if large else (_SIDE, _BYTES)
    try:
        content = thumbnail(read(), side, most)
    except Exception as error:  # a photo that is gone or hostile costs no more than its own place
        return element("div", f"No picture: {cut(reason_of(error), 80)}.", class_="gone")
    url = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
    return element("img", src=url, alt=description, class_="large" if large else "small")


def gallery(mistakes: Sequence[Mistaken]) -> Markup:
    """The first mistakes: photo, true class, predicted class, score and path of each."""
    if not mistakes:
        return element("p", "No photo was taken for another class.")
    more = f", {min(len(mistakes), _SHOWN)} of {len(mistakes):,}" if len(mistakes) > _SHOWN else ""
    heading = element("p", f"The surest mistakes{more}: true class → predicted, score", class_="caption")
    return element("div", heading, element("div", *(_mistake(one) for one in mistakes[:_SHOWN]), class_="photos"))


def _mistake(mistake: Mistaken) -> Markup:
    own, taken = cut(mistake.label), cut(mistake.predicted)
    description = f"Photo of {own}, predicted {taken} with score {percent(mistake.score)}"
    caption = element(
        "figcaption",
        element("div", name(mistake.label), " → ", name(mistake.predicted), " ", element("b", percent(mistake.score))),
        element("div", element("bdi", cut_path(mistake.path)), class_="quiet path"),
    )
    return element("figure", photo(lambda: content_of(mistake.path), description), caption)
