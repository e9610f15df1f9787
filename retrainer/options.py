"""Every option, once: default, help and limits. Flags, the Python API and the README's tables derive from it."""

import dataclasses
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from retrainer.errors import OptionError
from retrainer.files import expanded

# What TensorFlow takes for the name of a node.
_NODE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")


@dataclass(frozen=True)
class Limits:
    """What an option takes.

    Attributes:
        help: What it does, in one sentence.
        minimum, maximum: Inclusive bounds of a number.
        above: An exclusive lower bound.
        also: One more value that is allowed below the minimum.
        choices: The only values of a text.
        path: Whether it is a path; `~` is expanded.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    also: float | None = None
    choices: tuple[str, ...] = ()
    path: bool = False

    def expected_of(self, kind: Any) -> str:
        """The limits of an option of some type in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        bounds = [
            f"above {self.above:,.12g}" if self.above is not None else "",
            f"at least {self.minimum:,.12g}" if self.minimum is not None else "",
            f"at most {self.maximum:,.12g}" if self.maximum is not None else "",
        ]
        number = _NAMES_OF_TYPES.get(kind, "a text")
        words = " ".join([number, " and ".join(b for b in bounds if b)]).strip()
        return words + (f", or {self.also:g}" if self.also is not None else "")

    def allows(self, value: Any) -> bool:
        """Whether a value of the right type lies within the limits."""
        if self.choices:
            return value in self.choices
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if isinstance(value, bool | str | tuple) or value is None or value == self.also:
            return True
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
        )


_NAMES_OF_TYPES = {
    int: "a whole number",
    int | None: "a whole number",
    float: "a finite number",
    float | None: "a finite number",
    bool: "True or False",
    tuple[str, ...]: "a tuple of texts",
}


def _option(default: Any, help: str, **limits: Any) -> Any:  # noqa: A002
    return field(default=default, metadata={"limits": Limits(help, **limits)})


def _path(default: str, help: str) -> Any:  # noqa: A002
    return _option(default, help, path=True)


_MEAN, _STD = {"minimum": -1_000_000, "maximum": 1_000_000}, {"above": 0, "maximum": 1_000_000}
_BATCH = {"minimum": 1, "maximum": 1_000_000, "also": -1}


class Options:
    """What all groups of options share: they check themselves when they are made.

    Raises:
        OptionError: a value is outside its limits.
    """

    def __post_init__(self) -> None:
        """Expands paths and checks every value."""
        for name, limits, _, kind in options_of(type(self)):
            value = _plain(getattr(self, name), limits)
            object.__setattr__(self, name, value)
            if not _is_of(value, kind) or not limits.allows(value):
                raise OptionError(f"--{name}: expected {limits.expected_of(kind)}, received {value!r}.")


def _plain(value: Any, limits: Limits) -> Any:
    """A path as text with `~` expanded; any other value as it is."""
    if not limits.path:
        return value
    if isinstance(value, tuple | list):
        return tuple(_plain(item, limits) for item in value)
    return expanded(os.fspath(value)) if isinstance(value, str | os.PathLike) else value


def _is_of(value: Any, kind: Any) -> bool:
    """Whether a value is of an option's type; a whole number is a number, and a truth value is none."""
    if kind == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return kind is bool
    if kind in (float, float | None) and isinstance(value, int):
        return True
    return isinstance(value, kind)


def options_of(group: type[Options]) -> Iterator[tuple[str, Limits, Any, Any]]:
    """Name, limits, default and type of each option of a group."""
    items = dataclasses.fields(group)  # type: ignore[arg-type]
    # What a group adds comes before what it shares with others.
    for item in sorted(items, key=lambda item: item.name not in group.__annotations__):
        yield item.name, item.metadata["limits"], item.default, item.type


@dataclass(frozen=True)
class ModelDirOptions(Options):
    """Where backbones lie."""

    model_dir: str = _path("tf_files/models", "Folder of the backbones' bundles and downloads.")


@dataclass(frozen=True)
class BackboneOptions(ModelDirOptions):
    """Where backbones lie, and what is said of one that is still to be converted."""

    offline: bool = _option(False, "Touch no network: take what is here, or say what is missing.")
    bottleneck_layer: str = _option(
        "", "Layer to take the features from: 'logits', or a name; by default the pooled features."
    )
    input_layer: str = _option("", "Input of a backbone that has several.")
    input_mean: float | None = _option(None, "The backbone sees (pixel - mean) / std; by default inferred.", **_MEAN)
    input_std: float | None = _option(None, "The backbone sees (pixel - mean) / std; by default inferred.", **_STD)


