"""Options and a backbone -> how to extract features: the cache, the recipe and the engine."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from retrainer.backbones.bundle import TFLITE, Bundle
from retrainer.backbones.model_folders import shared_bottlenecks
from retrainer.bottlenecks.cache import BottleneckCache
from retrainer.bottlenecks.extraction import Extraction
from retrainer.bottlenecks.file_index import TABLE as FILES
from retrainer.bottlenecks.file_index import FileIndex
from retrainer.bottlenecks.fingerprint_cache import TABLE as FINGERPRINTS
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.bottlenecks.look_cache import TABLE as LOOKS
from retrainer.bottlenecks.look_cache import LookCache
from retrainer.bottlenecks.recipe import Engine, GraphRecipe, Recipe
from retrainer.bottlenecks.tables import Tables
from retrainer.engines.threads import threads
from retrainer.events import Observer
from retrainer.models.metadata import RESIZE_RULE
from retrainer.network_input import INPUT_MEAN, INPUT_STD
from retrainer.options.backbone import BackboneOptions
from retrainer.photos.distortions import Distortion
from retrainer.system.files import require_writable_folder
from retrainer.system.last_use import mark_used
from retrainer.system.temporary import TemporaryFolder

# Belongs to the cache's key. It grows when files are read or refused that were read wrongly before.
# 2: damaged JPEGs are refused, and numbers of more than eight bits are scaled.
# 3: zeros in JPEGs and lost blocks of compressed TIFFs are refused; raw APP1 and XMP profiles of PNGs turn them.
_READING = 3


def feature_extraction(
    bundle: Bundle,
    options: BackboneOptions,
    observer: Observer,
    distortion: Distortion | None = None,
    engine: Engine = threads,
    *,
    looks: bool = False,
) -> Extraction:
    """How to extract the features of photos, or of their distorted views.

    Args:
        bundle: The backbone.
        options: The folder of the cache, and which runtime runs the backbone.
        observer: Called with a warning for each damaged file of the cache.
        distortion: How the views differ from the photo; None for the photo itself.
        engine: Who computes what is not cached.
        looks: Whether photos that are decoded are measured, too. It takes a tenth of a millisecond a photo.
    """
    recipe = replace(recipe_of(bundle, options, distortion), looks=looks)
    return Extraction(tables_of(bundle, recipe, options.bottleneck_dir, observer), recipe, engine)


def recipe_of(bundle: Bundle, options: BackboneOptions, distortion: Distortion | None = None) -> Recipe:
    """How to turn a photo into feature vectors of a backbone, and an undistorted one into its fingerprint."""
    graph = GraphRecipe(path=str(bundle.graph_path), feature_node=bundle.feature_node, trusted=options.trust_graph)
    return Recipe(
        tflite=str(bundle.tflite_path),
        input_size=bundle.input_size,
        distortion=distortion,
        fingerprints=distortion is None,
        runtime=options.runtime,
        graph=None if bundle.quantized or not bundle.batches else graph,
    )


def bottleneck_folder(bottleneck_dir: str) -> Path:
    """The folder of the cache, which need not exist.

    Without one by name it is the user's own, or that of this process if the user has none.
    """
    return Path(bottleneck_dir) if bottleneck_dir else shared_bottlenecks() or _of_process().path


@cache
def _of_process() -> TemporaryFolder:
    return TemporaryFolder()


def tables_of(bundle: Bundle, recipe: Recipe, bottleneck_dir: str, observer: Observer) -> Tables:
    """The cached tables of what a recipe gives."""
    folder = bottleneck_folder(bottleneck_dir)
    name = cache_name(bundle, recipe.distortion.key if recipe.distortion else "")
    if not bottleneck_dir:
        _mark(folder, (FILES, FINGERPRINTS, *[LOOKS] * recipe.looks, name))
    return Tables(
        FileIndex(folder, observer),
        BottleneckCache(folder, name, bundle.depth, observer),
        recipe.views,
        FingerprintCache(folder, observer) if recipe.fingerprints else None,
        LookCache(folder, observer) if recipe.looks else None,
    )


def _mark(folder: Path, names: Iterable[str]) -> None:
    """Keeps `retrainer cache prune` from removing tables of the user's cache until this process ends."""
    require_writable_folder(folder)
    for name in names:
        mark_used(folder / name)


def cache_name(bundle: Bundle, distortion: str = "") -> str:
    """The name of a cache: the backbone's name, and a key of everything that changes the vectors.

    Args:
        bundle: The backbone.
        distortion: `Distortion.key`, empty for the photo itself.
    """
    preprocessing = f"{bundle.input_size} {INPUT_MEAN} {INPUT_STD} {RESIZE_RULE} reading-{_READING}"
    changing = f"{bundle.sha256[TFLITE]} {preprocessing} {distortion}"
    return f"{bundle.name}-{hashlib.sha256(changing.encode('utf-8')).hexdigest()[:12]}"
