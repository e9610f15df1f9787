"""A float bundle -> its int8 twin, calibrated on the user's own photos. TensorFlow is needed here, once."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle, write_bundle
from retrainer.backbones.converting.from_tensorflow import tflite_of, with_map_named
from retrainer.backbones.converting.hints import COMPARED, Pictures
from retrainer.errors import BackboneError
from retrainer.events import Observer, Warned
from retrainer.models.graph.graphdef import read_graph
from retrainer.models.graph.operations import require_harmless
from retrainer.models.graph.tensorflow_graph import first_line, import_tensorflow
from retrainer.models.tflite.litert import Network
from retrainer.system.files import shown
from retrainer.system.process import native_stderr_hidden

# TensorFlow Lite's guide takes 100 to 500: ai.google.dev/edge/litert/models/post_training_integer_quant
CALIBRATED = 200
# int8 features point nearly where the float ones do, below the first less so; below the second it is another network.
USUAL_COSINE, LEAST_COSINE = 0.9, 0.5
_SMALLEST = 1e-12


def quantize(
    bundle: Bundle, name: str, parent: Path, pictures: Pictures, observer: Observer, *, trusted: bool = False
) -> Bundle:
    """Makes the int8 bundle of a float one: weights and activations are int8, input and output stay float32.

    Its `backbone.pb` is the float network, for TensorFlow's graphs know no int8.

    Args:
        bundle: The float bundle.
        name: The new bundle's name.
        parent: The folder of bundles.
        pictures: What to calibrate on.
        observer: Told where int8 changes the features a good deal.
        trusted: Whether its graph may do whatever TensorFlow can.

    Raises:
        BackboneError: there are no pictures, the bundle cannot be made int8, or its features would be others.
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
            "A .tflite is quantised by whoever makes it; use it as it is.",
        )
    tensorflow = import_tensorflow()
    graph = bundle.graph_path.read_bytes()
    if not trusted:
        require_harmless(read_graph(bundle.graph_path), str(bundle.graph_path))
    try:
        with native_stderr_hidden(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the converter misses statistics that it does not need
            definition = tensorflow.compat.v1.GraphDef.FromString(graph)
            tflite, _ = with_map_named(tflite_of(definition, photos, bundle.feature_node), bundle.map_tensor)
    except Exception as error:  # TensorFlow raises many kinds
        raise BackboneError(
            f"'{shown(bundle.name)}' cannot be made int8: {first_line(error)}", "Use the float backbone."
        ) from error
    cosine = min(_cosines(Network(bundle.tflite_path), Network(tflite), photos[:COMPARED]))
    if not cosine >= LEAST_COSINE:
        raise BackboneError(
            f"'{shown(bundle.name)}' does not survive int8: expected features with a cosine of at least "
            f"{LEAST_COSINE} to the float ones, received {cosine:.2f}.",
            "Use the float backbone.",
        )
    if cosine < USUAL_COSINE:
        observer(
            Warned(
                f"int8 changes the features of '{shown(bundle.name)}' a good deal: their cosine to the float "
                f"ones falls to {cosine:.2f}. Compare the accuracy with that of the float backbone."
            )
        )
    source = f"{bundle.source}, int8 by {len(photos)} photos"
    return write_bundle(parent, replace(bundle, name=name, source=source, quantized=True), tflite, graph)


def _cosines(floats: Network, integers: Network, photos: Sequence[Floats]) -> Iterator[float]:
    """How far the features of two networks point the same way, 1 for exactly."""
    for photo in photos:
        expected, received = floats.run(photo), integers.run(photo)
        lengths = float(np.linalg.norm(expected)) * float(np.linalg.norm(received))
        yield float(expected @ received) / max(lengths, _SMALLEST)
