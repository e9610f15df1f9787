"""The operations that a network of pictures needs. A graph of somebody else may have no others.

TensorFlow has more than a thousand operations. Some of them write, read and remove files, call Python, open
connections, or run for ever. This table holds operations that only compute; each was looked up in TensorFlow's API
definitions (tensorflow/core/api_def). It covers inference with `tf.nn`, `tf.math` and `tf.image`, the networks of
`keras.applications`, TF-Hub's modules, the graphs of 2017, and reading their variables. Loops are not in it: they may
never end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from retrainer.errors import ModelError
from retrainer.models.graph.sizes import require_small
from retrainer.system.trust import TRUST_HINT
from retrainer.text import shown

_STRUCTURE = """
    Const Placeholder PlaceholderWithDefault NoOp Identity IdentityN FakeParam StopGradient PreventGradient Snapshot
    EnsureShape Assert CheckNumerics CheckNumericsV2 DeepCopy PartitionedCall StatefulPartitionedCall If StatelessIf
    Case StatelessCase Switch Merge RefSwitch RefMerge RefIdentity ControlTrigger
"""
_VARIABLES = """
    Variable VariableV2 VarHandleOp ReadVariableOp AssignVariableOp Assign AssignAdd AssignAddVariableOp AssignSub
    AssignSubVariableOp IsVariableInitialized VarIsInitializedOp VariableShape ResourceGather DisableCopyOnRead
"""
_ARITHMETIC = """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2 Atanh
    BatchMatMul BatchMatMulV2 BatchMatMulV3 Bincount BitwiseAnd BitwiseOr BitwiseXor Bucketize Cast Ceil ClipByValue
    Complex ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum Digamma Div DivNoNan Einsum Equal Erf Erfc Erfinv
    EuclideanNorm Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Imag InTopK InTopKV2 Inv Invert IsFinite
    IsInf IsNan L2Loss LeakyRelu Less LessEqual Lgamma LinSpace Log Log1p LogicalAnd LogicalNot LogicalOr MatMul Max
    Maximum Mean Min Minimum Mod Mul MulNoNan Ndtri Neg NextAfter NotEqual OnesLike Polygamma Pow Prod Range Rank
    Real RealDiv Reciprocal Rint Round Rsqrt SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Select
    SelectV2 Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Square SquaredDifference Sub Sum Tan Tanh TopK TopKV2
    TruncateDiv TruncateMod UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Xdivy
    Xlog1py Xlogy ZerosLike Zeta
"""
_LAYERS = """
    AvgPool AvgPool3D BatchNormWithGlobalNormalization BiasAdd BiasAddV1 Conv Conv2D Conv2DBackpropInput
    Conv2DBackpropInputV2 Conv3D DataFormatDimMap DataFormatVecPermute DepthwiseConv2dNative Dilation2D Elu
    ExtractImagePatches FractionalAvgPool FractionalMaxPool FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3
    FusedPadConv2D FusedResizeAndPadConv2D LRN LogSoftmax MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Relu Relu6
    Selu Softmax
"""
_SHAPES = """
    BatchToSpace BatchToSpaceND BroadcastArgs BroadcastTo Concat ConcatOffset ConcatV2 DepthToSpace Diag DiagPart
    DynamicPartition DynamicStitch Empty ExpandDims Fill Gather GatherNd GatherV2 GuaranteeConst InvertPermutation
    MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3
    MatrixSetDiag MirrorPad OneHot Pack Pad PadV2 ParallelConcat ParallelDynamicStitch Reshape Reverse
    ReverseSequence ReverseV2 Roll ScatterNd Shape ShapeN Size Slice SpaceToBatch SpaceToBatchND SpaceToDepth Split
    SplitV Squeeze StridedSlice TensorScatterAdd TensorScatterUpdate Tile Transpose Unique UniqueV2 Unpack
    UpperBound LowerBound Where Bitcast
"""
# Decoders, as in Inception of 2015, take bytes from the graph's input; they open no file.
_PICTURES = """
    AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize
    DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePng DrawBoundingBoxes DrawBoundingBoxesV2
    ExtractGlimpse ExtractGlimpseV2 ExtractJpegShape HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3
    NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5
    QuantizedResizeBilinear RGBToHSV ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor
    SampleDistortedBoundingBox SampleDistortedBoundingBoxV2 ScaleAndTranslate
"""
_RANDOM = """
    Multinomial ParameterizedTruncatedNormal RandomCrop RandomShuffle RandomStandardNormal RandomUniform
    RandomUniformInt StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg
    StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformInt
    StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessTruncatedNormal StatelessTruncatedNormalV2
    TruncatedNormal
