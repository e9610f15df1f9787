"""Checks, before the long work, that a run can write what it is asked for."""

import os
from pathlib import Path

from retrainer.backbones.bundle import Bundle
from retrainer.errors import OptionError
from retrainer.feature_source import bottleneck_folder
from retrainer.models.graph import graphdef
from retrainer.models.twins import twins
from retrainer.options.retraining import RetrainOptions
from retrainer.output_formats import model_paths, paths_beside
from retrainer.previous_model import kept_paths
from retrainer.system.files import require_writable, require_writable_folder
from retrainer.system.missing import require_package
from retrainer.text import pasted, shown


def require_own_outputs(options: RetrainOptions) -> None:
    """Raises OptionError if outputs would overwrite each other; touches no file."""
    outputs = outputs_of(options)
    if len(set(map(os.path.realpath, outputs))) < len(outputs):
        raise OptionError(
            "--output_graph, --output_labels and --duplicates: expected different files, "
            f"received {', '.join(map(shown, outputs))}.",
            "The model is a .pb and its .tflite twin; name the labels and the table of duplicates otherwise.",
        )


def require_outputs(bundle: Bundle, options: RetrainOptions) -> None:
    """Checks that the backbone can give what the options ask for, and that all files can be written.

    Raises:
        OptionError: the backbone cannot give what the options ask for.
        OutputError: a file or a folder cannot be written.
    """
    _require_possible(bundle, options)
    for path in outputs_of(options):
        require_writable(path)
    intermediate = [options.intermediate_output_graphs_dir] if options.intermediate_store_frequency else []
    for folder in (bottleneck_folder(options.bottleneck_dir), *map(Path, intermediate)):
        require_writable_folder(folder)


def _require_possible(bundle: Bundle, options: RetrainOptions) -> None:
    if bundle.has_graph:
        graphdef.require_new_name(bundle.graph_path, options.final_tensor_name)
    elif twins(options.output_graph)[1] != Path(options.output_graph):
        raise OptionError(
            f"--output_graph: '{shown(bundle.name)}' was made of a .tflite and gives no .pb; expected a .tflite, "
            f"received '{shown(options.output_graph)}'.",
            f"Name it --output_graph {pasted(twins(options.output_graph)[1])}",
        )
    if options.runtime == "tensorflow":
        require_package("tensorflow")
    if options.runtime == "tensorflow" and (bundle.quantized or not bundle.batches):
        reason = "takes one picture at a time" if bundle.has_graph else "was made of a .tflite"
        raise OptionError(
            f"--runtime: '{shown(bundle.name)}' {'is int8' if bundle.quantized else reason}, "
            "and LiteRT runs it; received tensorflow.",
            "Leave the flag out.",
        )


def outputs_of(options: RetrainOptions) -> list[str]:
    """The paths of the model's files, of those beside them, of the kept previous model, and of the duplicates."""
    models = [*model_paths(options.output_graph).values(), *paths_beside(options.output_graph).values()]
    kept = kept_paths(options.output_graph, options.output_labels).values()
    return [*map(str, models), *map(str, kept), *filter(None, (options.output_labels, options.duplicates))]
