"""Photos of a page take at most a budget of bytes, are made in parallel, and are the same each time."""

import base64
import io
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from pictures import noise, photo, saved
from PIL import Image

from retrainer.errors import PictureError
from retrainer.pages.markup import Markup
from retrainer.pages.thumbnails import Thumbnails

PHOTOS = [saved(photo(seed), "JPEG") for seed in range(5)]


class Reader:
    """Gives photos, and counts how many were read."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self, path: str) -> bytes:
        with self._lock:
            self.count += 1
        return PHOTOS[int(path) % len(PHOTOS)]


def pictures_of(piece: str) -> list[bytes]:
    return [base64.b64decode(found) for found in re.findall(r"base64,([\w+/=]+)", piece)]


def test_of_10_000_photos_only_those_that_fit_are_made() -> None:
    read = Reader()
    thumbnails = Thumbnails(read, most_bytes=300_000)
    paths = list(map(str, range(10_000)))
    count = thumbnails.prepare(paths)
    assert read.count < count + 64
    page = "".join(thumbnails.photo(path, "a photo") for path in paths[: count + 10])
    assert len(pictures_of(page)) == count
    assert page.count("No picture: left out, so that the page stays small.") == 10
    assert 280_000 < sum(len(found) for found in re.findall(r"data:[^\"]+", page)) <= 300_000


def test_the_same_photos_give_the_same_bytes_with_and_without_preparation() -> None:
    paths = list(map(str, range(100)))
    pages = []
    for prepared in (True, True, False):
        thumbnails = Thumbnails(Reader(), most_bytes=200_000)
        if prepared:
            thumbnails.prepare(paths)
        pages.append("".join(thumbnails.photo(path, path) for path in paths))
    assert pages[0] == pages[1] == pages[2]


def test_a_photo_that_stands_twice_counts_twice() -> None:
    thumbnails = Thumbnails(Reader(), most_bytes=10_000)
    count = thumbnails.prepare(["0"] * 10)
    assert 1 < count < 5
    shown = [thumbnails.photo("0", "a photo") for _ in range(10)]
    assert sum(len(pictures_of(each)) for each in shown) == count


def test_a_picture_has_at_most_3_000_bytes_and_nothing_but_pixels() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET CAMERA"
    files = [saved(Image.fromarray(noise(700, 900)), "PNG"), saved(photo(1), "JPEG", exif=exif, comment=b"SECRET")]
    for content in files:
        (small,) = pictures_of(Thumbnails({"a": content}.__getitem__).photo("a", "a photo"))
        assert len(small) <= 3_000
        assert b"SECRET" not in small
        with Image.open(io.BytesIO(small)) as picture:
            assert max(picture.size) <= 144


def test_what_cannot_be_read_is_a_sentence_and_costs_no_other_photo(tmp_path: Path) -> None:
    def read(path: str) -> bytes:
        if path == "bad":
            raise PictureError("<b>hostile</b>")
        return Path(path).read_bytes()

    thumbnails = Thumbnails(read)
    (tmp_path / "a.jpg").write_bytes(PHOTOS[0])
    paths = ["bad", str(tmp_path / "gone.jpg"), str(tmp_path / "a.jpg")]
    assert thumbnails.prepare(paths) == 3
    bad, gone, good = (thumbnails.photo(path, "<a photo>") for path in paths)
    assert "No picture: &lt;b&gt;hostile&lt;/b&gt;." in bad
    assert "No such file" in gone
    assert 'alt="&lt;a photo&gt;"' in good
    assert Thumbnails(None).photo("a", "a photo") == '<div class="gone">No picture: not asked for.</div>'


def test_an_activation_map_is_a_small_picture_over_the_photo() -> None:
    activation = np.array([[0, 1], [np.nan, 2]], np.float32)
    shown = Thumbnails(Reader()).photo("0", "a photo", activation)
    assert isinstance(shown, Markup)
    assert 'alt="" class="map"' in shown
    _, layer = pictures_of(shown)
    with Image.open(io.BytesIO(layer)) as picture:
        assert np.asarray(picture)[..., 3].tolist() == [[205, 0], [205, 0]]


@pytest.mark.parametrize("count", [0, 1])
def test_few_photos_are_prepared(count: int) -> None:
    assert Thumbnails(Reader()).prepare(["0"] * count) == count
