"""A result as tables for the terminal."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from sim.report.columns import Column, Fitted
from sim.report.lines import footnotes, named
from sim.report.shapes import FUSED, Product, shape_column
from sim.report.text import NOTHING, count, megabytes, percent, printable, short_kind, si
from sim.report.units import energy_lines, unit_table
from sim.result import OperatorResult, Result

CellFilter = Callable[[Sequence[str]], list[str]]


def report(result: Result) -> RenderableType:
    """Everything that ``lockstep run`` shows; fits itself to the width of the console."""
    parts: list[RenderableType] = [_title(result), Text(), layer_table(result), Text()]
    parts += [
        unit_table(result),
        Text(),
        *_summary(result),
        *energy_lines(result.energy, result.machine["technology"]),
    ]
    if result.notes:
        parts += [Text(), *footnotes(result.notes)]
    return Group(*parts)


def _title(result: Result) -> Text:
    machine = result.machine
    array = machine["array"]
    mhz = machine["clocks"][array["clock"]] / 1000
    cores = f"{machine['cores']} x " if machine["cores"] > 1 else ""
    title = Text(printable(f"{result.workload} on {machine['name']}"), "bold")
    title.append(
        f"  {cores}{array['rows']} x {array['cols']} PEs, {array['dataflow']}, {mhz:,.10g} MHz",
        "not bold",
    )
    if result.first_cycle or not result.complete:
        title.append(
            f"\ncycles {count(result.first_cycle)} to {count(result.end_cycle)} only"
            + ("" if result.complete else ": the workload goes on"),
            "not bold yellow",
        )
    return title


def memory_bytes(operator: OperatorResult) -> int:
    """Bytes that an operator moved from and to memory."""
    events = operator.events
    return events.get("memory_read_bytes", 0) + events.get("memory_write_bytes", 0)


def layer_table(result: Result) -> Fitted:
    """A row an operator; those fused into another stand below it, dim."""
    rows = result.operators
    alone = [row.fused_into is None for row in rows]

    def cells(shown: Sequence[str]) -> list[str]:
        """Empty where the operator has no cycles of its own."""
        return [cell if own else "" for cell, own in zip(shown, alone, strict=True)]

    def stalls(row: OperatorResult) -> str:
        return percent(row.stall_cycles, row.cycles)

    def utilised(row: OperatorResult) -> str:
        return percent(row.utilisation, 1) if row.macs else NOTHING

    columns = [
        Column(
            "Layer",
            [row.name if own else f"  {row.name}" for row, own in zip(rows, alone, strict=True)],
            "left",
            "total",
            least=14,
            comfort=32,
        ),
        Column(
            "Kind",
            [row.kind for row in rows],
            "left",
            least=6,
            comfort=11,
            shortened=short_kind,
        ),
        shape_column([_shape(row) for row in rows]),
        *_format_column(rows),
        Column("Order", cells([row.loop_order or NOTHING for row in rows]), "left", rank=4),
        Column(
            "MACs",
            cells([count(row.macs) if row.macs else NOTHING for row in rows]),
            footer=count(result.macs),
            rank=3,
        ),
        Column("Cycles", cells([count(row.cycles) for row in rows]), footer=count(result.cycles)),
        Column(
            "Stall\n%",
            cells([stalls(row) for row in rows]),
            footer=percent(sum(row.stall_cycles for row in rows), result.cycles),
        ),
        Column(
            "Util\n%",
            cells([utilised(row) for row in rows]),
            footer=percent(result.utilisation, 1),
        ),
    ]
    if result.machine["memory"] is not None:
        columns += _memory_columns(result, cells)
    errors = [row.relative_error for row in rows]
    if any(error is not None for error in errors):
        shown = [NOTHING if error is None else f"{100 * error:.3g}" for error in errors]
        columns.append(Column("Error\n%", cells(shown)))
    energy = [row.energy.total_pj for row in rows]
    if any(energy):
        bound = ">= " if result.energy.is_lower_bound else ""
        columns.append(
            Column(
                f"Energy\n{bound}uJ",
                cells([f"{each / 1e6:,.2f}" for each in energy]),
                footer=f"{result.energy.total_pj / 1e6:,.2f}",
                rank=1,
            )
        )
    return Fitted(columns, ["" if own else "dim" for own in alone])


def _format_column(rows: Sequence[OperatorResult]) -> Iterator[Column]:
    """On engines, where each layer has its own."""
    if any(row.formats for row in rows):
        yield Column("Formats", [row.formats for row in rows], "left", rank=1)


def _memory_columns(result: Result, cells: CellFilter) -> Iterator[Column]:
    rows = result.operators
    for title, name in (("Read\nMB", "memory_read_bytes"), ("Written\nMB", "memory_write_bytes")):
        moved = [row.events.get(name, 0) for row in rows]
        yield Column(
            title, cells([megabytes(b) for b in moved]), footer=megabytes(sum(moved)), rank=2
        )
    both = [memory_bytes(row) for row in rows]
    yield Column("Memory\nMB", cells([megabytes(b) for b in both]), footer=megabytes(sum(both)))


def _shape(row: OperatorResult) -> Product | str:
    if row.fused_into is not None:
        return FUSED + row.fused_into
    return (row.m, row.n, row.k, row.groups) if row.m else ""


def _summary(result: Result) -> Iterator[RenderableType]:
    peak = result.peak_macs_per_second
    yield named("time", f"{si(result.seconds, 's')} for {count(result.cycles)} cycles")
    if result.seconds:
        rate = result.macs / result.seconds
        share = percent(rate, peak)
        yield named("speed", f"{si(rate, 'MAC/s')}, {share} % of the peak of {si(peak, 'MAC/s')}")
    moved = sum(memory_bytes(row) for row in result.operators)
    if moved and result.seconds:
        yield named(
            "memory",
            f"{megabytes(moved)} MB at {si(moved / result.seconds, 'B/s')}, "
            f"{result.macs / moved:,.1f} MAC/byte",
        )
