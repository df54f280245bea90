"""What differs between two machines, or between two results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from arch.diff import ABSENT, Difference
from sim.report.columns import Column, Fitted
from sim.report.table import memory_bytes
from sim.report.text import (
    NOTHING,
    count,
    cut,
    megabytes,
    parameter_value,
    percent,
    printable,
    ratio,
    shorten,
    si,
)
from sim.result import OperatorResult, Result

NAME_WIDTH = 24
"""Of a column's title, at most."""

PROSE = {"name", "family", "source", "sources", "assumed"}
"""Fields that say where a machine comes from, not what it is."""


def parameter_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Parameters that differ between two machines as results hold them."""
    one, other = dict(_leaves(before)), dict(_leaves(after))
    return [
        Difference(path, one.get(path, ABSENT), other.get(path, ABSENT))
        for path in dict.fromkeys([*one, *other])
        if one.get(path, ABSENT) != other.get(path, ABSENT)
    ]


def _leaves(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        place = f"{path}.{key}" if path else key
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, place)
        else:
            yield place, value


def machine_table(differences: Sequence[Difference], names: tuple[str, str]) -> RenderableType:
    """Differing parameters of two machines; of differing sources only the number."""
    shown = [each for each in differences if _top(each) not in PROSE]
    parts: list[RenderableType] = [Text("the machines have the same parameters")]
    if shown:
        columns = [Column("Parameter", [each.path for each in shown], "left", least=16, comfort=44)]
        sides = [each.a for each in shown], [each.b for each in shown]
        for name, values in zip(names, sides, strict=True):
            title = shorten(printable(name), NAME_WIDTH)
            cells = [parameter_value(value) for value in values]
            columns.append(Column(title, cells, "left", least=8, comfort=12, shortened=cut))
        ends = {at for at in range(len(shown) - 1) if _block(shown[at]) != _block(shown[at + 1])}
        parts = [Fitted(columns, sections=frozenset(ends))]
    hidden = len(differences) - len(shown)
    if hidden:
        parts.append(Text(f"{count(hidden)} entries of name, sources and assumed differ", "dim"))
    return Group(*parts)


def _top(difference: Difference) -> str:
    return difference.path.partition(".")[0].partition("[")[0]


def _block(difference: Difference) -> str:
    return _top(difference) if "." in difference.path else ""


@dataclass(frozen=True)
class Pair:
    """An operator in two results; None where one does not have it."""

    name: str
    before: OperatorResult | None
    after: OperatorResult | None

    @property
    def differs(self) -> bool:
        """Whether cycles, stalls, traffic or fusion differ."""
        return _key(self.before) != _key(self.after)


def _key(row: OperatorResult | None) -> tuple[Any, ...] | None:
    if row is None:
        return None
    return row.cycles, row.stall_cycles, memory_bytes(row), row.fused_into


def pairs(before: Result, after: Result) -> list[Pair]:
    """Operators of both results by name, in the order of the first."""
    one = {row.name: row for row in before.operators}
    other = {row.name: row for row in after.operators}
    return [Pair(name, one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])]


def result_comparison(before: Result, after: Result, names: tuple[str, str]) -> RenderableType:
    """Differing machine parameters, then cycles, stalls and traffic of operators that differ."""
    parts: list[RenderableType] = []
    for side, name, result in zip("AB", names, (before, after), strict=True):
        parts.append(Text(printable(f"{side}  {name}: {result.workload} on "
                                    f"{result.machine['name']}")))  # fmt: skip
    parts += [Text(), machine_table(parameter_differences(before.machine, after.machine),
                                    ("A", "B"))]  # fmt: skip
    parts += [Text(), _totals(before, after)]
    found = pairs(before, after)
    differing = [pair for pair in found if pair.differs]
    if differing:
        parts += [Text(), _operator_table(differing, before, after)]
    equal = len(found) - len(differing)
    if equal:
        parts.append(Text(f"{count(equal)} of {count(len(found))} operators are equal", "dim"))
    return Group(*parts)


def _totals(before: Result, after: Result) -> Fitted:
    both = (before, after)
    moved = [float(sum(memory_bytes(row) for row in result.operators)) for result in both]
    spent = [result.energy.total_pj * 1e-12 for result in both]
    bounds = [">= " if result.energy.is_lower_bound else "" for result in both]
    cycles = [float(result.cycles) for result in both]
    macs = [float(result.macs) for result in both]
    used = [result.utilisation for result in both]
    rows = [
        ("time", *(si(result.seconds, "s") for result in both),
         ratio(after.seconds, before.seconds)),
        ("cycles", *(count(result.cycles) for result in both), ratio(cycles[1], cycles[0])),
        ("MACs", *(count(result.macs) for result in both), ratio(macs[1], macs[0])),
        ("utilisation %", *(percent(each, 1) for each in used), ratio(used[1], used[0])),
        ("memory MB", *(megabytes(int(each)) for each in moved), ratio(moved[1], moved[0])),
    ]  # fmt: skip
    if any(spent):
        # Of two lower bounds nothing is known about the ratio.
        known = NOTHING if any(bounds) else ratio(spent[1], spent[0])
        rows.append(
            ("energy", *(b + si(e, "J") for b, e in zip(bounds, spent, strict=True)), known)
        )
    titles = ("Total", "A", "B", "B/A")
    return Fitted(
        [
            Column(title, cells, "left" if title == "Total" else "right")
            for title, cells in zip(titles, zip(*rows, strict=True), strict=True)
        ]
    )


def _operator_table(rows: Sequence[Pair], before: Result, after: Result) -> Fitted:
    def total_memory(result: Result) -> int:
        return sum(memory_bytes(row) for row in result.operators)

    def both(pair: Pair) -> tuple[OperatorResult | None, OperatorResult | None]:
        return pair.before, pair.after

    def cycles(row: OperatorResult | None) -> str:
        return NOTHING if row is None else "fused" if row.fused_into else count(row.cycles)

    def stall(row: OperatorResult | None) -> str:
        return NOTHING if row is None else percent(row.stall_cycles, row.cycles)

    def memory(row: OperatorResult | None) -> str:
        return NOTHING if row is None else megabytes(memory_bytes(row))

    def factor(pair: Pair, of: Any) -> str:
        one, other = both(pair)
        return ratio(of(other), of(one)) if one and other else NOTHING

    def stalled(result: Result) -> str:
        return percent(sum(row.stall_cycles for row in result.operators), result.cycles)

    moved = total_memory(before), total_memory(after)
    return Fitted(
        [
            Column("Layer", [pair.name for pair in rows], "left", "total", least=10, comfort=32),
            Column("Cycles\nA", [cycles(p.before) for p in rows], footer=count(before.cycles)),
            Column("\nB", [cycles(p.after) for p in rows], footer=count(after.cycles)),
            Column("\nB/A", [factor(p, lambda row: row.cycles) for p in rows],
                   footer=ratio(after.cycles, before.cycles)),
            Column("Stall %\nA", [stall(p.before) for p in rows], footer=stalled(before)),
            Column("\nB", [stall(p.after) for p in rows], footer=stalled(after)),
            Column("Memory MB\nA", [memory(p.before) for p in rows],
                   footer=megabytes(moved[0]), rank=1),
            Column("\nB", [memory(p.after) for p in rows], footer=megabytes(moved[1]), rank=1),
            Column("Memory\nB/A", [factor(p, memory_bytes) for p in rows],
                   footer=ratio(moved[1], moved[0])),
        ]
    )  # fmt: skip
