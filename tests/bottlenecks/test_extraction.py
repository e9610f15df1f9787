import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import COLOURS, Photos, heeding_ctrl_c, jpeg

from retrainer.arrays import Floats
from retrainer.backbones.available import find_bundle
from retrainer.bottlenecks import extraction
from retrainer.bottlenecks.cache import BottleneckCache, FileIndex
from retrainer.bottlenecks.extraction import Features, Source, extract
from retrainer.errors import OutputError
from retrainer.events import Event, ExtractionAdvanced, PhotoSkipped, silent
from retrainer.models.tflite.litert import Network
from retrainer.photos.dataset import scan
from retrainer.photos.images import square, to_input


class Counting:
    """The backbone of the tests, counting its runs over all threads."""

    def __init__(self, model_dir: Path) -> None:
        self.bundle = find_bundle(COLOURS, str(model_dir))
        self.made = 0
        self.runs: list[int] = []

    def __call__(self) -> "CountedNetwork":
        self.made += 1
        return CountedNetwork(self)


class CountedNetwork(Network):
    def __init__(self, counting: Counting) -> None:
        super().__init__(counting.bundle.tflite_path)
        self.counting = counting

    def run(self, picture):  # type: ignore[no-untyped-def]
        self.counting.runs.append(1)
        return super().run(picture)


def read(image_dir: Path, out: Path, counting: Counting, events: list[Event] | None = None) -> Features:
    files = scan(str(image_dir), silent)
    source = Source(FileIndex(out, silent), BottleneckCache(out, "net", counting.bundle.depth, silent), counting)
    return extract(files.paths, files.stamps, source, silent if events is None else events.append)


def vectors_of(features: Features) -> Floats:
    return features.matrix[features.rows]


@pytest.fixture
def counting(model_dir: Path) -> Counting:
    return Counting(model_dir)


def test_the_features_are_those_of_the_network(photos: Photos, tmp_path: Path, counting: Counting) -> None:
    root = photos({"blue": (0, 0, 255), "grey": (100, 100, 100)}, count=1)
    features = read(root, tmp_path / "cache", counting)
    assert vectors_of(features).shape == (2, 1, 3)
    assert vectors_of(features).dtype == np.float32
    np.testing.assert_allclose(vectors_of(features)[:, 0], np.array([[-1, -1, 1], [-0.216] * 3]), atol=0.03)


