"""A workload as a table of its operators."""

from collections.abc import Iterator, Sequence

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from sim.report.columns import Column, Fitted
from sim.report.lines import footnotes, named
from sim.report.shapes import Product, shape_column
from sim.report.text import NOTHING, count, printable, short_kind, si
from traces.operators import (
    AnyOperator,
    Conv2d,
    Elementwise,
    Gemm,
    Norm,
    Pool,
    Workload,
)


def weights(operator: AnyOperator) -> int:
    """Trained parameters that a product multiplies with; those of others are not counted."""
    if isinstance(operator, Conv2d):
        return operator.filters * operator.k
    if isinstance(operator, Gemm) and operator.second_operand == "weights":
        return operator.batch * operator.k * operator.n
    return 0


def macs(operator: AnyOperator) -> int:
    """Multiply-accumulates; 0 for an operator that is no matrix product."""
    return operator.macs if isinstance(operator, Gemm | Conv2d) else 0


def workload_table(workload: Workload, notes: Sequence[str] = ()) -> RenderableType:
    """Operators with their shapes and sizes, and totals."""
    rows, plain = workload.operators, "not bold"
    work = sum(map(macs, rows))
    parts: list[RenderableType] = [
        Text(printable(workload.name), "bold").append(f"  {count(len(rows))} operators", plain),
        Text(),
        _table(rows),
        Text(),
        named("work", f"{si(work, 'MAC')}, {si(2 * work, 'OP')}"),
        named("params", f"{count(sum(map(weights, rows)))} weights of products"),
        named("source", workload.source),
        *footnotes(notes),
    ]
    return Group(*parts)


def _table(rows: Sequence[AnyOperator]) -> Fitted:
    products = [macs(row) for row in rows]
    held = [weights(row) for row in rows]
    return Fitted(
        [
            Column("Operator", [row.name for row in rows], "left", "total", least=14, comfort=32),
            Column("Kind", [_kind(row) for row in rows], "left", least=10, comfort=16,
                   shortened=short_kind),
            shape_column([_shape(row) for row in rows]),
            Column("Window", [_window(row) for row in rows], "left", rank=1),
            Column("MACs", [count(n) if n else NOTHING for n in products],
                   footer=count(sum(products))),
            Column("Weights", [count(n) if n else NOTHING for n in held],
                   footer=count(sum(held))),
            Column("Reads", [", ".join(row.inputs) for row in rows], "left", least=12,
                   comfort=24, rank=2),
        ]
    )  # fmt: skip


def _shape(operator: AnyOperator) -> Product | str:
    if isinstance(operator, Conv2d):
        return operator.m, operator.n, operator.k, operator.groups
    if isinstance(operator, Gemm):
        return operator.m, operator.n, operator.k, operator.batch
    return f"{count(operator.elements)} elements"


def _kind(operator: AnyOperator) -> str:
    if isinstance(operator, Pool | Elementwise | Norm):
        return f"{operator.kind} {operator.op}"
    return operator.kind


def _window(operator: AnyOperator) -> str:
    """Filter / stride on channels x rows x columns, as ``3 x 3 / 2 on 64 x 112 x 112``."""
    if not isinstance(operator, Conv2d | Pool):
        return ""
    stride = str(operator.stride_h)
    if operator.stride_w != operator.stride_h:
        stride += f", {operator.stride_w}"
    images = f"{count(operator.batch)} x " if operator.batch > 1 else ""
    return (
        f"{operator.filt_h} x {operator.filt_w} / {stride} on "
        f"{images}{count(operator.channels)} x {operator.in_h} x {operator.in_w}"
    )


def workload_list(
    graphs: Sequence[str], transformers: Sequence[str], tables: Sequence[str],
    programs: Sequence[str],
) -> RenderableType:  # fmt: skip
    """Workloads known by name, by where they come from."""
    return Group(
        *_names("Graphs of the onnx package", "batch", graphs),
        Text(),
        *_names("Published tables", "batch", tables),
        Text(),
        *_names("Transformers by their dimensions", "prefill, decode, batch", transformers),
        Text(),
        *_names("Programs of a wafer", "m, k, n, grid and others", programs),
        Text(),
        Text("Options follow a colon: gpt2:prefill=128, gpt2:decode=1024,batch=8, resnet50:batch=4",
             "dim"),
    )  # fmt: skip


def _names(title: str, options: str, names: Sequence[str]) -> Iterator[RenderableType]:
    yield Text(title, "bold").append(f"  ({options})", "not bold dim")
    yield Padding(Columns([printable(name) for name in names], padding=(0, 2)), (0, 0, 0, 2))
