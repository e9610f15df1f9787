"""Limits for a `.tflite`. It may name the same bytes any number of times, and so unpack to far more than its size."""

from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from retrainer.errors import ModelError

# The largest networks have thousands of tensors and operators, and a graph or two for each signature.
MOST_GRAPHS, MOST_TABLES = 100, 100_000
# Tensors may share names and lists, so these may together be longer than the file by this many bytes.
_SHARED = 2**24


def require_few(content: bytes) -> None:
    """Raises ModelError if a model would take much more memory than its bytes once it is unpacked."""
    model = schema.Model.GetRootAs(content, 0)
    graphs = model.SubgraphsLength()
    if graphs > MOST_GRAPHS:
        raise ModelError(f"Expected a TFLite model of at most {MOST_GRAPHS} graphs, received {graphs:,}.")
    tables = model.BuffersLength() + model.OperatorCodesLength() + model.MetadataLength()
    for graph in map(model.Subgraphs, range(graphs)):
        tables += graph.TensorsLength() + graph.OperatorsLength()
    for signature in map(model.SignatureDefs, range(min(model.SignatureDefsLength(), MOST_TABLES))):
        tables += signature.InputsLength() + signature.OutputsLength() + 1
    if tables <= MOST_TABLES:
        tables += sum(_nested(graph) for graph in map(model.Subgraphs, range(graphs)))
    if tables > MOST_TABLES:
        raise ModelError(f"Expected a TFLite model of at most {MOST_TABLES:,} tables, received {tables:,}.")
    left = len(content) + _SHARED
    for length in _lengths(model):
        left -= length
        if left < 0:
            raise ModelError("Expected a TFLite model whose names and lists are in its file, received longer ones.")


def _nested(graph: Any) -> int:
    """The number of tables in the tensors of a graph."""
    count = 0
    for tensor in map(graph.Tensors, range(graph.TensorsLength())):
        sparsity = tensor.Sparsity()
        count += tensor.VariantTensorsLength() + (sparsity.DimMetadataLength() if sparsity else 0)
    return count


def _lengths(model: Any) -> Iterator[int]:
    """Yields the length in bytes of each text, list and content of a model, as often as it is named."""
    yield len(model.Description() or b"")
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        yield len(graph.Name() or b"")
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            yield len(tensor.Name() or b"") + 4 * (tensor.ShapeLength() + tensor.ShapeSignatureLength())
        for operator in map(graph.Operators, range(graph.OperatorsLength())):
            yield 4 * (operator.InputsLength() + operator.OutputsLength() + operator.IntermediatesLength())
            yield operator.CustomOptionsLength() + operator.LargeCustomOptionsSize()
    for buffer in map(model.Buffers, range(model.BuffersLength())):
        yield buffer.Size()
    yield from (len(model.OperatorCodes(n).CustomCode() or b"") for n in range(model.OperatorCodesLength()))
    yield from (len(model.Metadata(n).Name() or b"") for n in range(model.MetadataLength()))
    for signature in map(model.SignatureDefs, range(model.SignatureDefsLength())):
        yield len(signature.SignatureKey() or b"")
        yield from (len(signature.Inputs(n).Name() or b"") for n in range(signature.InputsLength()))
        yield from (len(signature.Outputs(n).Name() or b"") for n in range(signature.OutputsLength()))
