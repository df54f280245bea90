"""Results of a run of memory and PIM in one channel: a table to read, and JSON."""

from typing import Any

from arch import __version__
from sim.pim.joint.device import JointRun
from sim.report.text import count, line, percent, si
from sim.unproven import as_lines, joint_options, unproven_among


def as_dict(run: JointRun) -> dict[str, Any]:
    """All numbers, in cycles of the PIM; docs/pim.md defines them."""
    device = run.pim.device()
    commands = run.commands
    used = run.cycles * len(run.channels)
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
    lines += as_lines(found["unproven_options"])
    return "\n".join(lines) + "\n"
