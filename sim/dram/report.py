"""Results of a memory run: a table to read, and JSON."""

import textwrap
from typing import Any

from arch import __version__
from sim.dram.power import DramEnergy, energy
from sim.dram.trace import MemoryRun, latency_floor
from sim.report.text import count, line, percent, si
from sim.unproven import as_lines, memory_specs, options_of, unproven_among

PERCENTILES = (50, 90, 99, 99.9)


def as_dict(run: MemoryRun, active_cycles: int | None = None) -> dict[str, Any]:
    """All numbers, in cycles of the memory; docs/statistics.md defines them.

    ``active_cycles`` as of ``energy_of``.
    """
    device = run.replays[0].device
    period_s = 1e-3 / device.clock_khz
    moved = run.total("served") * device.burst_bytes
    cycles = run.cycles
    reads = run.reads
    latencies = run.latencies
    options = [each for unit, spec in memory_specs(run.memory) for each in options_of(unit, spec)]
    return {
        "lockstep": __version__,
        "memory": run.memory.model_dump(mode="json"),
        "device": device.name,
        "clock_khz": device.clock_khz,
        "cycles": cycles,
        "seconds": cycles * period_s,
        "requests": run.requests,
        "reads": reads,
        "writes": run.writes,
        "forwarded_reads": run.total("forwarded"),
        "coalesced_writes": run.total("coalesced"),
        "bytes_moved": moved,
        "bytes_per_second": moved / (cycles * period_s) if cycles else 0.0,
        "peak_bytes_per_second": peak(run),
        "row_hits": run.total("hits"),
        "row_misses": run.total("misses"),
        "row_conflicts": run.total("conflicts"),
        "commands": run.commands,
        "read_latency_cycles": {
            "mean": run.total("latency_sum") / reads if reads else 0.0,
            **{f"p{share:g}": run.latency_percentile(share / 100) for share in PERCENTILES},
        },
        "energy": _energy_dict(energy_of(run, active_cycles), moved, cycles * period_s),
        "unproven_options": list(unproven_among(options)),
        "read_latency_histogram": [
            [latency_floor(number), int(found)] for number, found in enumerate(latencies) if found
        ],
    }


def energy_of(run: MemoryRun, active_cycles: int | None = None) -> DramEnergy:
    """Energy of all channels; ``active_cycles`` of ``sim.dram.power.ActiveCycles`` up to the run's
    last cycle, or None where they were not counted."""
    device = run.replays[0].device
    ranks = len(run.replays) * device.nodes(device.rank_level)
    return energy(device, run.commands, run.cycles * ranks, active_cycles)


def _energy_dict(found: DramEnergy, moved_bytes: int, seconds: float) -> dict[str, Any]:
    total = found.total_pj
    return {
        "by_component_pj": found.by_component_pj,
        "background_at_most_pj": found.background_at_most_pj,
        "unknown": list(found.unknown),
        "total_pj": total,
        "is_lower_bound": found.is_lower_bound,
        "average_power_mw": total / seconds * 1e-9 if total is not None and seconds else None,
        "pj_per_bit": total / (8 * moved_bytes) if total is not None and moved_bytes else None,
        "left_out": ["data pins", "termination"],
        "source": found.source,
    }


def peak(run: MemoryRun) -> float:
    """Bytes a second of all data pins."""
    device = run.replays[0].device
    channels = (
        len(run.replays) * device.nodes("pseudo_channel")
        if ("pseudo_channel" in device.levels)
        else len(run.replays)
    )
    return channels * device.burst_bytes * device.clock_khz * 1e3 / device.burst_cycles


def table(run: MemoryRun, active_cycles: int | None = None) -> str:
    """For a reader, in 80 columns; ``active_cycles`` as of ``energy_of``."""
    found = as_dict(run, active_cycles)
    latency = found["read_latency_cycles"]
    rows = run.total("hits") + run.total("misses") + run.total("conflicts")
    lines = [
        f"{run.memory.name}: {found['device']}, {len(run.replays)} channel"
        f"{'s' if len(run.replays) != 1 else ''}",
        line("cycles", count(found["cycles"]), si(found["seconds"], "s")),
        line("requests", count(found["requests"]), f"{count(found['reads'])} reads, "
              f"{count(found['writes'])} writes"),
        line("bandwidth", si(found["bytes_per_second"], "B/s"),
              f"{percent(found['bytes_per_second'], found['peak_bytes_per_second'])} % of "
              f"{si(found['peak_bytes_per_second'], 'B/s')}"),
        line("read latency", f"{latency['mean']:,.1f}", "cycles, arrival to data; "
              + ", ".join(f"p{s:g} {count(latency[f'p{s:g}'])}" for s in PERCENTILES)),
        line("row hits", count(found["row_hits"]), f"{percent(found['row_hits'], rows)} %"),
        line("row misses", count(found["row_misses"]), f"{percent(found['row_misses'], rows)} %"),
        line("row conflicts", count(found["row_conflicts"]),
              f"{percent(found['row_conflicts'], rows)} %"),
    ]  # fmt: skip
    if found["forwarded_reads"] or found["coalesced_writes"]:
        lines.append(
            line("in the queues", count(found["forwarded_reads"] + found["coalesced_writes"]),
                  f"{count(found['forwarded_reads'])} reads served by waiting writes, "
                  f"{count(found['coalesced_writes'])} writes merged")
        )  # fmt: skip
    lines += [line(name, count(number), "") for name, number in found["commands"].items()]
    lines += _energy_lines(found)
    lines += as_lines(found["unproven_options"])
    return "\n".join(lines) + "\n"


def _energy_lines(found: dict[str, Any]) -> list[str]:
    given = found["energy"]
    total, bound = given["total_pj"], ">= " if given["is_lower_bound"] else ""
    if total is None:
        presets = found["device"].partition("/")[2]
        why = "no sourced currents" if given["source"] is None else "currents are missing"
        return [line("energy", "unknown", f"{why} of {presets}")]
    power, bit = given["average_power_mw"], given["pj_per_bit"]
    more = [] if power is None else [f"{bound}{power:,.1f} mW"]
    more += [] if bit is None else [f"{bound}{bit:,.2f} pJ for each bit moved"]
    lines = [line("energy", f"{bound}{_uj(total)}", ", ".join(more))]
    for name, pj in given["by_component_pj"].items():
        share = f"{percent(pj, total)} %"
        if name == "background" and pj != given["background_at_most_pj"]:
            share = f"at least; at most {_uj(given['background_at_most_pj'])}"
        lines.append(line(f"  {name}", _uj(pj), share))
    lines += [line(f"  {name}", "unknown", "") for name in given["unknown"]]
    without = "energy is without " + " and ".join(given["left_out"])
    return [*lines, *textwrap.wrap(f"{without}; currents: {given['source']}", 80)]


def _uj(pj: float) -> str:
    return "<0.001 uJ" if 0 < pj < 500 else f"{pj / 1e6:,.3f} uJ"
