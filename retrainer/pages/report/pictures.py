"""The photos of a report: each is a small picture with its description, or only the description without pictures."""

from collections.abc import Callable, Sequence

from retrainer.measuring.shares import percent
from retrainer.pages.blocks import cards, photo_card
from retrainer.pages.components import cut, cut_path, name
from retrainer.pages.filters import filterable
from retrainer.pages.markup import Markup, element, table
from retrainer.pages.report.contents import NearPhoto, SeenPhoto
from retrainer.pages.thumbnails import Thumbnails

_MOST_BYTES, _MOST_NEAR_BYTES, _NEAR_SIDE = 2_700_000, 600_000, 80
_HEADINGS = ("photo", "given", "predicted", "score", "second", "nearest training photos")


class Pictures:
    """The pictures of a report, of which photos beside others are smaller.

    Attributes:
        shown: Whether there are pictures.
    """

    def __init__(self, read: Callable[[str], bytes] | None) -> None:
        self.shown = read is not None
        self._photos = Thumbnails(read, _MOST_BYTES)
        self._near = Thumbnails(read, _MOST_NEAR_BYTES, _NEAR_SIDE)

    def prepare(self, paths: Sequence[str]) -> None:
        """Makes pictures in parallel."""
        if self.shown:
            self._photos.prepare(paths)

    def gallery(self, title: str, photos: Sequence[SeenPhoto]) -> Markup:
        """Photos with their scores, side by side."""
        if not self.shown:
            return by_name(photos)
        return cards((self._small(one) for one in photos), title)

    def cards(self, title: str, photos: Sequence[SeenPhoto], filter_by: str = "") -> Markup:
        """Photos with their classes, scores and nearest training photos; a table of them without pictures.

        Args:
            title: What a screen reader calls them.
            photos: In the order in which they are shown.
            filter_by: The name of the filter that shows those of one class; "" if there is none.
        """
        if not self.shown:
            return element("div", table(title, _HEADINGS, map(_row, photos)), class_="paths")
        self.prepare([one.path for one in photos])
        self._near.prepare([near.path for one in photos for near in one.nearest])
        return element("ul", *(self._card(one, filter_by) for one in photos), class_="cards wide", aria_label=title)

    def _small(self, one: SeenPhoto) -> Markup:
        picture = self._photos.photo(one.path, described(one))
        return element("li", *photo_card(picture, element("b", percent(one.score)), path=one.path), class_="card")

    def _card(self, one: SeenPhoto, filter_by: str) -> Markup:
        picture = self._photos.photo(one.path, described(one), one.activation)
        first, *lines = photo_card(picture, *_said(one), path=one.path)
        content = [first, element("div", *lines, *self._beside(one.nearest))]
        if not filter_by:
            return element("li", *content, class_="card")
        return filterable("li", *content, of={filter_by: [one.label]}, class_="card")

    def _beside(self, nearest: Sequence[NearPhoto]) -> list[Markup]:
        if not nearest:
            return []
        photos = [self._neighbour(near) for near in nearest]
        return [
            element(
                "div", element("p", "Nearest training photos, with similarity", class_="quiet"), *photos, class_="near"
            )
        ]

    def _neighbour(self, near: NearPhoto) -> Markup:
        description = f"Training photo of {cut(near.label)}, similarity {near.similarity:.2f}: {cut_path(near.path)}"
        said = element("figcaption", name(near.label), f" {near.similarity:.2f}")
        return element("figure", self._near.photo(near.path, description), said)


def by_name(photos: Sequence[SeenPhoto]) -> Markup:
    """Photos by their scores and paths."""
    items = (element("li", f"{percent(one.score)} ", element("bdi", cut_path(one.path))) for one in photos)
    return element("ul", *items)


def described(one: SeenPhoto) -> str:
    """What those read who do not see a photo."""
    return f"Photo given as {cut(one.label)}, predicted {cut(one.predicted)} with score {percent(one.score)}"


def _said(one: SeenPhoto) -> list[Markup]:
    predicted = element("span", "predicted ", name(one.predicted), " ", element("b", percent(one.score)))
    second = [element("span", f"second {percent(one.second[1])} ", name(one.second[0]))] if one.second else []
    return [element("span", "given ", name(one.label)), predicted, *second]


def _row(one: SeenPhoto) -> tuple[str, ...]:
    second = f"{cut(one.second[0])}, {percent(one.second[1])}" if one.second else "-"
    nearest = "; ".join(f"{cut(near.label)} {near.similarity:.2f}: {cut_path(near.path)}" for near in one.nearest)
    path = element("bdi", cut_path(one.path))
    return path, cut(one.label), cut(one.predicted), percent(one.score), second, nearest or "-"
