"""`retrainer inspect`."""

from collections.abc import Iterator

from retrainer.cli.flags import command as command_of
from retrainer.cli.words import wrapped
from retrainer.inspection import Inspection, graph_to_tensorboard, inspect
from retrainer.options.model import InspectOptions
from retrainer.system.files import shown
from retrainer.system.terminal import say
from retrainer.text import pasted

_INDENT = 14


def run(options: InspectOptions) -> None:
    """Prints what a model is."""
    for head, text in described(inspect(options.graph)):
        say("\n".join(wrapped(head, text, _INDENT, breaks_words=False)))
    if options.tensorboard:
        graph_to_tensorboard(options.graph, options.tensorboard)
        say(f"{'Written':<{_INDENT}}{shown(options.tensorboard)}")
        say(f"{'To see it':<{_INDENT}}tensorboard --logdir {pasted(options.tensorboard)}")


def described(model: Inspection) -> Iterator[tuple[str, str]]:
    """What there is to say, each with its heading."""
    yield "Graph", f"{shown(model.path)}, {model.size:,} bytes"
    size = f"(N, {model.input_size}, {model.input_size}, 3)" if model.input_size else "(N, S, S, 3) of any size"
    metadata = model.metadata
    if metadata is None:
        for heading, tensors in (("Input", model.inputs), ("Output", model.outputs)):
            yield from ((heading, words) for words in tensors or (model.input_node,))
        inferred = model.inferred
        if inferred is not None:
            assumed = "" if inferred.range_known else "; nothing in it tells so, that is taken for granted"
            yield "Pictures", f"(pixel - {inferred.mean:g}) / {inferred.std:g}{assumed}"
        none = "none in the file: it was not made by retrainer; give them as --labels FILE"
        yield "Labels", shown(", ".join(inferred.labels)) if inferred is not None and inferred.labels else none
    else:
        yield "Input", f"{model.input_node}, float32 {size}, (pixel - {metadata.mean:g}) / {metadata.std:g}"
        yield "Output", f"{model.output_node}, float32 (N, {len(metadata.labels)})"
        yield "Labels", ", ".join(metadata.labels)
        yield "Backbone", f"{metadata.backbone.get('name')}, from {metadata.backbone.get('source')}"
        if metadata.rejection:
            farther = f"photos farther than {metadata.rejection['threshold']:.5f} from its prototypes"
            yield "Rejects", f"{farther}, if label is given --reject"
        yield "Trained", ", ".join(f"{key} {_number(value)}" for key, value in metadata.training.items())
        yield "Model id", metadata.model_id
        yield "Twin", shown(model.twin) if model.twin else "none beside it"
    kinds = ", ".join(f"{kind} {count}" for kind, count in model.operations.items())
    yield "Operations", f"{sum(model.operations.values())}: {kinds}"


def _number(value: object) -> object:
    """A fact, with five digits if it is a fraction."""
    return f"{value:.5g}" if isinstance(value, float) else value


command = command_of(
    "inspect", InspectOptions, run, "Show what a model is: inputs, outputs, labels, backbone, operations."
)
