"""The scripts of 2017, written anew to compare with.

    python -m scripts.benchmark.way_of_2017 retrain --graph BACKBONE.pb --features NODE --photos DIR --work DIR …
    python -m scripts.benchmark.way_of_2017 label --graph MODEL.pb --size S PHOTO...

One session decodes each photo and runs the network on it alone. A bottleneck is a text file of numbers. Every training
step reads and parses the files of its hundred photos again. Every tenth step measures its batch and a hundred
validation photos.
"""

import hashlib
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

MEAN, STD = 127.5, 127.5
BATCH, EVALUATED_EACH = 100, 10
HASHES = 2**27 - 1

Vector = npt.NDArray[np.float32]


def opened(graph_path: str, size: int) -> tuple[Any, Any]:
    """Returns TensorFlow, and a session with a frozen graph and with nodes that read a JPEG."""
    import tensorflow

    v1 = tensorflow.compat.v1
    v1.disable_eager_execution()
    definition = v1.GraphDef()
    definition.ParseFromString(Path(graph_path).read_bytes())
    v1.import_graph_def(definition, name="")
    content = v1.placeholder(v1.string, name="content")
    pixels = v1.image.decode_jpeg(content, channels=3)
    resized = v1.image.resize_bilinear(v1.expand_dims(v1.cast(pixels, v1.float32), 0), [size, size])
    v1.multiply(v1.subtract(resized, MEAN), 1.0 / STD, name="picture")
    return v1, v1.Session()


def embedded(session: Any, photo: Path, node: str) -> Vector:
    """The output of a node for a photo: one run decodes it, another runs the network."""
    picture = session.run("picture:0", {"content:0": photo.read_bytes()})
    vector: Vector = session.run(f"{node}:0", {"input:0": picture})
    return np.squeeze(vector)


class Bottlenecks:
    """Feature vectors as text, one file per photo."""

    def __init__(self, session: Any, features: str, photos: Path, work: Path) -> None:
        self._session, self._features = session, features
        self._photos, self._work = photos, work

    def of(self, photo: Path) -> Vector:
        """A photo's vector, read from its file, which is computed and written first if it is absent."""
        path = self._work / "bottlenecks" / photo.relative_to(self._photos).with_suffix(".txt")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            vector = embedded(self._session, photo, self._features)
            path.write_text(",".join(str(number) for number in vector.tolist()))
        return np.array([float(number) for number in path.read_text().split(",")], np.float32)


def split(photos: Path) -> list[dict[str, list[Path]]]:
    """The photos of each part for each class; a hash of its path decides a photo's part."""
    classes = []
    for folder in sorted(path for path in photos.iterdir() if path.is_dir()):
        parts: dict[str, list[Path]] = {"training": [], "testing": [], "validation": []}
        for photo in sorted(folder.glob("*.jpg")):
            hashed = int(hashlib.sha1(str(photo).encode()).hexdigest(), 16)
            percentage = (hashed % (HASHES + 1)) * (100.0 / HASHES)
            parts["validation" if percentage < 10 else "testing" if percentage < 20 else "training"].append(photo)
        classes.append(parts)
    return classes


@click.group()
def main() -> None:
    """Retrains and labels as the scripts of 2017 did."""


@main.command()
@click.option("--graph", required=True)
@click.option("--features", required=True)
@click.option("--photos", required=True)
@click.option("--work", required=True)
@click.option("--size", required=True, type=int)
@click.option("--steps", required=True, type=int)
def retrain(graph: str, features: str, photos: str, work: str, size: int, steps: int) -> None:
    """Computes the missing bottlenecks, trains a head step by step, and writes the whole graph."""
    v1, session = opened(graph, size)
    bottlenecks = Bottlenecks(session, features, Path(photos), Path(work))
    classes = split(Path(photos))
    for parts in classes:
        for photo in (photo for part in parts.values() for photo in part):
            bottlenecks.of(photo)
    depth = int(session.graph.get_tensor_by_name(f"{features}:0").shape[-1])
    vectors = v1.placeholder_with_default(session.graph.get_tensor_by_name(f"{features}:0"), [None, depth], "vectors")
    truth = v1.placeholder(v1.float32, [None, len(classes)])
    with v1.name_scope("final_training_ops"):
        weights = v1.Variable(v1.truncated_normal([depth, len(classes)], stddev=0.001), name="final_weights")
        biases = v1.Variable(v1.zeros([len(classes)]), name="final_biases")
        logits = v1.matmul(vectors, weights) + biases
    v1.nn.softmax(logits, name="final_result")
    loss = v1.reduce_mean(v1.nn.softmax_cross_entropy_with_logits_v2(labels=truth, logits=logits))
    step = v1.train.GradientDescentOptimizer(0.01).minimize(loss)
    right = v1.reduce_mean(v1.cast(v1.equal(v1.argmax(logits, 1), v1.argmax(truth, 1)), v1.float32))
    for tag, value in (("accuracy", right), ("cross_entropy", loss)):
        v1.summary.scalar(tag, value)
    for tag, tensor in (("weights", weights), ("biases", biases), ("pre_activations", logits)):
        v1.summary.histogram(tag, tensor)
    merged = v1.summary.merge_all()
    writer = v1.summary.FileWriter(str(Path(work) / "logs"), session.graph)
    session.run(v1.global_variables_initializer())
    generator = np.random.default_rng(0)

    def fed(chosen: list[tuple[int, Path]]) -> dict[Any, Any]:
        labels = np.eye(len(classes), dtype=np.float32)[[number for number, _ in chosen]]
        return {vectors: np.stack([bottlenecks.of(photo) for _, photo in chosen]), truth: labels}

    def drawn(part: str) -> list[tuple[int, Path]]:
        numbers = generator.integers(len(classes), size=BATCH).tolist()
        return [(number, classes[number][part][generator.integers(len(classes[number][part]))]) for number in numbers]

    for number in range(steps):
        batch = fed(drawn("training"))
        summary, _ = session.run([merged, step], batch)
        writer.add_summary(summary, number)
        if number % EVALUATED_EACH == 0 or number == steps - 1:
            session.run([right, loss], batch)
            session.run([merged, right], fed(drawn("validation")))
    tested = [(number, photo) for number, parts in enumerate(classes) for photo in parts["testing"]]
    accuracy = session.run(right, fed(tested))
    click.echo(f"Final test accuracy = {accuracy:.1%} (N={len(tested)})")
    frozen = v1.graph_util.convert_variables_to_constants(session, session.graph_def, ["final_result"])
    (Path(work) / "model.pb").write_bytes(frozen.SerializeToString())


@main.command()
@click.option("--graph", required=True)
@click.option("--size", required=True, type=int)
@click.argument("photos", nargs=-1, required=True)
def label(graph: str, size: int, photos: tuple[str, ...]) -> None:
    """Prints the scores of photos, which run one after the other in one session."""
    _, session = opened(graph, size)
    for photo in photos:
        scores = embedded(session, Path(photo), "final_result")
        for number in np.argsort(scores)[::-1]:
            click.echo(f"{number} (score={scores[number]:0.5f})")


if __name__ == "__main__":
    main()
