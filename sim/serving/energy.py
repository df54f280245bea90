"""Energy of what was served: of all devices, and what it was spent on."""

import textwrap
from collections.abc import Iterator, Sequence

from sim.report.text import line, percent, si
from sim.result import Energy

GROUPS = {
    "arrays": ("array",),
    "SRAM": ("accumulators", "scratchpad_"),
    "vector": ("vector_",),
    "DRAM rows": ("memory_activate",),
    "DRAM columns": ("memory_column", "memory_bus"),
    "DRAM pins": ("memory_io",),
    "DRAM refresh": ("memory_refresh",),
    "PIM": ("pim",),
    "static": ("leakage_", "memory_standby", "memory_open"),
}
"""Components by what a reader asks for, by how their names begin; others stand for themselves."""


def of_all(energies: Sequence[Energy | None], devices: int) -> Energy | None:
    """The sum over iterations of a device, times the devices, all like it; None: one is unknown."""
    total: dict[str, float] = {}
    unknown: dict[str, None] = {}
    for each in energies:
        if each is None:
            return None
        for component, pj in each.by_component_pj.items():
            total[component] = total.get(component, 0.0) + devices * pj
        unknown |= dict.fromkeys(each.unknown)
    return Energy(total, tuple(unknown))


def groups(energy: Energy) -> dict[str, float]:
    """Energy in pJ by group; those with none are left out."""
    found = dict.fromkeys(GROUPS, 0.0)
    for component, pj in energy.by_component_pj.items():
        name = next((n for n, begins in GROUPS.items() if component.startswith(begins)), component)
        found[name] = found.get(name, 0.0) + pj
    return {name: pj for name, pj in found.items() if pj}


def lines(energy: Energy | None, tokens: int, seconds: float, iterations: int) -> Iterator[str]:
    """For a reader, in 80 columns: an iteration, a token, shares."""
    if energy is None:
        yield line("energy", "unknown", "")
        return
    bound = ">= " if energy.is_lower_bound else ""
    total_j = energy.total_pj * 1e-12
    if energy.by_component_pj:
        token = f"{si(total_j / tokens, 'J')} a token, {si(total_j / seconds, 'W')}"
        yield line("energy", bound + si(total_j / iterations, "J"), f"an iteration, {token}")
    for name, pj in groups(energy).items():
        share = f"{percent(pj, energy.total_pj)} %"
        yield line(name, si(pj * 1e-12 / iterations, "J"), share)
    if energy.unknown:
        text = f"no energy is known of {', '.join(energy.unknown)}"
        yield from textwrap.wrap(text, 80, initial_indent="  ", subsequent_indent="    ")
