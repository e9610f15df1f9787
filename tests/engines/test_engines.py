import multiprocessing
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import COLOURS, Configure, Photos

from retrainer.arrays import Floats
from retrainer.backbones.available import find_bundle
from retrainer.bottlenecks.digests import sorted_digests
from retrainer.bottlenecks.extraction import Extraction, Features, extract
from retrainer.bottlenecks.recipe import Engine, GraphRecipe, PhotoResult, Recipe
from retrainer.engines import photo_worker
from retrainer.engines import threads as threads_module
from retrainer.engines.photo_worker import PhotoWorker
from retrainer.engines.threads import threads
from retrainer.events import Event, PhotoSkipped, silent
from retrainer.feature_source import feature_extraction, recipe_of, tables_of
from retrainer.photos.distortions import Distortion
from retrainer.photos.files import PhotoFiles
from retrainer.photos.scanning import scan

DISTORTION = Distortion(True, 20, 10, 30, views=3, seed=5)


def sequential(paths: Sequence[str], recipe: Recipe) -> Iterator[PhotoResult]:
    """An engine without threads: what somebody may write outside this package."""
    return map(PhotoWorker(recipe), paths)


_worker: PhotoWorker | None = None


def _open(pickled: bytes) -> None:
    global _worker  # noqa: PLW0603
    _worker = PhotoWorker(pickle.loads(pickled))


def _result(path: str) -> PhotoResult:
    assert _worker is not None
    return _worker(path)


def processes(paths: Sequence[str], recipe: Recipe) -> Iterator[PhotoResult]:
    """An engine of two processes, which know nothing but the pickled recipe."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn, _open, (pickle.dumps(recipe),)) as pool:
        yield from pool.map(_result, paths, chunksize=4)


def unpickled(paths: Sequence[str], recipe: Recipe) -> Iterator[PhotoResult]:
    """The default engine, whose recipe went through pickle."""
    copy = pickle.loads(pickle.dumps(recipe))
    assert copy == recipe
    return threads(paths, copy)


def photo_files(photos: Photos) -> PhotoFiles:
    """25 photos, a copy of one, and a file that is no photo."""
    root = photos(count=13)
    (root / "red" / "000.jpg").write_bytes(b"no photo")
    shutil.copy(root / "red" / "001.jpg", root / "red" / "copy.jpg")
    return scan(str(root), silent)


def extraction_of(configured: Configure, out: Path, distortion: Distortion | None, engine: Engine) -> Extraction:
    options = configured(Path(), bottleneck_dir=str(out), runtime="litert")
    return feature_extraction(find_bundle(COLOURS, options.model_dir), options, silent, distortion, engine)


def vectors_of(features: Features) -> Floats:
    return features.matrix[features.rows]


@pytest.mark.parametrize("distortion", [None, DISTORTION])
@pytest.mark.parametrize("engine", [sequential, processes, unpickled])
def test_an_engine_from_outside_gives_what_threads_give(
    engine: Engine, distortion: Distortion | None, photos: Photos, configured: Configure, tmp_path: Path
) -> None:
    files, events = photo_files(photos), {engine: list[Event](), threads: list[Event]()}
    own, default = (
        extract(
            files.paths,
            files.stamps,
            extraction_of(configured, tmp_path / one.__name__, distortion, one),
            events[one].append,
        )
        for one in (engine, threads)
    )
    np.testing.assert_array_equal(vectors_of(own), vectors_of(default))
    np.testing.assert_array_equal(own.digests, default.digests)
    assert own.readable.tolist() == default.readable.tolist()
    assert own.readable.sum() == len(files.paths) - 1
    skipped = [[event for event in events[one] if isinstance(event, PhotoSkipped)] for one in (engine, threads)]
    assert skipped[0] == skipped[1]
    assert len(skipped[0]) == 1
    warm = extraction_of(configured, tmp_path / engine.__name__, distortion, lambda *_: pytest.fail("all is cached"))
    readable = [path for path, is_photo in zip(files.paths, own.readable, strict=True) if is_photo]
    assert extract(readable, files.stamps[own.readable], warm, silent).computed == 0


def test_fingerprints_come_from_any_engine(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    files = photo_files(photos)
    found = []
    for engine in (sequential, processes, threads):
        extraction = extraction_of(configured, tmp_path / engine.__name__, None, engine)
        features = extract(files.paths, files.stamps, extraction, silent)
        assert extraction.tables.fingerprints is not None
        found.append(extraction.tables.fingerprints.fingerprints(features.digests[features.readable]))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_a_recipe_is_plain_values(configured: Configure, photos: Photos) -> None:
    options = configured(photos(), trust_graph=True, runtime="tensorflow")
    bundle = find_bundle(COLOURS, options.model_dir)
    recipe = recipe_of(bundle, options, DISTORTION)
    assert recipe.graph == GraphRecipe(path=str(bundle.graph_path), feature_node="mean", trusted=True)
    assert (recipe.runtime, recipe.input_size, recipe.views) == ("tensorflow", 8, (0, 1, 2, 3, 4))
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert recipe_of(replace(bundle, quantized=True), options).graph is None
    assert recipe_of(replace(bundle, batches=False), options).graph is None


def test_a_worker_stops_at_a_content_that_is_known(photos: Photos, model_dir: Path) -> None:
    path, other = (str(photos(count=2) / "red" / name) for name in ("000.jpg", "001.jpg"))
    bundle = find_bundle(COLOURS, str(model_dir))
    recipe = Recipe(tflite=str(bundle.tflite_path), input_size=bundle.input_size, fingerprints=True)
    first = PhotoWorker(recipe)(path)
    assert first.vectors is not None
    assert first.fingerprint is not None
    known = sorted_digests(first.digest)
    with_vectors = PhotoWorker(replace(recipe, with_vectors=known))(path)
    assert with_vectors.vectors is None
    np.testing.assert_array_equal(with_vectors.fingerprint, first.fingerprint)
    without_print = PhotoWorker(replace(recipe, with_fingerprints=known))(path)
    assert (without_print.vectors is None, without_print.fingerprint) == (False, None)
    complete = PhotoWorker(replace(recipe, with_vectors=known, with_fingerprints=known))
    known_result, new_result = complete(path), complete(other)
    assert (known_result.digest, known_result.vectors, known_result.fingerprint) == (first.digest, None, None)
    assert new_result.vectors is not None


def test_a_recipe_names_the_contents_that_are_cached(photos: Photos, configured: Configure, tmp_path: Path) -> None:
    root = photos()
    files, recipes = scan(str(root), silent), list[Recipe]()

    def noting(paths: Sequence[str], recipe: Recipe) -> Iterator[PhotoResult]:
        recipes.append(recipe)
        return threads(paths, recipe)

    features = extract(files.paths, files.stamps, extraction_of(configured, tmp_path, DISTORTION, noting), silent)
    root.rename(tmp_path / "moved")
    files = scan(str(tmp_path / "moved"), silent)
    extract(files.paths, files.stamps, extraction_of(configured, tmp_path, DISTORTION, noting), silent)
    more = replace(DISTORTION, views=4)
    (tmp_path / "moved").rename(root)
    extract(files.paths, files.stamps, extraction_of(configured, tmp_path, DISTORTION, noting), silent)
    files = scan(str(root), silent)
    views = extract(files.paths, files.stamps, extraction_of(configured, tmp_path, more, noting), silent)
    known = sorted_digests(features.digests)
    assert [recipe.with_vectors for recipe in recipes] == [b"", known, b""]
    assert views.computed == 24


class Batches:
    """The backbone of the tests for many pictures at once, noting how many."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run_all(self, pictures: Floats) -> Floats:
        self.sizes.append(len(pictures))
        means: Floats = pictures.mean(axis=(1, 2))
        return means


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    made = Batches()
    monkeypatch.setattr(threads_module, "BATCH", 8)
    monkeypatch.setattr(photo_worker, "graph_network", lambda recipe: made if recipe.runtime == "tensorflow" else None)
    return made


