"""Results of a run of memory and PIM in one channel: a table to read, and JSON."""

from collections.abc import Iterator
from typing import Any

from arch import __version__
from sim.charges import spent
from sim.pim.joint.device import JointRun
from sim.pim.joint.energy import COUNTED_ELSEWHERE, OPEN_CYCLES, joint_costs, joint_powers
from sim.pim.joint.open_rows import open_rank_cycles
from sim.report.text import count, line, percent, si
from sim.result import Energy
from sim.unproven import as_lines, joint_options, unproven_among


def energy_of(run: JointRun) -> Energy | None:
    """Of the channels that take part; None: nothing is known of it."""
    pim = run.pim
    if pim.energy is None:
        return None
    events = {f"dram_{name}": number for name, number in run.commands.items()}
    for name in COUNTED_ELSEWHERE.values():
        events[name] = run.total(name.removeprefix("pim_"))
    events[OPEN_CYCLES] = sum(
        open_rank_cycles(each.state.joint, run.cycles) for each in run.channels.values()
    )
    seconds = run.cycles * 1e-3 / pim.device().clock_khz
    return spent(joint_costs(pim), joint_powers(pim, len(run.channels)), events, seconds)


def as_dict(run: JointRun) -> dict[str, Any]:
    """All numbers, in cycles of the PIM; docs/pim.md defines them."""
    device = run.pim.device()
    commands = run.commands
    used = run.cycles * len(run.channels)
    energy = energy_of(run)
    return {
        "lockstep": __version__,
        "pim": run.pim.model_dump(mode="json"),
        "device": device.name,
        "clock_khz": device.clock_khz,
        "cycles": run.cycles,
        "seconds": run.cycles * 1e-3 / device.clock_khz,
        "parts": run.parts,
        "instructions": run.instructions,
        "requests": run.requests,
        "channels_used": sorted(run.channels),
        "commands": commands,
        "tiles": run.total("tiles"),
        "columns": run.total("columns"),
        "results": run.total("results"),
        "pim_busy_cycles": run.total("busy_cycles"),
        "pim_busy_share": run.total("busy_cycles") / used if used else 0.0,
        "columns_share": run.total("columns") * device.timings["nCOMP"] / used if used else 0.0,
        "units_held": run.total("held"),
        "row_hits": run.memory_total("hits"),
        "row_misses": run.memory_total("misses"),
        "row_conflicts": run.memory_total("conflicts"),
        "refreshes": commands.get("REFab", 0),
        "energy_pj": None if energy is None else energy.by_component_pj,
        "energy_unknown": None if energy is None else list(energy.unknown),
        "unproven_options": list(unproven_among(joint_options(run.pim))),
    }


def table(run: JointRun) -> str:
    """For a reader, in 80 columns."""
    found = as_dict(run)
    used = len(run.channels)
    rows = found["row_hits"] + found["row_misses"] + found["row_conflicts"]
    lines = [
        f"{run.pim.name}: {found['device']}, {used} of {run.pim.channels} channels used",
        line("cycles", count(found["cycles"]), si(found["seconds"], "s")),
        line("instructions", count(found["instructions"]), f"{count(found['tiles'])} tiles"),
        line("PIM has work", f"{100 * found['pim_busy_share']:.1f} %", "of the channels used"),
        line("columns", count(found["columns"]), f"{100 * found['columns_share']:.1f} % of time"),
        line("results", count(found["results"]), ""),
        line("requests", count(found["requests"]), ""),
    ]
    if rows:
        lines.append(
            line("row hits", count(found["row_hits"]), f"{percent(found['row_hits'], rows)} %")
        )
    lines += [
        line("refreshes", count(found["refreshes"]), f"{count(found['units_held'])} units waited")
    ]
    lines += [
        line(name, count(number), "")
        for name, number in found["commands"].items()
        if name != "REFab"
    ]
    lines += _energy_lines(energy_of(run))
    lines += as_lines(found["unproven_options"])
    return "\n".join(lines) + "\n"


def _energy_lines(energy: Energy | None) -> Iterator[str]:
    if energy is None:
        yield line("energy", "unknown", "")
        return
    bound = ">= " if energy.is_lower_bound else ""
    total_pj = energy.total_pj
    yield line("energy", bound + si(total_pj * 1e-12, "J"), "of the channels used")
    for name, pj in energy.by_component_pj.items():
        yield line(name, si(pj * 1e-12, "J"), f"{percent(pj, total_pj)} %")
    if energy.unknown:
        yield f"  no energy is known of {', '.join(energy.unknown)}"
