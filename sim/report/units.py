"""Where the cycles of units and the energy of components went."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from sim.report.columns import Column, Fitted
from sim.report.lines import named
from sim.report.text import NOTHING, count, percent, si
from sim.result import Energy, Result, UnitAccount

STATES = ("busy", "stall", "idle")
UNKNOWN = "unknown"
NO_TECHNOLOGY = "unknown: the machine names no technology"
SHOWN = 4
"""With more cores or channels, equal units of all of them are shown together."""
KINDS = ((re.compile(r"^core\d+(?=\.)"), "core"), (re.compile(r"(?<=\.)channel\d+$"), "channel"))


def unit_table(result: Result) -> Fitted:
    """Busy, stalls by cause and idle of each unit, in cycles of its clock and percent; causes
    that did not occur are left out."""
    units = result.units
    for number, kind in KINDS:
        if len({found[0] for unit in units if (found := number.search(unit.name))}) > SHOWN:
            units = together(units, number, kind)
    rows: list[tuple[str, ...]] = []
    ends: set[int] = set()
    for unit in units:
        rows += _rows(unit)
        ends.add(len(rows) - 1)
    titles = ("Unit", "MHz", "State", "%", "Cause", "Cycles", "%")
    cells = list(zip(*rows, strict=True)) or [()] * len(titles)
    left, extra = ("Unit", "State", "Cause"), ("MHz",)
    columns = [
        Column(
            title,
            column,
            "left" if title in left else "right",
            least=10 if title == "Unit" else None,
            rank=1 if title in extra else 0,
        )
        for title, column in zip(titles, cells, strict=True)
    ]
    return Fitted(columns, sections=frozenset(ends))


def together(
    units: Sequence[UnitAccount], number: re.Pattern[str], kind: str
) -> tuple[UnitAccount, ...]:
    """Sums over what has a number: ``core0.array``, ``core1.array`` become ``2 x core.array``."""
    groups: dict[str, list[UnitAccount]] = {}
    for unit in units:
        groups.setdefault(number.sub(kind, unit.name), []).append(unit)
    found = []
    for name, members in groups.items():
        if len(members) == 1:
            found.append(members[0])
            continue
        causes: Counter[str] = Counter()
        for member in members:
            causes.update(member.cycles_by_cause)
        cycles = sum(member.cycles for member in members)
        found.append(
            UnitAccount(f"{len(members)} x {name}", members[0].clock_khz, cycles, dict(causes))
        )
    return tuple(found)


def _rows(unit: UnitAccount) -> Iterator[tuple[str, ...]]:
    name, mhz = unit.name, f"{unit.clock_khz / 1000:,.10g}"
    if not unit.cycles:
        yield name, mhz, NOTHING, NOTHING, "", "0", NOTHING
    for state in STATES:
        causes = sorted(
            (
                (cause.partition(".")[2], cycles)
                for cause, cycles in unit.cycles_by_cause.items()
                if cycles and cause.partition(".")[0] == state
            ),
            key=lambda pair: (-pair[1], pair[0]),
        )
        shown, share = state, percent(unit.total(state), unit.cycles)
        for cause, cycles in causes:
            yield name, mhz, shown, share, cause, count(cycles), percent(cycles, unit.cycles)
            name = mhz = shown = share = ""


def energy_lines(energy: Energy, technology: str) -> Iterator[RenderableType]:
    """Total and components, the largest first; what is unknown makes it a lower bound."""
    if technology == UNKNOWN and not energy.by_component_pj:
        yield named("energy", NO_TECHNOLOGY)
        return
    parts = sorted(energy.by_component_pj.items(), key=lambda pair: (-pair[1], pair[0]))
    spent = [f"{name} {si(pj * 1e-12, 'J')}" for name, pj in parts if pj]
    if spent:
        bound = ">= " if energy.is_lower_bound else ""
        total = f"{bound}{si(energy.total_pj * 1e-12, 'J')}"
        yield named("energy", f"{total}: {', '.join(spent)}" if len(spent) > 1 else total)
    if energy.unknown:
        what = "a lower bound" if spent else "unknown"
        yield named(
            "" if spent else "energy",
            f"{what}: no sourced energy for {', '.join(energy.unknown)}",
        )
