"""Where the cycles of units and the energy of components went."""

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
CORES_SHOWN = 4
"""With more cores, equal units of all cores are shown together."""


def unit_table(result: Result) -> Fitted:
    """Busy, stalls by cause and idle of each unit, in cycles of its clock and percent; causes
    that did not occur are left out."""
    units = result.units
    if result.machine["cores"] > CORES_SHOWN:
        units = together(units)
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


def together(units: Sequence[UnitAccount]) -> tuple[UnitAccount, ...]:
    """Sums over the cores: ``core0.array`` and ``core1.array`` become ``2 x core.array``."""
    groups: dict[str, list[UnitAccount]] = {}
    for unit in units:
        core, dot, name = unit.name.partition(".")
        kind = f"core.{name}" if dot and core.startswith("core") else unit.name
        groups.setdefault(kind, []).append(unit)
    found = []
    for kind, members in groups.items():
        if len(members) == 1:
            found.append(members[0])
            continue
        causes: Counter[str] = Counter()
        for member in members:
            causes.update(member.cycles_by_cause)
        cycles = sum(member.cycles for member in members)
        name = f"{len(members)} x {kind}"
        found.append(UnitAccount(name, members[0].clock_khz, cycles, dict(causes)))
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
