"""The files that a retraining writes."""

import re
from dataclasses import dataclass

from retrainer.errors import OptionError
from retrainer.options import headings
from retrainer.options.groups import Options, option, path_option
from retrainer.options.paths import FOLDER, LABELS, MODEL

# A name that TensorFlow takes for a node.
_NODE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")


@dataclass(frozen=True, kw_only=True)
class OutputOptions(Options):
    """Which files are written, and where."""

    heading = headings.PLACES

    output_graph: str = path_option(
        "",
        "File to write the model to; its .tflite twin is written beside it.",
        MODEL,
        command="tf_files/retrained_graph.pb",
    )
    output_labels: str = path_option(
        "", "File to write the labels to, one per line.", LABELS, command="tf_files/retrained_labels.txt"
    )
    final_tensor_name: str = option("final_result", "Name of the model's output node.", heading=headings.HEAD)
    intermediate_output_graphs_dir: str = path_option(
        "",
        "Folder for intermediate models.",
        FOLDER,
        command="tf_files/intermediate_graph/",
        heading=headings.DESCENT,
    )
    intermediate_store_frequency: int = option(
        0, "Write a model every N steps; 0 writes none.", minimum=0, heading=headings.DESCENT
    )

    def __post_init__(self) -> None:
        """Checks the name of the output node, and that there is a place for intermediate models."""
        super().__post_init__()
        if self.intermediate_store_frequency and not self.intermediate_output_graphs_dir:
            raise OptionError(
                "--intermediate_output_graphs_dir is missing: expected a folder for the intermediate models.",
                "Give it, or leave out --intermediate_store_frequency.",
            )
        if not _NODE_NAME.fullmatch(self.final_tensor_name):
            raise OptionError(
                f"--final_tensor_name: expected a node's name, received {self.final_tensor_name!r}.",
                r"It begins with a letter, digit or dot and goes on with these and _ \ / > -, such as final_result.",
            )