"""
_QUANTISED = """
    Dequantize FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
    QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
    QuantizeDownAndShrinkRange QuantizeV2 QuantizedAdd QuantizedAvgPool QuantizedBatchNormWithGlobalNormalization
    QuantizedBiasAdd QuantizedConcat QuantizedConv2D QuantizedDepthwiseConv2D QuantizedInstanceNorm QuantizedMatMul
    QuantizedMaxPool QuantizedMul QuantizedRelu QuantizedRelu6 QuantizedReluX QuantizedReshape RequantizationRange
    RequantizationRangePerChannel Requantize RequantizePerChannel UniformDequantize UniformQuantize
"""
HARMLESS = frozenset(
    " ".join((_STRUCTURE, _VARIABLES, _ARITHMETIC, _LAYERS, _SHAPES, _PICTURES, _RANDOM, _QUANTISED)).split()
)
# Fills the variables of a SavedModel.
RESTORING = frozenset({"RestoreV2"})
# Names of functions that TensorFlow traces begin so. An operation may have the name of a function.
_TRACED = "__"
# A few functions that call one another can stand for any number of nodes. The largest network has some 10,000.
MOST_NODES = 100_000


def require_harmless(
    graph: Any,
    subject: str,
    roots: Iterable[str] = (),
    passed_over: Iterable[str] = (),
    also: frozenset[str] = frozenset(),
) -> None:
    """Raises ModelError if a graph does anything that no network of pictures needs.

    Args:
        graph: A GraphDef. It is not changed.
        subject: The name for it in messages.
        roots: Functions that are also called from outside the graph.
        passed_over: Nodes that never run, such as those that save a SavedModel; functions that only they call are
            passed over, too.
        also: Further operations that are allowed.
    """
    functions = {function.signature.name: function for function in graph.library.function}
    left_out = frozenset(passed_over)
    nodes = [node for node in graph.node if node.name not in left_out]
    called = _called(nodes, roots, functions)
    unused = _called([node for node in graph.node if node.name in left_out], (), functions) - called
    bodies = {name: function.node_def for name, function in functions.items() if name not in unused}
    for body in (nodes, *bodies.values()):
        for node in body:
            if node.op not in HARMLESS and node.op not in also:
                _require_traced(node, functions, subject)
    _require_bounded(nodes, bodies, subject)
    require_small((nodes, *bodies.values()), subject)


def _require_traced(node: Any, functions: Mapping[str, Any], subject: str) -> None:
    """Raises ModelError unless the operation of a node is a function of the library."""
    if node.op in functions and node.op.startswith(_TRACED):
        return
    raise ModelError(
        f"'{shown(subject)}': expected operations that a network of pictures needs, "
        f"received '{shown(node.op)}' in its node '{shown(node.name)}'.",
        TRUST_HINT,
    )


def _called(nodes: Iterable[Any], roots: Iterable[str], functions: Mapping[str, Any]) -> set[str]:
    """The functions that nodes call, directly or through others."""
    waiting = [*roots, *(name for node in nodes for name in calls_of(node, functions))]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in functions and name not in found:
            found.add(name)
            waiting += [callee for node in functions[name].node_def for callee in calls_of(node, functions)]
    return found


def calls_of(node: Any, functions: Mapping[str, Any]) -> Iterator[str]:
    """Yields the functions of a library that a node names, by its operation or in an attribute of any depth."""
    waiting = [node.attr]
    if node.op in functions:
        yield node.op
    while waiting:
        for value in waiting.pop().values():
            for function in (value.func, *value.list.func):
                if function.name in functions:
                    yield function.name
                if function.attr:
                    waiting.append(function.attr)


def _require_bounded(nodes: Sequence[Any], bodies: Mapping[str, Any], subject: str) -> None:
    """Raises ModelError if a function calls itself, or if there are too many nodes when all calls are inlined."""
    callees = {name: [c for node in body for c in calls_of(node, bodies)] for name, body in bodies.items()}
    callees[""] = [name for node in nodes for name in calls_of(node, bodies)]
    sizes: dict[str, int] = {}
    waiting, entered = [*bodies, ""], set[str]()
    while waiting:
        name = waiting[-1]
        missing = [callee for callee in callees[name] if callee not in sizes]
        if missing and name not in entered:
            entered.add(name)
            waiting += missing
            continue
        if missing:
            raise _unbounded(subject, f"'{shown(name)}', which calls itself")
        sizes[name] = len(bodies.get(name, nodes)) + sum(sizes[callee] for callee in callees[name])
        waiting.pop()
        if sizes[name] > MOST_NODES:
            raise _unbounded(
                subject, f"more than {MOST_NODES:,} nodes" + (f" once '{shown(name)}' is called" if name else "")
            )


def _unbounded(subject: str, received: str) -> ModelError:
    return ModelError(f"'{shown(subject)}': expected a graph that terminates, received {received}.", TRUST_HINT)
