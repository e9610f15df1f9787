"""A float bundle -> its int8 twin, calibrated on the user's photos; this needs TensorFlow, once per twin."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle, write_bundle
from retrainer.backbones.converting.hints import COMPARED, Pictures
from retrainer.backbones.converting.to_tflite import tflite_of, with_maps_named
from retrainer.errors import BackboneError
from retrainer.events import Observer, Warned
from retrainer.models.graph.graphdef import read_graph
from retrainer.models.graph.operations import require_harmless
from retrainer.models.graph.tensorflow_graph import first_line, import_tensorflow
from retrainer.models.tflite.litert import Network
from retrainer.system.process import native_stderr_hidden
from retrainer.text import shown

# Number of photos; TensorFlow Lite's guide takes 100 to 500:
# ai.google.dev/edge/litert/models/post_training_integer_quant
CALIBRATED = 200
# Cosine between int8 and float features: below the first a warning, below the second an error.
USUAL_COSINE, LEAST_COSINE = 0.9, 0.5
_SMALLEST = 1e-12


def quantize(
    bundle: Bundle, name: str, parent: Path, pictures: Pictures, observer: Observer, *, trusted: bool = False
) -> Bundle:
    """Makes the int8 twin of a float bundle: weights and activations are int8, input and output stay float32.

    Its `backbone.pb` is the float network, because TensorFlow's graphs have no int8.

    Args:
        bundle: The float bundle.
        name: The new bundle's name.
        parent: The folder of bundles.
        pictures: Photos to calibrate on.
        observer: Is called with a warning if int8 changes the features a lot.
        trusted: Whether the bundle's graph may hold any operation of TensorFlow.

    Raises:
        BackboneError: there are no photos, the bundle cannot be made int8, or its features would differ too much.
        OutputError: the new bundle cannot be written.
    """
    photos = pictures(bundle.input_size, CALIBRATED)
    if not photos:
        raise BackboneError(
            f"'{shown(name)}' is calibrated on photos; expected some, received none.",
            "Retrain with it, or name a folder of photos: --image_dir FOLDER.",
        )
    if not bundle.has_graph:
        raise BackboneError(
            f"'{shown(name)}': expected a backbone with a backbone.pb, which '{shown(bundle.name)}' was made without.",
            f"Use '{shown(bundle.name)}', or quantise the .tflite with the tool that made it.",
        )
    graph = bundle.graph_path.read_bytes()
    if not trusted:
        require_harmless(read_graph(bundle.graph_path), str(bundle.graph_path))
    tflite = _quantized(graph, bundle, photos)
    _require_similar(tflite, bundle, photos[:COMPARED], observer)
    source = f"{bundle.source}, int8 by {len(photos)} photos"
    return write_bundle(parent, replace(bundle, name=name, source=source, quantized=True), tflite, graph)


def _quantized(graph: bytes, bundle: Bundle, photos: Sequence[Floats]) -> bytes:
    """Converts a bundle's graph to an int8 `.tflite`."""
    definition = import_tensorflow().compat.v1.GraphDef
    try:
        with native_stderr_hidden(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the converter warns about statistics that it does not need
            tflite = tflite_of(definition.FromString(graph), photos, bundle.feature_node)
            return with_maps_named(tflite, [one.tensor for one in bundle.maps] or [bundle.map_tensor])[0]
    except Exception as error:  # TensorFlow raises many kinds
        raise BackboneError(
            f"'{shown(bundle.name)}' cannot be made int8: {first_line(error)}", "Use the float backbone."
        ) from error


def _require_similar(tflite: bytes, bundle: Bundle, photos: Sequence[Floats], observer: Observer) -> None:
    """Raises BackboneError if int8 features differ too much from the float ones; warns if they differ a lot."""
    cosine = min(_cosines(Network(bundle.tflite_path), Network(tflite), photos))
    if not cosine >= LEAST_COSINE:
        raise BackboneError(
            f"'{shown(bundle.name)}' cannot be made int8: expected features with a cosine of at least "
            f"{LEAST_COSINE} to the float ones, received {cosine:.2f}.",
            "Use the float backbone.",
        )
    if cosine < USUAL_COSINE:
        observer(
            Warned(
                f"int8 changes the features of '{shown(bundle.name)}' a lot: their cosine to the float ones falls to "
                f"{cosine:.2f}. Compare the accuracy with that of the float backbone."
            )
        )


def _cosines(floats: Network, integers: Network, photos: Sequence[Floats]) -> Iterator[float]:
    """The cosine between the features of two networks, photo by photo; 1 if they have the same direction."""
    for photo in photos:
        expected, received = floats.run(photo), integers.run(photo)
        lengths = float(np.linalg.norm(expected)) * float(np.linalg.norm(received))
        yield float(expected @ received) / max(lengths, _SMALLEST)
