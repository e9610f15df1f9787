"""Options to label photos with a model, to measure it and to inspect it."""

from dataclasses import dataclass

from retrainer.network_input import LARGEST_SIDE
from retrainer.options import headings
from retrainer.options.groups import (
    MEAN_LIMITS,
    STD_LIMITS,
    TRUST,
    Options,
    clean_list_option,
    label_from_option,
    option,
    path_option,
)
from retrainer.options.paths import BOTTLENECKS, FOLDER

_GRAPH = "tf_files/retrained_graph.pb"


def train_first(graph: str) -> str:
    """What to type if a model does not exist; empty if its name is not the usual one."""
    return "Train one first: retrainer retrain PHOTOS" if graph == _GRAPH else ""


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Options):
    """Which model is run, and how. A value given here replaces the one in the model."""

    heading = headings.MODEL

    graph: str = path_option(_GRAPH, "The model, .pb or .tflite.", heading=headings.START)
    labels: str = path_option(
        "",
        "File of labels, one per line, to take instead of the model's own. Numbers before labels, from 0, give their "
        "order.",
    )
    trust_graph: bool = option(False, TRUST)
    input_height: int | None = option(None, "Height of the network's input in pixels.", minimum=1, maximum=LARGEST_SIDE)
    input_width: int | None = option(None, "Width of the network's input in pixels.", minimum=1, maximum=LARGEST_SIDE)
    input_mean: float | None = option(None, "The network sees (pixel - mean) / std.", **MEAN_LIMITS)
    input_std: float | None = option(None, "The network sees (pixel - mean) / std.", **STD_LIMITS)
    input_layer: str = option("", "Input node of a graph that does not describe itself.")
    output_layer: str = option("", "Output node of a graph that does not describe itself.")


@dataclass(frozen=True, kw_only=True)
class LabelOptions(ModelOptions):
    """Which photos to label, and how."""

    heading = headings.START

    image: tuple[str, ...] = option(
        (),
        "A photo, a folder, a glob, an archive (.zip, .tar), a table (.csv, .jsonl, .parquet), an http(s) address, or "
        "- for a list of paths on standard input; may be given several times.",
        path=True,
    )
    top: int = option(5, "How many labels to print for each photo.", minimum=1, heading=headings.ANSWERS)
    reject: bool = option(
        False,
        "Print 'none of these' for a photo that is unlike all photos that the model learnt from.",
        heading=headings.ANSWERS,
    )


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(ModelOptions):
    """Which photos to measure a model on."""

    heading = headings.START

    image_dir: str = path_option(
        "",
        "Folder or table of photos, as for retrain, with classes named as in training; by default the one that the "
        "model learnt from. Photos that trained the model or chose its head are left out.",
        tables=True,
    )
    label_from: str = label_from_option()
    clean_list: str = clean_list_option("By default the decisions that the model was trained with hold.")
    bottleneck_dir: str = path_option(
        "",
        "Folder of the cached feature vectors. With it, photos that are left out need not be read.",
        command=BOTTLENECKS,
        heading=headings.PLACES,
    )


@dataclass(frozen=True, kw_only=True)
class InspectOptions(Options):
    """Which model to look into."""

    heading = headings.START

    graph: str = path_option(_GRAPH, "The model, .pb or .tflite, or any frozen graph.")
    tensorboard: str = path_option("", "Folder to write the graph to, without its weights, for TensorBoard.", FOLDER)
