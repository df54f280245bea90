"""Operators of the chip as VECTOR instructions; ``traces.mapping.vector`` says which."""

from arch.pim.operands import EPSILON, FP32_RESULT, MEAN, SCALAR, SUBTRACT
from traces.mapping.pim.builder import PimBuilder
from traces.mapping.vector import work_of
from traces.operators import Elementwise, Norm, Softmax

Span = tuple[int, int]
"""First column of SRAM and how many."""


def emit_softmax(
    builder: PimBuilder, scores: Span, elements: int, temporary: Span, scalars: int
) -> None:
    """Softmax in place; ``temporary`` of fp32. Marks instructions that go over the context."""
    biggest, total, factor = ((scalars + i, 1) for i in range(3))
    steps = (
        (biggest, (scores,), FP32_RESULT),
        (temporary, (scores, biggest), FP32_RESULT | SCALAR | SUBTRACT),
        (temporary, (temporary,), FP32_RESULT),
        (total, (temporary,), FP32_RESULT),
        (factor, (total,), FP32_RESULT),
        (scores, (temporary, factor), SCALAR),
    )
    work = work_of(Softmax(name="softmax", rows=1, cols=elements))
    for (op, count), (result, operands, flags) in zip(work.ops, steps, strict=True):
        builder.vector(op, count, result, *operands, flags=flags)
        if count == elements and op != "div":
            builder.mark("context")


def emit_norm(
    builder: PimBuilder, source: Span, result: Span, elements: int, gain: Span, bias: Span,
    temporary: Span, scalars: int,
) -> None:  # fmt: skip
    """Layer norm; ``temporary`` of fp32, and as many columns behind it."""
    mean, variance, deviation, factor = ((scalars + 3 + i, 1) for i in range(4))
    squares = (temporary[0] + temporary[1], temporary[1])
    steps = (
        (mean, (source,), FP32_RESULT | MEAN),
        (temporary, (source, mean), FP32_RESULT | SCALAR | SUBTRACT),
        (squares, (temporary, temporary), FP32_RESULT),
        (variance, (squares,), FP32_RESULT | MEAN),
        (deviation, (variance,), FP32_RESULT | EPSILON),
        (factor, (deviation,), FP32_RESULT),
        (temporary, (temporary, factor), FP32_RESULT | SCALAR),
        (temporary, (temporary, gain), FP32_RESULT),
        (result, (temporary, bias), 0),
    )
    work = work_of(Norm(name="norm", op="layer", rows=1, cols=elements))
    for (op, count), (to, operands, flags) in zip(work.ops, steps, strict=True):
        builder.vector(op, count, to, *operands, flags=flags)


def emit_elementwise(
    builder: PimBuilder, kind: str, result: Span, operands: tuple[Span, ...], elements: int
) -> None:
    """``add`` of two vectors, or ``act``."""
    named = {"add": Elementwise(name=kind, op="add", elements=elements, operands=2)}
    operator = named.get(kind) or Elementwise(name=kind, op="act", elements=elements)
    for op, each in work_of(operator).ops:
        builder.vector(op, elements * each, result, *operands)
