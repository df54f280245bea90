"""Results of an HBM-PIM run: a table to read, and JSON."""

from typing import Any

from arch import __version__
from sim.pim.hbm.run import HbmRun
from sim.report.text import count, line, percent, si
from sim.unproven import as_lines, hbm_pim_options, unproven_among
from traces.pim.hbm_dtype import MODES


def as_dict(run: HbmRun) -> dict[str, Any]:
    """All numbers, in cycles of the PIM; docs/pim.md defines them."""
    device = run.pim.device()
    commands = run.commands
    channels = len(run.channels_used)
    columns = sum(commands.get(name, 0) for name in ("RD", "WR", "RD8", "WR8"))
    used = run.cycles * channels
    return {
        "lockstep": __version__,
        "pim": run.pim.model_dump(mode="json"),
        "device": device.name,
        "clock_khz": device.clock_khz,
        "cycles": run.cycles,
        "seconds": run.cycles * 1e-3 / device.clock_khz,
        "transactions": run.transactions,
        "channels_used": sorted(run.channels_used),
        "commands": commands,
        "row_hits": run.total("hits"),
        "row_misses": columns - run.total("hits"),
        "instructions": run.total("triggered"),
        "jumps": run.total("jumps"),
        "active_share": (
            sum(run.active_cycles(channel) for channel in run.channels_used) / used if used else 0.0
        ),
        "mode_share": {
            name: run.mode_cycles(mode) / (run.cycles * run.pim.channels) if run.cycles else 0.0
            for mode, name in enumerate(MODES)
        },
        "refreshes": commands.get("REFab", 0),
        "refresh_wait_cycles": run.total("refresh_cycles"),
        "unproven_options": list(unproven_among(hbm_pim_options(run.pim))),
    }


def table(run: HbmRun) -> str:
    """For a reader, in 80 columns."""
    found = as_dict(run)
    rows = found["row_hits"] + found["row_misses"]
    used, refreshes = len(run.channels_used), found["refreshes"]
    waited = found["refresh_wait_cycles"] / refreshes if refreshes else 0.0
    lines = [
        f"{run.pim.name}: {found['device']}, {used} of {run.pim.channels} channels used",
        line("cycles", count(found["cycles"]), si(found["seconds"], "s")),
        line("transactions", count(found["transactions"]), ""),
        line("instructions", count(found["instructions"]), f"and {count(found['jumps'])} JUMPs"),
        line("row hits", count(found["row_hits"]), f"{percent(found['row_hits'], rows)} %"),
        line("row misses", count(found["row_misses"]), f"{percent(found['row_misses'], rows)} %"),
        line(
            "refreshes",
            count(refreshes),
            f"of all ranks; due {waited:.1f} cycles before" if refreshes else "",
        ),
    ]
    lines += [
        line(f"in {name}", f"{100 * share:.1f} %", "of all channels")
        for name, share in found["mode_share"].items()
    ]
    lines += [
        line(name, count(number), "")
        for name, number in found["commands"].items()
        if name != "REFab"
    ]
    lines += as_lines(found["unproven_options"])
    return "\n".join(lines) + "\n"
