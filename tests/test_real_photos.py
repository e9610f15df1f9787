"""The embedded backbone on real photos: one model, three ways to run it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED

from retrainer import Retraining, RetrainOptions, retrain
from retrainer.arrays import Floats
from retrainer.models.graph.tensorflow_graph import import_tensorflow
from retrainer.models.retrained import open_retrained
from retrainer.models.tflite.litert import Network
from retrainer.photos.images import square, to_input

FLOWERS = SHARED / "photos" / "flowers"
pytestmark = pytest.mark.skipif(not FLOWERS.is_dir(), reason="the real photos are not beside the project")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Retraining:
    out = tmp_path_factory.mktemp("flowers")
    return retrain(
        RetrainOptions(
            image_dir=str(FLOWERS),
            architecture="pocket",
            output_graph=str(out / "graph.pb"),
            output_labels=str(out / "labels.txt"),
            bottleneck_dir=str(out / "bottlenecks"),
            how_many_training_steps=500,
        )
    )


@pytest.fixture(scope="module")
def photos() -> list[Path]:
    """Twenty photos of each class."""
    return [photo for folder in sorted(FLOWERS.glob("*/")) for photo in sorted(folder.glob("*.jpg"))[:20]]


@pytest.fixture(scope="module")
def scores(result: Retraining, photos: list[Path]) -> Floats:
    """LiteRT's scores, `(100, 5)`."""
    network = Network(result.tflite)
    return np.stack([network.run(to_input(square(p.read_bytes(), network.input_size))) for p in photos])


def test_the_model_has_learnt_something(result: Retraining, photos: list[Path], scores: Floats) -> None:
    assert len(photos) == 100
    assert result.photos == 1250
    assert result.accuracy is not None
    assert result.accuracy > 0.65
    named = [result.labels[i] for i in scores.argmax(axis=1)]
    assert np.mean([label == photo.parent.name for label, photo in zip(named, photos, strict=True)]) > 0.7


def test_tensorflow_and_litert_give_the_same_scores(
    result: Retraining, photos: list[Path], scores: Floats, tmp_path: Path
) -> None:
    alone = str(shutil.copy(result.graph, tmp_path))
    _, tensorflow, _ = open_retrained(alone, "", "")
    assert type(tensorflow).__name__ == "IsolatedModel"
    inputs = [to_input(square(photo.read_bytes(), tensorflow.input_size)) for photo in photos]
    differences = np.abs(np.stack([tensorflow.outputs(picture)[0] for picture in inputs]) - scores)
    assert differences.max() < 1e-4


def test_the_graph_runs_the_way_of_2017(result: Retraining, photos: list[Path], scores: Floats) -> None:
    """A session of TensorFlow 1, `import/` before the names, its resize, and (x - 128) / 128."""
    tensorflow = import_tensorflow()
    v1 = tensorflow.compat.v1
    graph = tensorflow.Graph()
    definition = v1.GraphDef.FromString(Path(result.graph).read_bytes())
    with graph.as_default():
        tensorflow.import_graph_def(definition)
        name = v1.placeholder(tensorflow.string)
        decoded = tensorflow.expand_dims(tensorflow.cast(tensorflow.io.decode_jpeg(name, channels=3), "float32"), 0)
        resized = v1.image.resize_bilinear(decoded, [160, 160])
        normalised = tensorflow.divide(tensorflow.subtract(resized, [128]), [128])
        picture, output = (graph.get_operation_by_name(f"import/{n}").outputs[0] for n in ("input", "final_result"))
        with v1.Session(graph=graph) as session:
            tops = [
                session.run(output, {picture: session.run(normalised, {name: photo.read_bytes()})}).argmax()
                for photo in photos
            ]
    assert (np.array(tops) == scores.argmax(axis=1)).sum() >= 95
