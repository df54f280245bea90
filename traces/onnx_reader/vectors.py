"""ONNX operators that are work for the vector unit."""

from math import prod
from typing import Any, Literal

from traces.onnx_reader.node import Node
from traces.onnx_reader.products import Converter
from traces.onnx_reader.window import window
from traces.operators import AnyOperator, Elementwise, Move, Norm, Pool, Softmax

Op = Literal["add", "mul", "max", "act", "div", "exp", "sqrt"]

ELEMENTWISE: dict[Op, str] = {
    "act": """Abs Ceil Celu Clip Cos Elu Erf Floor Gelu HardSigmoid HardSwish IsInf IsNaN
        LeakyRelu Log Mish Neg Not PRelu Relu Round Selu Shrink Sigmoid Sign Sin Softplus Softsign
        Swish Tanh ThresholdedRelu""",
    "add": "Add CumSum Mean Sub Sum",
    "mul": "DequantizeLinear DynamicQuantizeLinear Mul QuantizeLinear",
    "max": "And Equal Greater GreaterOrEqual Less LessOrEqual Max Min Or Where Xor",
    "div": "Div Mod Reciprocal",
    "exp": "Exp",
    "sqrt": "Sqrt",
}
MOVES = """Compress DepthToSpace Gather GatherElements GatherND OneHot Pad ReverseSequence Scatter
    ScatterElements ScatterND SpaceToDepth Tile Trilu"""
REDUCTIONS: dict[Literal["average", "max"], str] = {
    "average": "ReduceL1 ReduceL2 ReduceMean ReduceProd ReduceSum ReduceSumSquare",
    "max": "ArgMax ArgMin ReduceMax ReduceMin",
}


def _elementwise(op: Op) -> Converter:
    def convert(node: Node) -> list[AnyOperator]:
        elements = node.elements()
        operands = 1 if op == "act" else max(1, _tensors(node, elements))
        return _one(node, Elementwise, elements, op=op, elements=elements, operands=operands)

    return convert


def _one(node: Node, kind: Any, size: int, **fields: Any) -> list[AnyOperator]:
    """One operator, or none where it would have nothing to do."""
    return [node.make(kind, **fields)] if size else []


def _tensors(node: Node, elements: int) -> int:
    """Inputs as large as the result; smaller ones (a scalar, a bias) stay at hand."""
    present = (index for index in range(len(node.proto.input)) if node.name(index))
    return sum(prod(node.input(index)) == elements for index in present)


def _power(node: Node) -> list[AnyOperator]:
    op: Op = {2.0: "mul", 0.5: "sqrt"}.get(node.value(1) or 0.0, "exp")  # type: ignore[assignment]
    elements = node.elements()
    return _one(node, Elementwise, elements, op=op, elements=elements)


def _move(node: Node) -> list[AnyOperator]:
    elements = node.elements()
    return _one(node, Move, elements, elements=elements)


def _transpose(node: Node) -> list[AnyOperator]:
    shape = node.input()
    order = node.integers("perm", tuple(reversed(range(len(shape)))))
    if sorted(order) != list(range(len(shape))):
        raise node.error(f"perm must order the {len(shape)} dimensions, not {list(order)}")
    wide = [axis for axis in order if shape[axis] != 1]
    return _move(node) if wide != sorted(wide) else []


def _resize(node: Node) -> list[AnyOperator]:
    if node.text("mode", "nearest") == "nearest":
        return _move(node)
    # Each element is a weighted sum of neighbours, at least four.
    taps = 16 if node.text("mode", "") == "cubic" else 4
    elements = node.elements()
    return _one(node, Elementwise, elements, op="mul", elements=elements, operands=taps)


def _pool(op: Literal["max", "average"]) -> Converter:
    def convert(node: Node) -> list[AnyOperator]:
        kernel = node.integers("kernel_shape", ())
        fields = window(node, node.input(), kernel)
        return _one(node, Pool, node.elements(), op=op, **fields)

    return convert


