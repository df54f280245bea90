"""Results of a program on a wavelet mesh: a table to read, JSON, and files."""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arch import __version__
from arch.mesh.program import PORT_NAMES, RAMP
from sim.mesh.wavelet_run import WaveletRun
from sim.report.text import COLUMNS, count, entry, line, percent, si
from sim.unproven import as_lines, mesh_options, unproven_among

LEGENDS = {
    "compute": "the datapath computes",
    "fabric": "the datapath sends, receives or combines",
    "overhead": "commands and tasks begin",
    "wavelets": "waiting for wavelets",
    "room": "waiting for room towards the router",
    "slots": "waiting for a slot to be idle",
    "delay": "in a DELAY",
    "idle": "no task to run",
    "done": "halted, or done with its program",
}
"""What a cycle of a PE is charged to."""


def as_dict(run: WaveletRun, seconds_run: float | None = None) -> dict[str, Any]:
    """All numbers, in cycles of the mesh; docs/wavelet.md defines them.

    ``seconds_run`` is what the simulation took; it is given for tables, as files do not depend on
    the machine that simulates.
    """
    mesh, program = run.mesh, run.program
    found: dict[str, Any] = {
        "lockstep": __version__,
        "mesh": mesh.model_dump(mode="json"),
        "program": {
            "name": program.name,
            "width": program.width,
            "height": program.height,
            "classes": len(program.programs),
            "memory_bytes": program.memory_bytes,
        },
        "workload": run.workload,
        "notes": list(run.notes),
        "clock_khz": mesh.clock_khz,
        "cycles": run.cycles,
        "seconds": run.cycles * 1e-3 / mesh.clock_khz,
        "marks": {
            str(number): {"first": first, "last": last, "count": times}
            for number, (first, last, times) in sorted(run.marks.items())
        },
        "pe_cycles": {name: int(cycles.sum()) for name, cycles in run.accounts.items()},
        "wavelets": dict(run.counts),
        "link_wavelets": {
            name: int(run.links[:, :, port].sum()) for port, name in enumerate(PORT_NAMES)
        },
        "busiest_link": _busiest(run),
        "unproven_options": list(unproven_among(mesh_options(mesh))),
    }
    if seconds_run is not None:
        found["router_steps_per_second"] = run.steps["router"] / seconds_run
        found["wavelet_moves_per_second"] = run.steps["moved"] / seconds_run
    return found


def _busiest(run: WaveletRun) -> dict[str, int | str] | None:
    links = run.links[:, :, :RAMP]
    if not links.size or not links.max():
        return None
    y, x, port = np.unravel_index(int(links.argmax()), links.shape)
    wavelets = int(links[y, x, port])
    return {"x": int(x), "y": int(y), "port": PORT_NAMES[port], "wavelets": wavelets}


def table(run: WaveletRun, seconds_run: float | None = None) -> str:
    """For a reader, in 80 columns; ``seconds_run`` as of ``as_dict``."""
    found = as_dict(run, seconds_run)
    mesh, program, wavelets = run.mesh, run.program, found["wavelets"]
    size = f"{program.width} x {program.height} PEs of {mesh.name}"
    title = f"{program.name}: {size}"
    lines = [
        *([title] if len(title) <= COLUMNS else [f"{program.name}:", f"  {size}"]),
        line("cycles", count(found["cycles"]), si(found["seconds"], "s")),
        line("memory", count(program.memory_bytes),
             f"bytes of {count(mesh.pe.data_bytes)} a PE"),
        *entry("wavelets", count(wavelets["sent"]),
               f"sent, {count(wavelets['taken'])} taken, {count(wavelets['left'])} left, "
               f"{count(wavelets['hops'])} hops"),
    ]  # fmt: skip
    busiest = found["busiest_link"]
    if busiest is not None:
        lines.append(
            line("busiest link", f"{percent(busiest['wavelets'], found['cycles'])} %",
                 f"of cycles: {busiest['port']} of router ({busiest['x']}, {busiest['y']})")
        )  # fmt: skip
    for number, mark in found["marks"].items():
        lines.append(
            line(f"mark {number}", count(mark["last"]),
                 f"last of {count(mark['count'])}; first {count(mark['first'])}")
        )  # fmt: skip
    every = found["cycles"] * program.width * program.height
    lines.append("  cycles of PEs, on average:")
    lines += [
        line(name, f"{percent(cycles, every)} %", LEGENDS[name])
        for name, cycles in found["pe_cycles"].items()
        if cycles
    ]
    if seconds_run is not None and found["cycles"]:
        lines.append(
            line("simulated", si(found["router_steps_per_second"], ""),
                 f"active router steps a second, {si(seconds_run, 's')} in all")
        )  # fmt: skip
    lines += as_lines(found["unproven_options"])
    return "\n".join(lines) + "\n"


def files(run: WaveletRun) -> dict[str, bytes]:
    """``pes.parquet``, a row for each PE with its accounts and its router's links,
    and ``result.json``; with values ``memory.npz``, an array for each region."""
    height, width = run.program.height, run.program.width
    y, x = np.divmod(np.arange(height * width), width)
    columns = {"x": x, "y": y, "program": run.program.program_of.reshape(-1)}
    columns |= {name: cycles.reshape(-1) for name, cycles in run.accounts.items()}
    columns |= {
        f"wavelets_{name}": run.links[:, :, port].reshape(-1)
        for port, name in enumerate(PORT_NAMES)
    }
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written, compression="zstd")
    text = json.dumps(as_dict(run), indent=1, sort_keys=True, allow_nan=False) + "\n"
    made = {"pes.parquet": written.getvalue(), "result.json": text.encode()}
    if run.memory:
        held = io.BytesIO()
        np.savez(held, allow_pickle=False, **run.memory)
        made["memory.npz"] = held.getvalue()
    return made
