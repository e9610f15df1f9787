"""The options of what is done with a retrained model."""

from dataclasses import dataclass

from retrainer.options.groups import MEAN, STD, TRUST, Options, option, path_option
from retrainer.options.paths import FOLDER


@dataclass(frozen=True)
class ModelOptions(Options):
    """How a model is run; what it says of itself is overridden by what is given here."""

    labels: str = path_option(
        "",
        "Labels file, one per line, in place of the model's own labels; numbers before them, from 0, give the order.",
    )
    trust_graph: bool = option(False, TRUST)
    input_height: int | None = option(None, "Height of the network's input, pixels.", minimum=1, maximum=4096)
    input_width: int | None = option(None, "Width of the network's input, pixels.", minimum=1, maximum=4096)
    input_mean: float | None = option(None, "The network sees (pixel - mean) / std.", **MEAN)
    input_std: float | None = option(None, "The network sees (pixel - mean) / std.", **STD)
    input_layer: str = option("", "Input node of a graph that does not describe itself.")
    output_layer: str = option("", "Output node of a graph that does not describe itself.")


@dataclass(frozen=True)
class LabelOptions(ModelOptions):
    """What to label, and how."""

    graph: str = path_option("tf_files/retrained_graph.pb", "The model, .pb or .tflite.")
    image: tuple[str, ...] = option((), "A photo, a folder or a glob; may be given several times.", path=True)
    top: int = option(5, "How many labels to print for each photo.", minimum=1)
    reject: bool = option(False, "Say 'none of these' of a photo that is unlike all that the model learnt from.")


@dataclass(frozen=True)
class EvaluateOptions(ModelOptions):
    """What to measure on what."""

    graph: str = path_option("tf_files/retrained_graph.pb", "The model, .pb or .tflite.")
    image_dir: str = path_option(
        "",
        "Folder with one sub-folder of photos per class, named as in training; by default the model's own. "
        "Photos that the model learnt from or was chosen by are left out.",
    )
    json: bool = option(False, "Print all figures as JSON.")
    assert_accuracy_at_least: float | None = option(
        None, "Exit with code 3 if the accuracy is lower, for CI.", minimum=0, maximum=1
    )


@dataclass(frozen=True)
class InspectOptions(Options):
    """What to look into."""

    graph: str = path_option("tf_files/retrained_graph.pb", "The model, .pb or .tflite; any frozen graph.")
    tensorboard: str = path_option("", "Folder to write the graph to, without its weights, for TensorBoard.", FOLDER)
