"""From options to what `features.extract` needs: the cache, the network, and what it sees of a photo."""

import hashlib
from pathlib import Path

from retrainer.backbones.bundle import INPUT_MEAN, INPUT_STD, TFLITE, Bundle
from retrainer.bottlenecks.cache import BottleneckCache, FileIndex
from retrainer.bottlenecks.extraction import BatchExtractor, Source, plain_look
from retrainer.bottlenecks.fingerprint_cache import FingerprintCache
from retrainer.errors import DatasetError
from retrainer.events import Missed, Observer
from retrainer.models.graph import graphdef
from retrainer.models.metadata import INPUT_NODE, RESIZE_RULE
from retrainer.models.tflite.litert import Network
from retrainer.options.retraining import RetrainOptions
from retrainer.photos.distortions import Distortion
from retrainer.system.files import shown

# Part of a cache's key beside the resize rule: it grows when files are read, or refused, that were read wrongly before.
# 2: damaged JPEGs are refused, and numbers of more than eight bits are scaled.
# 3: zeros in JPEGs and lost blocks of compressed TIFFs are refused; raw APP1 and XMP profiles of PNGs turn them.
_READING = 3


def photo_source(
    bundle: Bundle, options: RetrainOptions, observer: Observer, distortion: Distortion | None = None
) -> Source:
    """Where the photos' own vectors come from, or those of their distorted views."""
    folder = Path(options.bottleneck_dir)
    if distortion is None:
        views: tuple[int, ...] = (0,)
        look, key = plain_look, ""
    else:
        views = tuple(range(1, distortion.views + 1))
        look, key = distortion.look, distortion.key
    return Source(
        index=FileIndex(folder, observer),
        cache=BottleneckCache(folder, cache_name(bundle, key), bundle.depth, observer),
        new_extractor=lambda: Network(bundle.tflite_path),
        new_batch_extractor=lambda: batch_extractor(bundle, options.runtime, trusted=options.trust_graph),
        look=look,
        views=views,
        prints=FingerprintCache(folder, observer) if distortion is None else None,
    )


def refuse_if_strict(missed: Missed, options: RetrainOptions) -> None:
    """Raises DatasetError of a file or folder that the run would go on without, if that is to end it."""
    if options.strict:
        raise DatasetError(f"--strict: {missed.problem}.", "Mend, move or remove what is named, or leave out --strict.")


def batch_extractor(bundle: Bundle, runtime: str, *, trusted: bool = False) -> BatchExtractor | None:
    """TensorFlow with the backbone's graph where it is asked for or sees a GPU, otherwise None."""
    if runtime == "litert" or bundle.quantized or not bundle.batches:
        return None
    from retrainer.models.graph.operations import require_harmless
    from retrainer.models.graph.tensorflow_graph import GraphNetwork, sees_gpu

    if runtime == "auto" and not sees_gpu():
        return None
    graph = graphdef.read_graph(bundle.graph_path)
    if not trusted:
        require_harmless(graph, str(bundle.graph_path))
    return GraphNetwork(graph, shown(bundle.graph_path), INPUT_NODE, bundle.feature_node)


def cache_name(bundle: Bundle, look: str) -> str:
    """The name of a cache: the network's, and a key of all that shapes its vectors; `look` names distortions."""
    shaping = (
        f"{bundle.sha256[TFLITE]} {bundle.input_size} {INPUT_MEAN} {INPUT_STD} {RESIZE_RULE} reading-{_READING} {look}"
    )
    return f"{bundle.name}-{hashlib.sha256(shaping.encode('utf-8')).hexdigest()[:12]}"
