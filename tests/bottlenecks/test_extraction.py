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
from conftest import COLOURS, WAITING_WORKER, Photos, heeding_ctrl_c, jpeg, wait_until

from retrainer.arrays import Floats
from retrainer.backbones.available import find_bundle
from retrainer.bottlenecks import extraction as timed
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.bottlenecks.extraction import Extraction, Features, extract
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.bottlenecks.recipe import Recipe
from retrainer.bottlenecks.tables import Tables
from retrainer.engines import photo_worker
from retrainer.engines.threads import threads
from retrainer.errors import OutputError
from retrainer.events import Event, ExtractionAdvanced, Noted, PhotoSkipped, silent
from retrainer.models.tflite.litert import Network
from retrainer.photos.scanning import scan


class Counting:
    """The networks that were made of the backbone of the tests, and their runs over all threads."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.made = 0
        self.runs: list[int] = []


@pytest.fixture
def recipe(model_dir: Path) -> Recipe:
    bundle = find_bundle(COLOURS, str(model_dir))
    return Recipe(tflite=str(bundle.tflite_path), input_size=bundle.input_size)


@pytest.fixture
def counting(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Counting:
    counts = Counting(recipe)

    class CountedNetwork(Network):
        def __init__(self, model: str) -> None:
            counts.made += 1
            super().__init__(model)

        def run(self, picture: Floats) -> Floats:
            counts.runs.append(1)
            return super().run(picture)

    monkeypatch.setattr(photo_worker, "Network", CountedNetwork)
    return counts


def extraction_to(out: Path, recipe: Recipe) -> Extraction:
    return Extraction(Tables(FileIndex(out, silent), BottleneckCache(out, "net", 3, silent)), recipe, threads)


def read(image_dir: Path, out: Path, counting: Counting, events: list[Event] | None = None) -> Features:
    files = scan(str(image_dir), silent)
    observer = silent if events is None else events.append
    return extract(files.paths, files.stamps, extraction_to(out, counting.recipe), observer)


def vectors_of(features: Features) -> Floats:
    return features.matrix[features.rows]


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
    assert made > 0
    monkeypatch.setattr(photo_worker, "content_of", None)
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
    assert runs == 24
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

    def refuse(event: Event) -> None:
        if isinstance(event, PhotoSkipped):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(files.paths, files.stamps, extraction_to(tmp_path, counting.recipe), refuse)
    (root / "red" / "039.jpg").unlink()
    assert read(root, tmp_path, counting).computed == 0


RUN = """
    import sys
    from pathlib import Path
    from retrainer.backbones.available import find_bundle
    from retrainer.bottlenecks import table_writer
    from retrainer.bottlenecks.cache import BottleneckCache
    from retrainer.bottlenecks.extraction import Extraction, extract
    from retrainer.bottlenecks.file_index import FileIndex
    from retrainer.bottlenecks.recipe import Recipe
    from retrainer.bottlenecks.tables import Tables
    from retrainer.engines.threads import threads
    from retrainer.events import silent
    from retrainer.photos.scanning import scan
    image_dir, out, model_dir = sys.argv[1:]
    table_writer.ROWS_PER_FILE = 5
    bundle = find_bundle("colours", model_dir)
    files = scan(image_dir, silent)
    tables = Tables(FileIndex(Path(out), silent), BottleneckCache(Path(out), "net", bundle.depth, silent))
    recipe = Recipe(tflite=str(bundle.tflite_path), input_size=bundle.input_size)
    extract(files.paths, files.stamps, Extraction(tables, recipe, threads), silent)
"""


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_loses_at_most_one_file(
    stop: signal.Signals, photos: Photos, tmp_path: Path, model_dir: Path, counting: Counting
) -> None:
    root, out = photos(count=100), tmp_path / "cache"
    arguments = [sys.executable, "-c", WAITING_WORKER + textwrap.dedent(RUN), str(root), str(out), str(model_dir)]
    process = subprocess.Popen(arguments, cwd=tmp_path, stdin=subprocess.PIPE, preexec_fn=heeding_ctrl_c)  # noqa: PLW1509
    wait_until(lambda: len(list((out / "net").glob("part-*"))) >= 3)
    process.send_signal(stop)
    process.communicate(timeout=60)
    assert process.returncode != 0
    written = sum(5 for _ in (out / "net").glob("part-*.parquet"))
    assert 15 <= written < 200
    features = read(root, out, counting)
    assert features.readable.all()
    # On Ctrl-C the last file is shorter than the others, on kill -9 it is lost.
    assert abs(features.computed - (200 - written)) <= 5
    shutil.rmtree(out)
    np.testing.assert_array_equal(vectors_of(read(root, out, counting)), vectors_of(features))


def test_a_cache_that_another_process_changes_meanwhile_gives_no_vector_of_another_photo(
    photos: Photos, tmp_path: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = scan(str(photos()), silent)
    extraction = extraction_to(tmp_path, counting.recipe)

    def emptied() -> None:
        for file in (tmp_path / "net").glob("part-*"):
            file.unlink()
        BottleneckCache.refresh(extraction.tables.vectors)

    monkeypatch.setattr(extraction.tables.vectors, "refresh", emptied)
    with pytest.raises(OutputError, match=r"another process changed the cache while it was in use\.\nRun it again"):
        extract(files.paths, files.stamps, extraction, silent)


def test_vectors_that_are_no_numbers_are_set_aside_and_never_cached(
    photos: Photos, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def __init__(self, model: str) -> None:
            pass

        def run(self, picture: Floats) -> Floats:
            mean: Floats = picture.mean(axis=(0, 1))
            return np.full(3, np.nan, np.float32) if mean[1] > mean[0] else mean

    monkeypatch.setattr(photo_worker, "Network", Failing)
    files, events = scan(str(photos(count=3)), silent), list[Event]()
    found = extract(files.paths, files.stamps, extraction_to(tmp_path / "cache", recipe), events.append)
    assert found.readable.tolist() == [False] * 3 + [True] * 3
    assert [e.reason for e in events if isinstance(e, PhotoSkipped)] == [
        "the backbone gives no finite features for it"
    ] * 3
    assert len(found.matrix) == 3


def estimates(monkeypatch: pytest.MonkeyPatch, seconds: float, total: int, views: str = "") -> list[str]:
    """The estimates that are reported while photos are computed, each of which takes some seconds."""
    events: list[Event] = []
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = timed.Progress(total, views, events.append)
    for _ in range(total):
        now[0] += seconds
        progress.advance()
    return [event.message for event in events if isinstance(event, Noted)]


def test_a_long_extraction_says_once_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert estimates(monkeypatch, 0.015, 3000) == ["About 45 s for 3,000 photos"]
    assert estimates(monkeypatch, 0.125, 1000, "8 views of ") == ["About 125 s for 8 views of 1,000 photos"]
    assert estimates(monkeypatch, 6.0, 4) == ["About 24 s for 4 photos"]


def test_a_short_extraction_does_not_say_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert estimates(monkeypatch, 0.003, 3000) == []
    assert estimates(monkeypatch, 0.04, 120) == []
    assert estimates(monkeypatch, 1.0, 0) == []
