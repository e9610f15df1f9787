"""The document of `inspect`."""

import json

from retrainer.cli.documents.document import Fields
from retrainer.inspection import Inspection


def of_inspection(model: Inspection, event_file: str) -> Fields:
    """The fields of `inspect`.

    Args:
        model: The facts.
        event_file: The file that was written for TensorBoard; empty if there is none.
    """
    inferred = model.inferred
    return {
        "path": model.path,
        "size": model.size,
        "metadata": json.loads(model.metadata.to_json()) if model.metadata else None,
        "twin": model.twin or None,
        "input_node": model.input_node,
        "output_node": model.output_node,
        "input_size": model.input_size or None,
        "inputs": model.inputs,
        "outputs": model.outputs,
        "inferred": {
            "mean": inferred.mean,
            "std": inferred.std,
            "range_known": inferred.range_known,
            "ending": inferred.ending,
            "labels": inferred.labels,
        },
        "operations": [{"kind": kind, "count": count} for kind, count in model.operations.items()],
        "tensorboard": event_file or None,
    }
