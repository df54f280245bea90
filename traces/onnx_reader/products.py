"""ONNX operators that are matrix products."""

from collections.abc import Callable
from math import prod

from traces.onnx_reader.graph import Shape
from traces.onnx_reader.node import Node
from traces.onnx_reader.window import window
from traces.operators import AnyOperator, Conv2d, Elementwise, Gemm

Converter = Callable[[Node], list[AnyOperator]]


def _conv(data: int, weights: int) -> Converter:
    def convert(node: Node) -> list[AnyOperator]:
        image, kernel = node.input(data), node.input(weights)
        if len(kernel) != len(image) or len(kernel) < 3:
            raise node.error(
                f"its weights {list(kernel)} must have as many dimensions as its input "
                f"{list(image)}, at least 3"
            )
        groups = node.integer("group", 1)
        if image[1] != kernel[1] * groups:
            raise node.error(
                f"its input has {image[1]} channels, its weights {kernel[1]} in each of "
                f"{groups} groups"
            )
        fields = window(node, image, kernel[2:])
        if node.output()[1] != kernel[0]:
            raise node.error(f"has {kernel[0]} filters but {node.output()[1]} output channels")
        if not node.elements():
            return []
        return [node.make(Conv2d, filters=kernel[0], groups=groups, **fields)]

    return convert


def _gemm(node: Node) -> list[AnyOperator]:
    left, right = node.input(0), node.input(1)
    if len(left) != 2 or len(right) != 2:
        raise node.error(f"its inputs must be matrices, not {list(left)} and {list(right)}")
    left = left[::-1] if node.integer("transA", 0) else left
    right = right[::-1] if node.integer("transB", 0) else right
    operators = _product(node, left, right, node.is_constant(0), node.is_constant(1))
    if operators and node.name(2) and not node.is_constant(2):
        product = operators[0].name
        reads = (product, *(each for each in node.producers if each != product))
        operators.append(
            node.make(
                Elementwise,
                name=f"{product}/add",
                inputs=reads,
                op="add",
                elements=node.elements(),
                operands=2,
            )
        )
    return operators


def _matmul(left: int, right: int) -> Converter:
    def convert(node: Node) -> list[AnyOperator]:
        a, b = node.input(left), node.input(right)
        if not a or not b:
            raise node.error("multiplies a scalar")
        a = (1, *a) if len(a) == 1 else a
        b = (*b, 1) if len(b) == 1 else b
        return _product(node, a, b, node.is_constant(left), node.is_constant(right))

    return convert


def _product(
    node: Node, a: Shape, b: Shape, a_constant: bool, b_constant: bool
) -> list[AnyOperator]:
    """A product of matrices with leading dimensions that broadcast."""
    m, k = a[-2:]
    n = b[-1]
    if b[-2] != k:
        raise node.error(f"multiplies {list(a)} by {list(b)}, whose inner extents differ")
    outer_a, outer_b = prod(a[:-2]), prod(b[:-2])
    outer = _broadcast(node, a[:-2], b[:-2])
    if 0 in (m, n, k, outer):
        return []
    if a_constant and not b_constant:
        # Weights come second: the transposed product.
        m, n, outer_a, outer_b = n, m, outer_b, outer_a
        b_constant = True
    if outer_b == 1:
        # All matrices A meet the same B: they are one with more rows.
        m, outer = m * outer_a, 1
    kind = "weights" if b_constant else "activations"
    return [node.make(Gemm, m=m, n=n, k=k, batch=outer, second_operand=kind)]


def _broadcast(node: Node, a: Shape, b: Shape) -> int:
    total = 1
    rank = max(len(a), len(b))
    for x, y in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        if x != y and 1 not in (x, y):
            raise node.error(f"leading extents {list(a)} and {list(b)} do not broadcast")
        total *= max(x, y) if 0 not in (x, y) else 0
    return total


PRODUCTS: dict[str, Converter] = {
    "Conv": _conv(0, 1),
    "ConvInteger": _conv(0, 1),
    "QLinearConv": _conv(0, 3),
    "Gemm": _gemm,
    "MatMul": _matmul(0, 1),
    "MatMulInteger": _matmul(0, 1),
    "QLinearMatMul": _matmul(0, 3),
}