def _whole(op: Literal["max", "average"]) -> Converter:
    def convert(node: Node) -> list[AnyOperator]:
        shape = node.input()
        if len(shape) < 3:
            raise node.error(f"needs an input of at least 3 dimensions, not {list(shape)}")
        height, width = prod(shape[2:-1]), shape[-1]
        fields = {"batch": shape[0], "channels": shape[1], "in_h": height, "in_w": width}
        fields |= {"filt_h": height, "filt_w": width}
        return _one(node, Pool, prod(shape), op=op, **fields)

    return convert


def _reduction(op: Literal["max", "average"]) -> Converter:
    def convert(node: Node) -> list[AnyOperator]:
        size, results = prod(node.input()), node.elements()
        if not size or size == results:
            return []
        if size % results:
            raise node.error(f"reduces {size} elements to {results}")
        width = size // results
        fields = {"channels": results, "in_h": 1, "in_w": width, "filt_h": 1, "filt_w": width}
        return [node.make(Pool, op=op, **fields)]

    return convert


def _softmax(node: Node) -> list[AnyOperator]:
    shape = node.input()
    if node.graph.opset < 13:
        cols = prod(shape[node.axis(1, len(shape)) :])
    else:
        cols = shape[node.axis(-1, len(shape))] if shape else 1
    size = prod(shape)
    return _one(node, Softmax, size, rows=size // max(cols, 1), cols=cols)


def _norm(op: str, cols_of: Any) -> Converter:
    def convert(node: Node) -> list[AnyOperator]:
        shape = node.input()
        if len(shape) < 2 and op == "batch":
            raise node.error(f"needs an input of at least 2 dimensions, not {list(shape)}")
        cols: int = cols_of(node, shape)
        size = prod(shape)
        if cols and size % cols:
            raise node.error(f"cannot split an input of {list(shape)} into rows of {cols}")
        fields = {"window": node.integer("size", 1)} if op == "local_response" else {}
        return _one(node, Norm, size, op=op, rows=size // max(cols, 1), cols=cols, **fields)

    return convert


def _from_axis(node: Node, shape: tuple[int, ...]) -> int:
    return prod(shape[node.axis(-1, len(shape)) :])


def _image(_: Node, shape: tuple[int, ...]) -> int:
    return prod(shape[2:])


def _channels(node: Node, shape: tuple[int, ...]) -> int:
    if len(shape) < 2:
        raise node.error(f"needs an input of at least 2 dimensions, not {list(shape)}")
    return shape[1]


def _group(node: Node, shape: tuple[int, ...]) -> int:
    groups = node.integer("num_groups", 1)
    if len(shape) < 2 or groups < 1 or shape[1] % groups:
        raise node.error(f"cannot split the channels of {list(shape)} into {groups} groups")
    return prod(shape[1:]) // groups


def _along_axis(node: Node, shape: tuple[int, ...]) -> int:
    return shape[node.axis(-1, len(shape))] if shape else 1


def _table() -> dict[str, Converter]:
    table: dict[str, Converter] = {
        "AveragePool": _pool("average"),
        "BatchNormalization": _norm("batch", _image),
        "GlobalAveragePool": _whole("average"),
        "GlobalLpPool": _whole("average"),
        "GlobalMaxPool": _whole("max"),
        "GroupNormalization": _norm("layer", _group),
        "InstanceNormalization": _norm("layer", _image),
        "LRN": _norm("local_response", _channels),
        "LayerNormalization": _norm("layer", _from_axis),
        "LogSoftmax": _softmax,
        "LpNormalization": _norm("rms", _along_axis),
        "LpPool": _pool("average"),
        "MaxPool": _pool("max"),
        "MeanVarianceNormalization": _norm("layer", _image),
        "Pow": _power,
        "RMSNormalization": _norm("rms", _from_axis),
        "Resize": _resize,
        "Softmax": _softmax,
        "Transpose": _transpose,
        "Upsample": _resize,
    }
    table |= {kind: _elementwise(op) for op, kinds in ELEMENTWISE.items() for kind in kinds.split()}
    table |= {kind: _reduction(op) for op, kinds in REDUCTIONS.items() for kind in kinds.split()}
    table |= dict.fromkeys(MOVES.split(), _move)
    return table


VECTORS = _table()
