"""The same work for several inputs at a time."""

from traces.operators import AnyOperator, Conv2d, Gemm, Norm, Pool, Softmax, Workload
from traces.reading import build


def scaled(workload: Workload, copies: int) -> Workload:
    """A workload for ``copies`` independent inputs at a time; they share the weights.

    Raises InputError where sizes overflow.
    """
    if copies == 1:
        return workload
    where = f"{workload.name}: batch {copies}"
    operators = tuple(
        build(type(each), where, **(dict(each) | _extents(each, copies)))
        for each in workload.operators
    )
    return Workload(name=workload.name, source=workload.source, operators=operators)


def _extents(operator: AnyOperator, copies: int) -> dict[str, int]:
    if isinstance(operator, Gemm) and operator.second_operand == "weights":
        return {"m": operator.m * copies}
    if isinstance(operator, Gemm | Conv2d | Pool):
        return {"batch": operator.batch * copies}
    if isinstance(operator, Softmax | Norm):
        return {"rows": operator.rows * copies}
    return {"elements": operator.elements * copies}
