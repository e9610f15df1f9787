"""A network that TensorFlow has opened: its frozen graph, and a function that runs it as it came."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from retrainer.models.graph.tensorflow_graph import import_tensorflow

# S, pixels, of a network that takes any size.
USUAL_SIZE = 224

Arrays = npt.NDArray[Any]


@dataclass(frozen=True)
class OpenNetwork:
    """A network with one picture as input.

    Attributes:
        graph: TensorFlow's frozen GraphDef.
        input_node, output_node: Names of its nodes, without `:0`.
        input_size: S, pixels.
        usual_range: Mean and std of the input of such networks, used if the graph does not show them.
        run: Pictures `(N, S, S, 3)` in the network's own range -> the output of `output_node`, from the network as it
            came.
        user_named: Whether the user named `output_node`.
        states_range: Whether the network itself states `usual_range`, as one that takes bytes does.
    """

    graph: Any
    input_node: str
    output_node: str
    input_size: int
    usual_range: tuple[float, float]
    run: Callable[[Arrays], Arrays]
    user_named: bool
    states_range: bool = False


def traced(
    function: Callable[[Any], Any],
    size: int,
    usual_range: tuple[float, float],
    *,
    user_named: bool,
    dtype: Any = "float32",
) -> OpenNetwork:
    """Traces a function of pictures `(N, size, size, 3)` and freezes its graph."""
    tensorflow = import_tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    specification = tensorflow.TensorSpec((None, size, size, 3), dtype, "picture")
    network = tensorflow.function(
        lambda picture: tensorflow.identity(function(picture), "end"), input_signature=[specification]
    )
    frozen = convert_variables_to_constants_v2(network.get_concrete_function()).graph.as_graph_def()
    return OpenNetwork(
        frozen, "picture", "end", size, usual_range, lambda pictures: np.asarray(network(pictures)), user_named
    )
