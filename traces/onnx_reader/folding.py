"""Computing small constants, so that shape inference sees the shapes they stand for.

Exporters compute the target of a Reshape or Expand from the shapes of other tensors. Shape
inference follows the common chains by itself; the rest is computed here, node by node.
"""

from copy import deepcopy
from math import prod

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

LARGEST = 4096
"""Elements of a tensor that is computed, at most."""

FOLDED_KINDS = """Abs Add And Cast Ceil Concat Constant ConstantOfShape Div Equal Expand Flatten
    Floor Gather Greater GreaterOrEqual Identity Less LessOrEqual Max Min Mod Mul Neg Not Or Pow
    Range ReduceMax ReduceMin ReduceProd ReduceSum Reshape Shape Size Slice Split Sqrt Squeeze Sub
    Tile Transpose Unsqueeze Where"""
FOLDED = frozenset(FOLDED_KINDS.split())

Values = dict[str, npt.NDArray[np.generic]]
Shapes = dict[str, tuple[int, ...]]


def fold(graph: onnx.GraphProto, opset: int, shapes: Shapes, values: Values) -> bool:
    """Compute what can be computed and add it to the graph as constants.

    ``values`` grows by what was found. Returns whether anything was.
    """
    found = False
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        computed = _compute(node, opset, shapes, values)
        if computed is None:
            kept.append(node)
            continue
        found = True
        values.update(computed)
        graph.initializer.extend(
            numpy_helper.from_array(value, name) for name, value in computed.items()
        )
    if found:
        copies = [deepcopy(node) for node in kept]
        del graph.node[:]
        graph.node.extend(copies)
    return found


def _compute(node: onnx.NodeProto, opset: int, shapes: Shapes, values: Values) -> Values | None:
    if node.domain not in ("", "ai.onnx") or node.op_type not in FOLDED:
        return None
    if node.op_type in ("Shape", "Size"):
        return _shape_or_size(node, shapes)
    if not all(name in values for name in filter(None, node.input)):
        return None
    feeds = {name: values[name] for name in filter(None, node.input)}
    if not _is_small(node, feeds):
        return None
    try:
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(node, opsets={"": opset}).run(None, feeds)
    except Exception:
        return None
    named = zip(node.output, map(np.asarray, results), strict=False)
    computed = {name: value for name, value in named if name}
    usable = all(each.size <= LARGEST and each.dtype.kind in "biuf" for each in computed.values())
    return computed if usable else None


def _shape_or_size(node: onnx.NodeProto, shapes: Shapes) -> Values | None:
    shape = shapes.get(next(iter(node.input), ""))
    if shape is None or not node.output or prod(shape) >= 2**63:
        return None
    if node.op_type == "Size":
        return {node.output[0]: np.array(prod(shape), dtype=np.int64)}
    limits = {each.name: each.i for each in node.attribute}
    chosen = shape[limits.get("start", 0) : limits.get("end", len(shape))]
    return {node.output[0]: np.array(chosen, dtype=np.int64)}


def _is_small(node: onnx.NodeProto, feeds: Values) -> bool:
    """Whether the result is surely small, for operators that can make much out of little."""
    given = list(feeds.values())
    try:
        if node.op_type in ("ConstantOfShape", "Expand", "Tile"):
            sizes = [max(1, int(each)) for each in given[-1].reshape(-1)]
            grown = given[0].size if node.op_type != "ConstantOfShape" else 1
            return bool(np.prod(np.array(sizes, dtype=object), initial=1) * grown <= LARGEST)
        if node.op_type == "Range":
            start, limit, delta = (float(each.reshape(())) for each in given)
            return delta != 0 and abs((limit - start) / delta) <= LARGEST
    except (ValueError, IndexError, OverflowError, TypeError):
        return False
    return True
