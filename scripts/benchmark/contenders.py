"""Ways to extract features, each in a process of its own, with the same photos and the same network.

    python -m scripts.benchmark.contenders NAME --bundle FOLDER --photos FOLDER

It prints the seconds that all photos take, after everything is imported, opened and warm.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle, read_bundle
from retrainer.bottlenecks.extraction import Extraction, extract
from retrainer.bottlenecks.recipe import Recipe
from retrainer.engines.threads import threads
from retrainer.events import silent
from retrainer.feature_source import tables_of
from retrainer.photos.scanning import scan

BATCH = 32
_WARM_UP = 64

Contender = Callable[[Sequence[str]], int]
"""Takes the paths of photos, extracts their features, and returns the number of vectors."""


def ours(bundle: Bundle, photos: str) -> Contender:
    """Our own extraction, with its cache."""
    files = scan(photos, silent, fewest=1)
    stamps = dict(zip(files.paths, files.stamps, strict=True))
    recipe = Recipe(tflite=str(bundle.tflite_path), input_size=bundle.input_size)

    def run(paths: Sequence[str]) -> int:
        with tempfile.TemporaryDirectory() as folder:
            extraction = Extraction(tables_of(bundle, recipe, folder, silent), recipe, threads)
            return extract(paths, np.stack([stamps[path] for path in paths]), extraction, silent).computed

    return run


def session_of_2017(bundle: Bundle, _photos: str) -> Contender:
    """A TensorFlow session that decodes and embeds photo by photo, as the scripts of 2017 did."""
    from scripts.benchmark.way_of_2017 import embedded, opened

    _, session = opened(str(bundle.graph_path), bundle.input_size)
    return lambda paths: len([embedded(session, Path(path), bundle.feature_node) for path in paths])


def keras_pipeline(bundle: Bundle, photos: str) -> Contender:
    """`keras.utils.image_dataset_from_directory` and `Model.predict`."""
    import keras
    import tensorflow

    definition = tensorflow.compat.v1.GraphDef()
    definition.ParseFromString(bundle.graph_path.read_bytes())
    imported = tensorflow.compat.v1.wrap_function(
        lambda: tensorflow.compat.v1.import_graph_def(definition, name=""), []
    )
    network = imported.prune("input:0", f"{bundle.feature_node}:0")

    class Backbone(keras.layers.Layer):  # type: ignore[misc]
        def call(self, pictures: Any) -> Any:
            features = network(pictures)
            return tensorflow.reshape(features, [-1, bundle.depth])

    size = bundle.input_size
    model = keras.Sequential([keras.Input((size, size, 3)), keras.layers.Rescaling(1 / 127.5, offset=-1.0), Backbone()])

    def run(paths: Sequence[str]) -> int:
        dataset = keras.utils.image_dataset_from_directory(
            photos, image_size=(size, size), batch_size=BATCH, shuffle=False, verbose=False
        )
        taken = dataset.take(-(-len(paths) // BATCH)).prefetch(tensorflow.data.AUTOTUNE)
        return len(model.predict(taken, verbose=0))

    return run


def onnx_runtime(bundle: Bundle, _photos: str) -> Contender:
    """Pillow and ONNX Runtime, in batches; the network is converted by tf2onnx."""
    import onnxruntime
    import tensorflow
    import tf2onnx
    from PIL import Image

    definition = tensorflow.compat.v1.GraphDef()
    definition.ParseFromString(bundle.graph_path.read_bytes())
    names = ["input:0"], [f"{bundle.feature_node}:0"]
    model, _ = tf2onnx.convert.from_graph_def(definition, input_names=names[0], output_names=names[1])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    size = bundle.input_size

    def picture(path: str) -> Floats:
        with Image.open(path) as opened:
            pixels = np.asarray(opened.convert("RGB").resize((size, size), Image.Resampling.BILINEAR), np.float32)
        return pixels / np.float32(127.5) - np.float32(1)

    def run(paths: Sequence[str]) -> int:
        return sum(
            len(session.run(None, {"input:0": np.stack([picture(path) for path in batch])})[0])
            for batch in _batches(paths)
        )

    return run


def _batches(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), BATCH):
        yield paths[start : start + BATCH]


CONTENDERS: dict[str, Callable[[Bundle, str], Contender]] = {
    "ours": ours,
    "session-of-2017": session_of_2017,
    "keras": keras_pipeline,
    "onnx": onnx_runtime,
}


@click.command()
@click.argument("name", type=click.Choice(list(CONTENDERS)))
@click.option("--bundle", "folder", required=True)
@click.option("--photos", required=True)
def main(name: str, folder: str, photos: str) -> None:
    """Prints the seconds of one contender."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    extraction = CONTENDERS[name](read_bundle(Path(folder)), photos)
    paths = scan(photos, silent, fewest=1).paths
    extraction(paths[:_WARM_UP])
    started = time.perf_counter()
    count = extraction(paths)
    seconds = time.perf_counter() - started
    if count != len(paths):
        raise SystemExit(f"{name}: expected {len(paths)} feature vectors, received {count}")
    click.echo(f"{seconds:.6f}")


if __name__ == "__main__":
    main()
