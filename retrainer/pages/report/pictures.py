"""The photos of a report: each is a small picture with its description, or only the description without pictures."""

from collections.abc import Sequence

from retrainer.measuring.shares import percent
from retrainer.pages.components import cut, cut_path, name
from retrainer.pages.markup import Markup, element, table
from retrainer.pages.report.contents import NearPhoto, ReportContents, SeenPhoto
from retrainer.pages.thumbnails import photo


class Pictures:
    """Photos by their paths; `shown` tells whether there are pictures."""

    def __init__(self, contents: ReportContents) -> None:
        self._read = contents.read
        self.shown = contents.read is not None

    def photo(self, path: str, description: str) -> Markup:
        """A small picture."""
        read = self._read
        return photo(lambda: read(path) if read else b"", description)

    def cards(self, caption: str, photos: Sequence[SeenPhoto]) -> Markup:
        """Photos with their classes, scores and nearest training photos; a table of them without pictures."""
        if self.shown:
            return element("div", *map(self._card, photos), class_="cards")
        return table(
            caption, ("photo", "given", "predicted, score", "second", "nearest training photos"), map(_row, photos)
        )

    def _card(self, one: SeenPhoto) -> Markup:
        picture = self.photo(one.path, described(one))
        nearest = [self._near(near) for near in one.nearest]
        beside = [element("p", "Nearest training photos", class_="quiet"), element("div", *nearest, class_="photos")]
        second = [element("div", "second: ", name(one.second[0]), f" {percent(one.second[1])}")] if one.second else []
        return element(
            "div",
            element("figure", picture, element("figcaption", *_said(one), *second, _path(one.path))),
            element("div", *(beside if nearest else [element("p", "No nearest training photos are known.")])),
            class_="card",
        )

    def _near(self, near: NearPhoto) -> Markup:
        description = f"Training photo of {cut(near.label)}, similarity {near.similarity:.2f}"
        said = element("div", name(near.label), f" {near.similarity:.2f}")
        return element("figure", self.photo(near.path, description), element("figcaption", said, _path(near.path)))


def described(one: SeenPhoto) -> str:
    """What those read who do not see a photo."""
    return f"Photo given as {cut(one.label)}, predicted {cut(one.predicted)} with score {percent(one.score)}"


def _said(one: SeenPhoto) -> list[Markup]:
    score = element("b", percent(one.score))
    return [
        element("div", "given: ", name(one.label)),
        element("div", "predicted: ", name(one.predicted), " ", score),
    ]


def _row(one: SeenPhoto) -> tuple[str, ...]:
    second = f"{cut(one.second[0])}, {percent(one.second[1])}" if one.second else "-"
    nearest = "; ".join(f"{cut(near.label)} {near.similarity:.2f}: {cut_path(near.path)}" for near in one.nearest)
    path = element("bdi", cut_path(one.path))
    return path, cut(one.label), f"{cut(one.predicted)}, {percent(one.score)}", second, nearest or "-"


def _path(path: str) -> Markup:
    return element("div", element("bdi", cut_path(path)), class_="quiet path")