@dataclass(frozen=True)
class RetrainOptions(BackboneOptions):
    """How to retrain: the 2017 flags with their meanings, and the few that are new."""

    image_dir: str = _path("", "Folder with one sub-folder of photos per class.")
    output_graph: str = _path(
        "tf_files/retrained_graph.pb", "Where to write the model; its .tflite twin lies beside it."
    )
    intermediate_output_graphs_dir: str = _path("tf_files/intermediate_graph/", "Folder for intermediate models.")
    intermediate_store_frequency: int = _option(0, "Write a model every so many steps; 0 writes none.", minimum=0)
    output_labels: str = _path("tf_files/retrained_labels.txt", "Where to write the labels, one per line.")
    summaries_dir: str = _path("tf_files/retrain_logs", "Folder for TensorBoard's event files.")
    how_many_training_steps: int = _option(4000, "Steps of gradient descent.", minimum=1)
    learning_rate: float = _option(0.01, "Factor on the gradient at each step.", above=0)
    testing_percentage: int = _option(10, "Percentage of the photos that only test the result.", minimum=0, maximum=99)
    validation_percentage: int = _option(
        10, "Percentage of the photos that measure progress during training.", minimum=0, maximum=99
    )
    eval_step_interval: int = _option(10, "Measure and log every so many steps.", minimum=1)
    train_batch_size: int = _option(100, "Photos per training step; -1 takes all.", **_BATCH)
    test_batch_size: int = _option(-1, "Photos in the final test; -1 takes all.", **_BATCH)
    validation_batch_size: int = _option(100, "Photos per validation; -1 takes all.", **_BATCH)
    print_misclassified_test_images: bool = _option(False, "List the test photos that the model gets wrong.")
    bottleneck_dir: str = _path("tf_files/bottlenecks", "Folder of the cached feature vectors.")
    final_tensor_name: str = _option("final_result", "Name of the model's output node.")
    flip_left_right: bool = _option(False, "Train on mirrored views, too.")
    random_crop: int = _option(0, "Train on views cropped by up to this margin, in percent.", minimum=0, maximum=1000)
    random_scale: int = _option(0, "Train on views enlarged by up to this much, in percent.", minimum=0, maximum=1000)
    random_brightness: int = _option(
        0, "Train on views brighter or darker by up to this much, in percent.", minimum=0, maximum=100
    )
    distortion_views: int = _option(
        8, "Distorted views of each training photo to choose from.", minimum=1, maximum=1000
    )
    architecture: str = _option(
        "pocket", "The backbone: 'pocket', a name of `retrainer architectures`, a TF-Hub handle, or a network's path."
    )
    runtime: str = _option(
        "auto",
        "What extracts features: TensorFlow where it sees a GPU, otherwise LiteRT; or always one of them.",
        choices=("auto", "litert", "tensorflow"),
    )
    seed: int = _option(
        0, "Chooses the split, the first weights and the batches; the same seed gives the same model.", minimum=0
    )
    split_by: str = _option(
        "content",
        "Split by a hash of the photos' bytes, or of their paths as in 2017.",
        choices=("content", "path"),
    )
    strict: bool = _option(False, "Stop at the first file that is no readable photo instead of skipping it.")

    def __post_init__(self) -> None:
        """Checks what one option alone cannot show."""
        super().__post_init__()
        if self.testing_percentage + self.validation_percentage >= 100:
            raise OptionError(
                "--testing_percentage and --validation_percentage: expected less than 100 together, "
                f"received {self.testing_percentage} and {self.validation_percentage}.",
                "Leave some photos to train on; 10 and 10 is usual.",
            )
        if not _NODE_NAME.fullmatch(self.final_tensor_name):
            raise OptionError(
                f"--final_tensor_name: expected a node's name, received {self.final_tensor_name!r}.",
                r"It begins with a letter, digit or dot and goes on with these and _ \ / > -, such as final_result.",
            )


@dataclass(frozen=True)
class LabelOptions(Options):
    """How to label; what the model says of itself is overridden by what is given here."""

    graph: str = _path("tf_files/retrained_graph.pb", "The model, .pb or .tflite.")
    image: tuple[str, ...] = _option((), "A photo, a folder or a glob; may be given several times.", path=True)
    top: int = _option(5, "How many labels to print for each photo.", minimum=1)
    labels: str = _path("", "Labels file, one per line, in place of the model's own labels.")
    input_height: int | None = _option(None, "Height of the network's input, pixels.", minimum=1, maximum=4096)
    input_width: int | None = _option(None, "Width of the network's input, pixels.", minimum=1, maximum=4096)
    input_mean: float | None = _option(None, "The network sees (pixel - mean) / std.", **_MEAN)
    input_std: float | None = _option(None, "The network sees (pixel - mean) / std.", **_STD)
    input_layer: str = _option("", "Input node of a graph that does not describe itself.")
    output_layer: str = _option("", "Output node of a graph that does not describe itself.")


@dataclass(frozen=True)
class EvaluateOptions(Options):
    """What to measure on what."""

    graph: str = _path("tf_files/retrained_graph.pb", "The model, .pb or .tflite.")
    image_dir: str = _path("", "Folder with one sub-folder of photos per class, named as in training.")
    labels: str = _path("", "Labels file, one per line, in place of the model's own labels.")


@dataclass(frozen=True)
class InspectOptions(Options):
    """What to look into."""

    graph: str = _path("tf_files/retrained_graph.pb", "The model, .pb or .tflite; any frozen graph.")
    tensorboard: str = _path("", "Folder to write the graph to, without its weights, for TensorBoard.")


@dataclass(frozen=True)
class FetchOptions(BackboneOptions):
    """Which backbones to prepare, and for which machine."""

    to: str = _path("", "Folder to carry to a machine without network: its --model_dir.")
    image_dir: str = _path("", "Photos to compare new bundles on, and to calibrate int8 ones on.")


@dataclass(frozen=True)
class ArchitecturesOptions(ModelDirOptions):
    """How to show the table of networks."""

    json: bool = _option(False, "Print JSON, with the source of each figure.")


@dataclass(frozen=True)
class SampleOptions(Options):
    """How to draw the sample set."""

    per_class: int = _option(40, "Pictures of each of the five kinds of flowers.", minimum=1, maximum=10000)
    seed: int = _option(0, "The same seed draws the same pictures.", minimum=0)
