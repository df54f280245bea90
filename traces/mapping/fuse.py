"""Which operators are applied to the output tiles of the product before them.

A chain starts at a product and goes on as long as the result has a single reader that works
element by element. Batch normalisation directly behind the product folds into its weights and
costs nothing; activations and additions become vector operations on the tiles.
"""

from dataclasses import dataclass

from arch.vector import VectorOp
from traces.mapping.gemm import Epilogue
from traces.operators import AnyOperator, Conv2d, Elementwise, Gemm, Norm, Workload

NO_EPILOGUE = Epilogue()


@dataclass(frozen=True)
class Group:
    """A product (or another operator) and what is fused into it, as indices of operators."""

    host: int
    fused: tuple[int, ...] = ()
    epilogue: Epilogue = NO_EPILOGUE


def output_elements(operator: AnyOperator) -> int:
    """Elements of an operator's result."""
    if isinstance(operator, Gemm):
        return operator.batch * operator.m * operator.n
    if isinstance(operator, Conv2d):
        return operator.m * operator.filters
    return operator.elements


def plan(workload: Workload, *, fuse: bool) -> list[Group]:
    """The operators in order, each alone or as the host of others."""
    operators = workload.operators
    if not fuse:
        return [Group(index) for index in range(len(operators))]
    position = {operator.name: index for index, operator in enumerate(operators)}
    readers: dict[str, list[int]] = {operator.name: [] for operator in operators}
    for index, operator in enumerate(operators):
        for name in set(operator.inputs):
            readers[name].append(index)
    taken: set[int] = set()
    groups: dict[int, Group] = {}
    for host in reversed(range(len(operators))):
        if host not in taken and isinstance(operators[host], Gemm | Conv2d):
            group = _chain(host, operators, position, readers, taken)
            taken.update(group.fused)
            groups[host] = group
    return [groups.get(index, Group(index)) for index in range(len(operators))
            if index not in taken]  # fmt: skip


def _chain(
    host: int,
    operators: tuple[AnyOperator, ...],
    position: dict[str, int],
    readers: dict[str, list[int]],
    taken: set[int],
) -> Group:
    elements = output_elements(operators[host])
    fused: list[int] = []
    ops: list[VectorOp] = []
    residuals: list[str] = []
    last = host
    while len(readers[operators[last].name]) == 1:
        reader = readers[operators[last].name][0]
        operator = operators[reader]
        if reader in taken or output_elements(operator) != elements:
            break
        if isinstance(operator, Norm) and operator.op == "batch":
            if last != host:
                ops += ["mul", "add"]
        elif isinstance(operator, Elementwise):
            others = [name for name in operator.inputs if name != operators[last].name]
            beside = operator.operands - 1
            if beside != len(others) or any(position[name] >= host for name in others):
                break
            residuals += others
            ops += [operator.op] * max(1, beside)
        else:
            break
        fused.append(reader)
        last = reader
    return Group(host, tuple(fused), Epilogue(tuple(ops), tuple(residuals)))
