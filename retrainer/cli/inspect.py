"""`retrainer inspect`."""

from collections.abc import Iterator
from dataclasses import dataclass

from retrainer.backbones.available import EMBEDDED
from retrainer.backbones.available import described as described_backbone
from retrainer.cli.flags import Subject
from retrainer.cli.flags import command as command_of
from retrainer.cli.words import wrapped
from retrainer.inspection import Inspection, graph_to_tensorboard, inspect
from retrainer.models.metadata import ModelMetadata
from retrainer.options.documents import DocumentOptions
from retrainer.options.model import InspectOptions
from retrainer.system.terminal import say
from retrainer.text import pasted, shown

_INDENT = 14


@dataclass(frozen=True, kw_only=True)
class InspectFlags(InspectOptions, DocumentOptions):
    """The flags of the command."""


def run(options: InspectFlags) -> None:
    """Prints the facts about a model."""
    model = inspect(options.graph)
    if options.json:
        from retrainer.cli.documents.document import print_document
        from retrainer.cli.documents.inspection import of_inspection

        written = graph_to_tensorboard(options.graph, options.tensorboard) if options.tensorboard else ""
        print_document("inspect", of_inspection(model, written))
        return
    for head, text in described(model):
        say("\n".join(wrapped(head, text, _INDENT)))
    if options.tensorboard:
        graph_to_tensorboard(options.graph, options.tensorboard)
        say(f"{'Written':<{_INDENT}}{shown(options.tensorboard)}")
        say(f"{'To see it':<{_INDENT}}tensorboard --logdir {pasted(options.tensorboard)}")


def described(model: Inspection) -> Iterator[tuple[str, str]]:
    """Yields the facts about a model: headings and texts."""
    yield "Graph", f"{shown(model.path)}, {model.size:,} bytes"
    yield from _of_retrained(model, model.metadata) if model.metadata else _of_foreign(model)
    kinds = ", ".join(f"{kind} {count}" for kind, count in model.operations.items())
    yield "Operations", f"{sum(model.operations.values())}: {kinds}"


def _of_foreign(model: Inspection) -> Iterator[tuple[str, str]]:
    """The facts that a model shows if it does not describe itself."""
    for heading, tensors in (("Input", model.inputs), ("Output", model.outputs)):
        yield from ((heading, words) for words in tensors or (model.input_node,))
    inferred = model.inferred
    guess = "" if inferred.range_known else "; this is a guess, since nothing in the file says it"
    yield "Pictures", f"(pixel - {inferred.mean:g}) / {inferred.std:g}{guess}"
    none = "none in the file: it was not made by retrainer; give them as --labels FILE"
    yield "Labels", shown(", ".join(inferred.labels)) or none


def _of_retrained(model: Inspection, metadata: ModelMetadata) -> Iterator[tuple[str, str]]:
    """The facts in the metadata of a model of retrainer."""
    size = f"(N, {model.input_size}, {model.input_size}, 3)" if model.input_size else "(N, S, S, 3) of any size"
    yield "Input", f"{model.input_node}, float32 {size}, (pixel - {metadata.mean:g}) / {metadata.std:g}"
    yield "Output", f"{model.output_node}, float32 (N, {len(metadata.labels)})"
    yield "Labels", ", ".join(metadata.labels)
    name, source = str(metadata.backbone.get("name")), metadata.backbone.get("source")
    yield "Backbone", f"{described_backbone(name)}{', from ' if name != EMBEDDED else ', '}{source}"
    if metadata.rejection:
        threshold = f"{metadata.rejection['threshold']:.5f}"
        yield "Rejects", f"photos farther than {threshold} from its prototypes, with label --reject"
    yield "Trained", ", ".join(f"{key} {_number(value)}" for key, value in metadata.training.items())
    yield "Model id", metadata.model_id
    yield "Twin", shown(model.twin) if model.twin else "none beside it"


def _number(value: object) -> object:
    """A value to print, with five digits if it is a fraction."""
    return f"{value:.5g}" if isinstance(value, float) else value


command = command_of(
    "inspect",
    InspectFlags,
    run,
    "Show what a model is: inputs, outputs, labels, backbone, operations.",
    (
        "retrainer inspect",
        "retrainer inspect model.tflite",
        "retrainer inspect model.pb --tensorboard graph",
    ),
    Subject("graph", "MODEL"),
)
