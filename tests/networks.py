"""Small networks of every kind that a backbone can be made of, and pictures to run them on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle
from retrainer.backbones.converting.from_tensorflow import convert
from retrainer.backbones.converting.hints import ConversionContext, Hints
from retrainer.backbones.converting.tensorflow_networks import open_network
from retrainer.models.graph.tensorflow_graph import import_tensorflow

SIZE, DEPTH, CLASSES = 8, 5, 3
KERNEL = np.random.default_rng(1).normal(size=(3, 3, 3, DEPTH)).astype(np.float32)
WEIGHTS = np.random.default_rng(2).normal(size=(DEPTH, CLASSES)).astype(np.float32)


def inputs(size: int, count: int = 3) -> Sequence[Floats]:
    generator = np.random.default_rng(0)
    return [generator.uniform(-1, 1, (size, size, 3)).astype(np.float32) for _ in range(min(count, 3))]


def features_of(pictures: Any) -> Any:
    """A convolution and its mean, in TensorFlow: what every network here computes of pictures in [-1, 1]."""
    tf = import_tensorflow()
    return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(pictures, KERNEL, 1, "SAME")), [1, 2])


def expected(picture: Floats) -> Floats:
    vector: Floats = np.asarray(features_of(picture[np.newaxis]))[0]
    return vector


def bundle_from(path: Path, parent: Path, **said: Any) -> Bundle:
    """The bundle of a network at a path."""
    hints, draft = Hints(**said), Bundle(path.stem, f"from {path.name}", "none", 0, 0, "")
    return convert(lambda: open_network(path, draft.source, hints), hints, draft, parent, ConversionContext(inputs))


def saved_model(folder: Path, function: Callable[..., Any], *specification: Any) -> Path:
    """A SavedModel whose only signature is a function."""
    tf = import_tensorflow()
    concrete = tf.function(function).get_concrete_function(*specification)
    tf.saved_model.save(tf.Module(), str(folder), signatures={"serving_default": concrete})
    return folder


def hub_v1(folder: Path, *, resource_variables: bool) -> Path:
    """A module in TF-Hub's first format, with pictures in [0, 1], as TensorFlow 1 wrote them."""
    tf = import_tensorflow()
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        images = v1.placeholder(tf.float32, (None, SIZE, SIZE, 3), "images")
        kernel = v1.get_variable("kernel", initializer=KERNEL, use_resource=resource_variables)
        maps = tf.nn.relu(tf.nn.conv2d(images * 2.0 - 1.0, kernel, 1, "SAME"))
        info = v1.saved_model.utils.build_tensor_info
        signature = v1.saved_model.signature_def_utils.build_signature_def(
            {"images": info(images)}, {"default": info(tf.reduce_mean(maps, [1, 2])), "Conv/maps": info(maps)}, "hub"
        )
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, [], {"default": signature, "image_feature_vector": signature})
        builder.save()
    (folder / "tfhub_module.pb").write_bytes(b"\x08\x03")
    return folder


def frozen_classifier(
    path: Path, *, softmax: bool = True, input_name: str = "input", more: Callable[[Any], Any] = lambda x: x
) -> Path:
    """A frozen graph that ends in the scores of a classifier, as the tutorial's archives hold them."""
    tf = import_tensorflow()
    with tf.Graph().as_default() as graph:
        pictures = tf.compat.v1.placeholder(tf.float32, (1, SIZE, SIZE, 3), input_name)
        features = tf.identity(features_of(more(pictures)), "pool")
        logits = tf.add(tf.matmul(features, WEIGHTS), np.zeros(CLASSES, np.float32), "logits/add")
        tf.identity(tf.nn.softmax(logits) if softmax else logits, "scores")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def keras_classifier(path: Path, *first: Any) -> Path:
    """A Keras classifier: layers before the convolution, the mean, and a Dense with softmax."""
    from retrainer.backbones.converting.keras_networks import import_keras

    keras = import_keras()
    picture = keras.Input((SIZE, SIZE, 3))
    seen = picture
    for layer in first:
        seen = layer(seen)
    convolution = keras.layers.Conv2D(DEPTH, 3, padding="same", activation="relu", use_bias=False, name="maps")
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(convolution(seen))
    scores = keras.layers.Dense(CLASSES, activation="softmax", name="scores")(pooled)
    model = keras.Model(picture, scores)
    convolution.set_weights([KERNEL])
    model.save(path)
    return path


def as_tflite(path: Path, function: Callable[[Any], Any], **converter: Any) -> Path:
    """A `.tflite` of a function of pictures `(1, SIZE, SIZE, 3)`, as TensorFlow's converter writes it."""
    tf = import_tensorflow()
    specification = tf.TensorSpec((1, SIZE, SIZE, 3), tf.float32, "picture")
    concrete = tf.function(function).get_concrete_function(specification)
    made = tf.lite.TFLiteConverter.from_concrete_functions([concrete], None)
    for name, value in converter.items():
        setattr(made, name, value)
    path.write_bytes(made.convert())
    return path
