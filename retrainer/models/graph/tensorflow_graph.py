"""Runs frozen graphs by TensorFlow."""

import os
import re
from difflib import get_close_matches
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.errors import ModelError
from retrainer.models.graph.inference import PLACEHOLDERS
from retrainer.models.inferred import Inferred
from retrainer.system.missing import is_there, require_package
from retrainer.system.process import keras_on_tensorflow, native_stderr_hidden
from retrainer.text import shown

# Devices of NVIDIA's and AMD's drivers and of Linux in Windows.
_GPU_DEVICES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def import_tensorflow() -> Any:
    """Imports TensorFlow, without the lines that it writes to standard error.

    Raises:
        PackageError: it is not installed.
    """
    require_package("tensorflow")
    with native_stderr_hidden(), keras_on_tensorflow():
        import tensorflow
    return tensorflow


def sees_gpu() -> bool:
    """Whether TensorFlow sees a GPU. It is not imported if the system has no device of a GPU."""
    if not any(map(os.path.exists, _GPU_DEVICES)) or not is_there("tensorflow"):
        return False
    with native_stderr_hidden():
        return bool(import_tensorflow().config.list_physical_devices("GPU"))


class GraphNetwork:
    """A frozen graph that a TensorFlow session runs: one picture as input, rows of numbers as outputs.

    Args:
        graph: A GraphDef of tensorboard or TensorFlow.
        path: Its path, for messages.
        input_node, output_nodes: The names of nodes.

    Raises:
        ModelError: a node is missing, or TensorFlow refuses the graph.
    """

    one_core = False
    inferred: Inferred | None = None

    def __init__(self, graph: Any, path: str, input_node: str, *output_nodes: str) -> None:
        for flag, name in (("--input_layer", input_node), *(("--output_layer", name) for name in output_nodes)):
            require_node(graph, path, flag, name)
        tensorflow = import_tensorflow()
        v1 = tensorflow.compat.v1
        definition = v1.GraphDef.FromString(graph.SerializeToString())
        loaded = tensorflow.Graph()
        try:
            with native_stderr_hidden(), loaded.as_default():
                self._input, *self._outputs = v1.import_graph_def(
                    definition, return_elements=[f"{name}:0" for name in (input_node, *output_nodes)], name=""
                )
                # Without growth TensorFlow would take all of a GPU's memory.
                configuration = v1.ConfigProto(gpu_options=v1.GPUOptions(allow_growth=True))
                self._session = v1.Session(graph=loaded, config=configuration)
        except Exception as error:  # TensorFlow raises many kinds for a graph it cannot take
            raise ModelError(f"'{shown(path)}' cannot be run by TensorFlow: {first_line(error)}") from error
        self._path = path
        self._dtype = np.dtype(self._input.dtype.as_numpy_dtype)
        if self._dtype.kind not in "fiu":
            raise ModelError(
                f"'{shown(path)}': expected numbers as input, '{shown(input_node)}' takes {self._input.dtype.name}.",
                "Name another node by --input_layer.",
            )
        shape = self._input.shape
        self.input_size = int(shape[1] or 0) if shape.rank == 4 else 0

    def run(self, picture: Floats) -> Floats:
        """Runs one picture `(S, S, 3)` and returns the first output `(D,)`."""
        return self.outputs(picture)[0]

    def outputs(self, picture: Floats) -> list[Floats]:
        """Runs one picture `(S, S, 3)` and returns each output `(D,)`."""
        return [output.reshape(-1) for output in self._run(picture[np.newaxis])]

    def run_all(self, pictures: Floats) -> Floats:
        """Runs pictures `(N, S, S, 3)` and returns the first output for them."""
        return self._run(pictures)[0]

    def _run(self, pictures: Floats) -> list[Floats]:
        if self._dtype.kind in "iu":
            pictures = np.rint(pictures)
        try:
            with native_stderr_hidden():
                given = self._session.run(self._outputs, {self._input: pictures.astype(self._dtype, copy=False)})
        except Exception as error:  # as above
            raise ModelError(f"'{shown(self._path)}' cannot be run by TensorFlow: {first_line(error)}") from error
        return [np.asarray(output, np.float32) for output in given]


def first_line(error: Exception) -> str:
    """The first line of an error that says what is wrong, without headings and file names."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    headings = ("Detected at", "File ", "Node:")
    telling = [line for line in lines if not line.endswith(":") and not line.startswith(headings)]
    # Compilers begin with a line of code, as in `file.py:1:2: `.
    return re.sub(r"\S*\.py:\d+:\d+: ", "", (telling or lines or [type(error).__name__])[0])


def require_node(graph: Any, path: str, flag: str, name: str) -> None:
    """Raises ModelError unless a graph has a node.

    Args:
        graph: A GraphDef.
        path: Its path, for messages.
        flag: The option that names the node.
        name: The name of the node.
    """
    names = [node.name for node in graph.node]
    if name in names:
        return
    if flag == "--input_layer":
        candidates = [node.name for node in graph.node if node.op in PLACEHOLDERS]
    else:
        read = {i.split(":")[0].lstrip("^") for node in graph.node for i in node.input}
        candidates = [node.name for node in graph.node if node.name not in read and node.op != "Const"]
    shown_candidates = candidates[:5] or get_close_matches(name, names, n=5)
    raise ModelError(
        f"'{shown(path)}': expected a node '{shown(name)}', found none among its {len(names)}.",
        f"Name one by {flag}; candidates: {', '.join(map(shown, shown_candidates)) or 'none'}.",
    )
