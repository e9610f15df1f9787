"""What is done with a retrained model."""

from dataclasses import dataclass

from retrainer.network_input import LARGEST_SIDE
from retrainer.options.groups import MEAN_LIMITS, STD_LIMITS, TRUST, Options, option, path_option
from retrainer.options.paths import FOLDER


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Options):
    """Which model is run, and how; a value given here overrides what the model says of itself."""

    heading = "Model"

    graph: str = path_option("tf_files/retrained_graph.pb", "The model, .pb or .tflite.")
    labels: str = path_option(
        "",
        "Labels file, one per line, in place of the model's own labels; numbers before them, from 0, give the order.",
    )
    trust_graph: bool = option(False, TRUST)
    input_height: int | None = option(None, "Height of the network's input, pixels.", minimum=1, maximum=LARGEST_SIDE)
    input_width: int | None = option(None, "Width of the network's input, pixels.", minimum=1, maximum=LARGEST_SIDE)
    input_mean: float | None = option(None, "The network sees (pixel - mean) / std.", **MEAN_LIMITS)
    input_std: float | None = option(None, "The network sees (pixel - mean) / std.", **STD_LIMITS)
    input_layer: str = option("", "Input node of a graph that does not describe itself.")
    output_layer: str = option("", "Output node of a graph that does not describe itself.")


@dataclass(frozen=True, kw_only=True)
class LabelOptions(ModelOptions):
    """Which photos to label, and how."""

    heading = "Photos"

    image: tuple[str, ...] = option((), "A photo, a folder or a glob; may be given several times.", path=True)
    top: int = option(5, "How many labels to print for each photo.", minimum=1)
    reject: bool = option(False, "Say 'none of these' of a photo that is unlike all that the model learnt from.")


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(ModelOptions):
    """Which photos to measure a model on."""

    heading = "Photos"

    image_dir: str = path_option(
        "",
        "Folder with one sub-folder of photos per class, named as in training; by default the model's own. "
        "Photos that the model learnt from or was chosen by are left out.",
    )
    bottleneck_dir: str = path_option(
        "tf_files/bottlenecks", "Folder of the cached feature vectors; photos that it knows are not read to be skipped."
    )


@dataclass(frozen=True, kw_only=True)
class InspectOptions(Options):
    """Which model to look into."""

    graph: str = path_option("tf_files/retrained_graph.pb", "The model, .pb or .tflite; any frozen graph.")
    tensorboard: str = path_option("", "Folder to write the graph to, without its weights, for TensorBoard.", FOLDER)