@pytest.mark.parametrize("distortion", [None, DISTORTION])
def test_batches_give_what_single_pictures_give(
    distortion: Distortion | None, photos: Photos, configured: Configure, tmp_path: Path, batches: Batches
) -> None:
    root = photos(count=15)
    (root / "red" / "000.jpg").write_bytes(b"no photo")
    shutil.copy(root / "red" / "001.jpg", root / "red" / "copy.jpg")
    files = scan(str(root), silent)

    def extraction(runtime: str) -> Extraction:
        made = extraction_of(configured, tmp_path / runtime, distortion, threads)
        return replace(made, recipe=replace(made.recipe, runtime=runtime))

    one = extract(files.paths, files.stamps, extraction("litert"), silent)
    events: list[Event] = []
    many = extract(files.paths, files.stamps, extraction("tensorflow"), events.append)
    np.testing.assert_allclose(vectors_of(many), vectors_of(one), atol=1e-6)
    assert many.readable.tolist() == one.readable.tolist()
    assert len(vectors_of(many)) == 30
    assert sum(isinstance(event, PhotoSkipped) for event in events) == 1
    assert all(8 <= size < 8 + vectors_of(many).shape[1] for size in batches.sizes[:-1])
    assert len(batches.sizes) > 3
    again = extract(files.paths, files.stamps, extraction("tensorflow"), silent)
    assert again.computed == 0
    np.testing.assert_array_equal(vectors_of(again), vectors_of(many))


def test_photos_that_are_all_cached_or_unreadable_make_no_batch(
    photos: Photos, model_dir: Path, tmp_path: Path, batches: Batches
) -> None:
    root, bundle = photos(count=2), find_bundle(COLOURS, str(model_dir))
    recipe = Recipe(tflite=str(bundle.tflite_path), input_size=bundle.input_size)

    def computed(runtime: str) -> int:
        files = scan(str(root), silent)
        wanted = replace(recipe, runtime=runtime)
        extraction = Extraction(tables_of(bundle, wanted, str(tmp_path / "cache"), silent), wanted, threads)
        return extract(files.paths, files.stamps, extraction, silent).computed

    assert computed("litert") == 4
    for path in sorted(root.rglob("*.jpg")):
        path.rename(path.with_stem("moved" + path.stem))
    (root / "red" / "none.jpg").write_bytes(b"no photo")
    assert computed("tensorflow") == 0
    assert batches.sizes == []


def test_the_default_engine_imports_no_decoder_before_it_is_called() -> None:

    code = "import sys, retrainer.feature_source; print('retrainer.photos.images' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
