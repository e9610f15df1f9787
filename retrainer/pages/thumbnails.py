"""Photos in pages: each is a small picture inside the page, or a sentence if it cannot be read."""

import base64
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from PIL import Image

from retrainer.arrays import Floats
from retrainer.measuring.shares import percent
from retrainer.pages.components import cut, cut_path, name
from retrainer.pages.markup import Markup, element
from retrainer.photos.photo import content_of
from retrainer.photos.thumbnails import thumbnail
from retrainer.text import reason_of

_SIDE, _BYTES = 112, 3_000
_PAGE_SIDE = 144
_LARGE_SIDE, _LARGE_BYTES = 320, 24_000
_SHOWN = 12
# Of the 4 MB of a page.
_PAGE_BYTES = 3_300_000
# Pictures that are made before their bytes are counted; more would be made in vain when the budget ends.
_AT_ONCE = 64
_LEFT_OUT = "left out, so that the page stays small"
# What does not speak for a class is covered by fog, which is seen on dark and light photos; at most this opaque.
_FOG, _OPAQUE = (128, 128, 128), 205

# The attributes of an image.
_Image = dict[str, str]


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


class Thumbnails:
    """The photos of a page, which together take at most a budget of bytes.

    Args:
        read: Returns the bytes of a photo's file by its path; may raise. None shows no pictures.
        most_bytes: What all pictures may add to the page.
        side: How many pixels the longer side of a picture has.
    """

    def __init__(
        self, read: Callable[[str], bytes] | None, most_bytes: int = _PAGE_BYTES, side: int = _PAGE_SIDE
    ) -> None:
        self._read, self._left, self._side = read, most_bytes, side
        self._made: dict[str, _Image | Markup] = {}

    def prepare(self, paths: Sequence[str]) -> int:
        """Makes pictures in parallel, until they would fill what is left of the budget.

        Args:
            paths: The photos in order; one that stands twice is in the page twice.

        Returns:
            How many photos from the first one on fit.
        """
        left = self._left
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(paths), _AT_ONCE):
                some = paths[start : start + _AT_ONCE]
                for number, (path, content) in enumerate(zip(some, pool.map(self._content, some), strict=True), start):
                    left -= _cost(content)
                    if left < 0:
                        return number
                    self._made[path] = content
        return len(paths)

    def photo(self, path: str, description: str, activation: Floats | None = None) -> Markup:
        """A photo as a picture; a sentence stands in its place if it cannot be read or the budget is spent.

        Args:
            path: The photo.
            description: What those read who do not see it.
            activation: How much each place speaks for the predicted class, `(h, w)`, 0 to 1, which is laid over it.
        """
        if self._left <= 0:
            return _gone(_LEFT_OUT)
        content = self._made[path] = self._content(path)
        if isinstance(content, Markup):
            return content
        layer = [] if activation is None else [_map(activation)]
        self._left -= _cost(content) + sum(map(len, layer))
        if self._left < 0:
            return _gone(_LEFT_OUT)
        picture = element("img", **content, alt=description, loading="lazy", decoding="async")
        return element("span", picture, *layer, class_="picture")

    def _content(self, path: str) -> _Image | Markup:
        """A picture, or what stands in its place."""
        if path in self._made:
            return self._made[path]
        if self._read is None:
            return _gone("not asked for")
        try:
            content = thumbnail(self._read(path), self._side, _BYTES)
            with Image.open(io.BytesIO(content)) as picture:
                width, height = picture.size
            # With its size the page does not jump when it is drawn.
            return {"src": _url(content), "width": str(width), "height": str(height)}
        except Exception as error:  # a photo that is gone or hostile costs no more than its own place
            return _gone(cut(reason_of(error), 80))


def photo(read: Callable[[], bytes], description: str, *, large: bool = False) -> Markup:
    """A photo as a picture in a notebook; a sentence stands in its place if it cannot be read.

    Args:
        read: Returns the bytes of its file.
        description: What those read who do not see it.
        large: Whether it is the only one.
    """
    side, most = (_LARGE_SIDE, _LARGE_BYTES) if large else (_SIDE, _BYTES)
    try:
        content = thumbnail(read(), side, most)
    except Exception as error:  # a photo that is gone or hostile costs no more than its own place
        return _gone(cut(reason_of(error), 80))
    return element("img", src=_url(content), alt=description, class_="large" if large else "small")


def gallery(mistakes: Sequence[Mistaken]) -> Markup:
    """The first mistakes: photo, true class, predicted class, score and path of each."""
    if not mistakes:
        return element("p", "No photo was taken for another class.")
    more = f", {min(len(mistakes), _SHOWN)} of {len(mistakes):,}" if len(mistakes) > _SHOWN else ""
    heading = element("p", f"The surest mistakes{more}: true class → predicted, score", class_="caption")
    return element("div", heading, element("div", *(_mistake(one) for one in mistakes[:_SHOWN]), class_="photos"))


def _url(content: bytes, kind: str = "jpeg") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _cost(content: _Image | Markup) -> int:
    return len(content if isinstance(content, Markup) else content["src"])


def _gone(reason: str) -> Markup:
    return element("div", f"No picture: {reason}.", class_="gone")


def _map(activation: Floats) -> Markup:
    """A picture of a pixel a place, which the browser stretches over the photo."""
    shares = np.clip(np.nan_to_num(activation), 0, 1)
    pixels = np.empty((*shares.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = _FOG, np.rint((1 - shares) * _OPAQUE)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return element("img", src=_url(file.getvalue(), "png"), alt="", class_="map")


def _mistake(mistake: Mistaken) -> Markup:
    own, taken = cut(mistake.label), cut(mistake.predicted)
    description = f"Photo of {own}, predicted {taken} with score {percent(mistake.score)}"
    caption = element(
        "figcaption",
        element("div", name(mistake.label), " → ", name(mistake.predicted), " ", element("b", percent(mistake.score))),
        element("div", element("bdi", cut_path(mistake.path)), class_="quiet path"),
    )
    return element("figure", photo(lambda: content_of(mistake.path), description), caption)