def test_a_second_run_makes_no_network_and_reads_no_photo(
    photos: Photos, tmp_path: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = photos()
    first = read(root, tmp_path / "cache", counting)
    made = counting.made
    monkeypatch.setattr("retrainer.photos.reading.read_file", None)
    second = read(root, tmp_path / "cache", counting)
    assert (first.computed, second.computed) == (24, 0)
    assert counting.made == made
    np.testing.assert_array_equal(vectors_of(first), vectors_of(second))
    np.testing.assert_array_equal(first.digests, second.digests)


def test_a_photo_replaced_with_its_size_and_time_kept_is_noticed(
    photos: Photos, tmp_path: Path, counting: Counting
) -> None:
    root = photos()
    read(root, tmp_path / "cache", counting)
    photo = root / "red" / "001.jpg"
    status, content = photo.stat(), bytearray(photo.read_bytes())
    content[15] ^= 1  # of the density, which no pixel depends on
    photo.write_bytes(content)
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (photo.stat().st_size, photo.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert read(root, tmp_path / "cache", counting).computed == 1


def test_moved_and_relabelled_photos_cost_no_network(photos: Photos, tmp_path: Path, counting: Counting) -> None:
    root = photos()
    read(root, tmp_path / "cache", counting)
    (root / "green" / "000.jpg").rename(root / "red" / "once green.jpg")
    root.rename(tmp_path / "elsewhere")
    runs = len(counting.runs)
    features = read(tmp_path / "elsewhere", tmp_path / "cache", counting)
    assert (features.computed, len(counting.runs)) == (0, runs)
    assert features.readable.all()


def test_a_replaced_photo_is_noticed(photos: Photos, tmp_path: Path, counting: Counting) -> None:
    root = photos()
    read(root, tmp_path / "cache", counting)
    (root / "green" / "003.jpg").write_bytes(jpeg((0, 0, 255)))
    features = read(root, tmp_path / "cache", counting)
    assert features.computed == 1
    np.testing.assert_allclose(vectors_of(features)[3, 0], [-1, -1, 1], atol=0.03)


def test_unreadable_photos_are_reported_with_reasons_and_skipped(
    photos: Photos, tmp_path: Path, counting: Counting
) -> None:
    root = photos(count=3)
    (root / "green" / "a diary.jpg").write_text("Dear diary")
    (root / "red" / "empty.jpg").write_bytes(b"")
    events: list[Event] = []
    features = read(root, tmp_path / "cache", counting, events)
    skipped = {Path(e.path).name: e.reason for e in events if isinstance(e, PhotoSkipped)}
    assert set(skipped) == {"a diary.jpg", "empty.jpg"}
    assert "received a text file" in skipped["a diary.jpg"]
    assert features.readable.tolist() == [True] * 3 + [False] + [True] * 3 + [False]
    assert vectors_of(features).shape[0] == 6


def test_progress_ends_at_the_total(photos: Photos, tmp_path: Path, counting: Counting) -> None:
    events: list[Event] = []
    read(photos(), tmp_path / "cache", counting, events)
    assert [e for e in events if isinstance(e, ExtractionAdvanced)][-1] == ExtractionAdvanced(24, 24)


def test_what_an_observer_raises_stops_the_run_and_keeps_what_was_computed(
    photos: Photos, tmp_path: Path, counting: Counting
) -> None:
    root = photos(count=40)
    (root / "red" / "039.jpg").write_bytes(b"")
    files = scan(str(root), silent)
    source = Source(FileIndex(tmp_path, silent), BottleneckCache(tmp_path, "net", 3, silent), counting)

    def refuse(event: Event) -> None:
        if isinstance(event, PhotoSkipped):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(files.paths, files.stamps, source, refuse)
    (root / "red" / "039.jpg").unlink()
    assert read(root, tmp_path, counting).computed == 0


SLOW_RUN = """
    import sys, time
    from pathlib import Path
    from retrainer.bottlenecks import cache
    from retrainer.bottlenecks import extraction
    from retrainer.backbones.available import find_bundle
    from retrainer.photos.dataset import scan
    from retrainer.events import silent
    from retrainer.models.tflite.litert import Network
    image_dir, out, model_dir = sys.argv[1:]
    extraction.ROWS_PER_PART = 5
    class Slow(Network):
        def run(self, picture):
            time.sleep(0.02)
            return super().run(picture)
    bundle = find_bundle("colours", model_dir)
    files = scan(image_dir, silent)
    source = extraction.Source(
        cache.FileIndex(Path(out), silent),
        cache.BottleneckCache(Path(out), "net", bundle.depth, silent),
        lambda: Slow(bundle.tflite_path),
    )
    extraction.extract(files.paths, files.stamps, source, silent)
"""


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_loses_at_most_one_part(
    stop: signal.Signals, photos: Photos, tmp_path: Path, model_dir: Path, counting: Counting
) -> None:
    root, out = photos(count=100), tmp_path / "cache"
    arguments = [sys.executable, "-c", textwrap.dedent(SLOW_RUN), str(root), str(out), str(model_dir)]
    process = subprocess.Popen(arguments, preexec_fn=heeding_ctrl_c)  # noqa: PLW1509, nothing but a system call
    deadline = time.monotonic() + 60
    while len(list((out / "net").glob("part-*"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(stop)
    assert process.wait(60) != 0
    written = sum(5 for _ in (out / "net").glob("part-*.parquet"))
    assert 15 <= written < 200
    features = read(root, out, counting)
    assert features.readable.all()
    # On Ctrl-C the last part is shorter than the others, on kill -9 it is lost.
    assert abs(features.computed - (200 - written)) <= 5
    shutil.rmtree(out)
    np.testing.assert_array_equal(vectors_of(read(root, out, counting)), vectors_of(features))


def test_a_cache_that_another_process_changes_meanwhile_gives_no_vector_of_another_photo(
    photos: Photos, tmp_path: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = scan(str(photos()), silent)
    source = Source(FileIndex(tmp_path, silent), BottleneckCache(tmp_path, "net", 3, silent), counting)

    def emptied() -> None:
        for part in (tmp_path / "net").glob("part-*"):
            part.unlink()
        BottleneckCache.refresh(source.cache)

    monkeypatch.setattr(source.cache, "refresh", emptied)
    with pytest.raises(OutputError, match=r"another process changed the cache while it was in use\.\nRun it again"):
        extract(files.paths, files.stamps, source, silent)


class Batches:
    """The backbone of the tests for many pictures at once, noting how many."""

    input_size = 8

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run_all(self, pictures: Floats) -> Floats:
        self.sizes.append(len(pictures))
        means: Floats = pictures.mean(axis=(1, 2))
        return means


@pytest.mark.parametrize("views", [(0,), (1, 2, 3)])
def test_batches_give_what_single_pictures_give(
    views: tuple[int, ...], photos: Photos, tmp_path: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "_BATCH", 8)
    root = photos(count=15)
    (root / "red" / "000.jpg").write_bytes(b"no photo")
    shutil.copy(root / "red" / "001.jpg", root / "red" / "copy.jpg")
    files, batches = scan(str(root), silent), Batches()

    def look(content: bytes, size: int) -> list[Floats]:
        return [to_input(square(content, size)) * number for number in range(1, len(views) + 1)]

    def source(name: str, batch_extractor: Batches | None) -> Source:
        folder = tmp_path / name
        cache = BottleneckCache(folder, "net", 3, silent)
        return Source(FileIndex(folder, silent), cache, counting, lambda: batch_extractor, look, views)

    one = extract(files.paths, files.stamps, source("one", None), silent)
    events: list[Event] = []
    many = extract(files.paths, files.stamps, source("many", batches), events.append)
    np.testing.assert_allclose(vectors_of(many), vectors_of(one), atol=1e-6)
    assert many.readable.tolist() == one.readable.tolist()
    assert len(vectors_of(many)) == 30
    assert sum(isinstance(event, PhotoSkipped) for event in events) == 1
    assert all(8 <= size < 8 + len(views) for size in batches.sizes[:-1])
    assert len(batches.sizes) > 3
    again = extract(files.paths, files.stamps, source("many", batches), silent)
    assert again.computed == 0
    np.testing.assert_array_equal(vectors_of(again), vectors_of(many))


def test_photos_that_are_all_cached_or_unreadable_make_no_batch(
    photos: Photos, tmp_path: Path, counting: Counting
) -> None:
    root, batches = photos(count=2), Batches()
    read(root, tmp_path / "cache", counting)
    for path in sorted(root.rglob("*.jpg")):
        path.rename(path.with_stem("moved" + path.stem))
    (root / "red" / "none.jpg").write_bytes(b"no photo")
    files = scan(str(root), silent)
    cache = BottleneckCache(tmp_path / "cache", "net", 3, silent)
    source = Source(FileIndex(tmp_path / "cache", silent), cache, counting, lambda: batches)
    assert extract(files.paths, files.stamps, source, silent).computed == 0
    assert batches.sizes == []


def test_vectors_that_are_no_numbers_are_set_aside_and_never_cached(photos: Photos, tmp_path: Path) -> None:
    class Failing:
        input_size = 8

        def run(self, picture: Floats) -> Floats:
            mean: Floats = picture.mean(axis=(0, 1))
            return np.full(3, np.nan, np.float32) if mean[1] > mean[0] else mean

    files, events = scan(str(photos(count=3)), silent), list[Event]()
    cache = BottleneckCache(tmp_path / "cache", "net", 3, silent)
    found = extract(
        files.paths, files.stamps, Source(FileIndex(tmp_path / "cache", silent), cache, Failing), events.append
    )
    assert found.readable.tolist() == [False] * 3 + [True] * 3
    assert [e.reason for e in events if isinstance(e, PhotoSkipped)] == [
        "the backbone gives no finite features for it"
    ] * 3
    assert len(found.matrix) == 3
