"""Results of a PIM run: a table to read, and JSON."""

from typing import Any

from arch import __version__
from sim.pim.run import PimRun
from sim.report.text import count, line, percent, si
from sim.unproven import as_lines, pim_options, unproven_among


def as_dict(run: PimRun) -> dict[str, Any]:
    """All numbers, in cycles of the PIM; docs/pim.md defines them."""
    device = run.pim.device().device
    commands = run.commands
    channels = len(run.channels_used)
    return {
        "lockstep": __version__,
        "pim": run.pim.model_dump(mode="json"),
        "device": device.name,
        "clock_khz": device.clock_khz,
        "cycles": run.cycles,
        "seconds": run.cycles * 1e-3 / device.clock_khz,
        "instructions": run.instructions,
        "channels_used": sorted(run.channels_used),
        "commands": commands,
        **row_counts(run),
        "forwarded_reads": run.total("forwarded"),
        "mac_busy_share": run.mac_busy_share,
        "active_share": (
            sum(run.active_cycles(channel) for channel in run.channels_used)
            / (run.cycles * channels)
            if channels
            else 0.0
        ),
        "refreshes": commands.get("REFab", 0),
        "refresh_wait_cycles": run.total("refresh_cycles"),
        "unproven_options": list(unproven_among(pim_options(run.pim))),
    }


def row_counts(run: PimRun) -> dict[str, int]:
    """Commands that need a row, by what must come first."""
    return {f"row_{name}": run.total(name) for name in ("hits", "misses", "conflicts")}


def table(run: PimRun) -> str:
    """For a reader, in 80 columns."""
    found = as_dict(run)
    rows = found["row_hits"] + found["row_misses"] + found["row_conflicts"]
    used, refreshes = len(run.channels_used), found["refreshes"]
    lines = [
        f"{run.pim.name}: {found['device']}, {used} of {run.pim.channels} channels used",
        line("cycles", count(found["cycles"]), si(found["seconds"], "s")),
        line("instructions", count(found["instructions"]), ""),
        line("MACs busy", f"{percent(found['mac_busy_share'], 1)} %", "of the channels used"),
        line("row hits", count(found["row_hits"]), f"{percent(found['row_hits'], rows)} %"),
        line("row misses", count(found["row_misses"]), f"{percent(found['row_misses'], rows)} %"),
        line(
            "row conflicts",
            count(found["row_conflicts"]),
            f"{percent(found['row_conflicts'], rows)} %",
        ),
        line(
            "refreshes",
            count(refreshes),
            f"of all channels; due {found['refresh_wait_cycles'] / refreshes:.1f} cycles before"
            if refreshes
            else "",
        ),
    ]
    lines += [
        line(name, count(number), "")
        for name, number in found["commands"].items()
        if name != "REFab"
    ]
    lines += as_lines(found["unproven_options"])
    return "\n".join(lines) + "\n"
