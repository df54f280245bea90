"""Results of a packet trace on a mesh: a table to read, JSON, and files."""

import json
from typing import Any

import numpy as np

from arch import __version__
from sim.mesh.replay import PacketRun
from sim.report.text import count, entry, line, many, percent, si
from sim.unproven import as_lines, mesh_options, unproven_among
from traces.mesh.packets import COLUMNS, LENGTH, csv_bytes

PERCENTILES = (50, 90, 99, 99.9)
DIRECTIONS = ("+x", "-x", "+y", "-y", "node")


def as_dict(run: PacketRun, seconds_run: float | None = None) -> dict[str, Any]:
    """All numbers, in cycles of the mesh; docs/mesh.md defines them.

    ``seconds_run`` is what the simulation took; it is given for tables, as files do not depend on
    the machine that simulates.
    """
    mesh, cycles = run.mesh, run.cycles
    latencies = run.latencies
    given = run.packets["created"]
    offered_over = int(given.max()) + 1 if len(given) else 0
    flits = int(run.packets["flits"].sum())
    causes = {name: run.counts[f"cycles_{name}"] for name in ("moving", "waiting")}
    found: dict[str, Any] = {
        "lockstep": __version__,
        "mesh": mesh.model_dump(mode="json"),
        "clock_khz": mesh.clock_khz,
        "cycles": cycles,
        "seconds": cycles * 1e-3 / mesh.clock_khz,
        "packets": len(run.packets),
        "flits": flits,
        "flit_hops": run.counts["flit_hops"],
        "offered_flits_per_node_cycle": _rate(flits, mesh.nodes, offered_over),
        "accepted_flits_per_node_cycle": _rate(run.counts["flits_delivered"], mesh.nodes, cycles),
        "packet_latency_cycles": {
            "mean": float(latencies.mean()) if len(latencies) else 0.0,
            **{f"p{part:g}": run.latency_percentile(part / 100) for part in PERCENTILES},
            "max": int(latencies[-1]) if len(latencies) else 0,
        },
        "network_latency_cycles": {
            "mean": float((run.arrived - run.injected).mean()) if len(latencies) else 0.0
        },
        "cycles_by_cause": {**causes, "idle": cycles - sum(causes.values())},
        "link_flits": {
            name: run.link_flits[:, port].reshape(mesh.height, mesh.width).tolist()
            for port, name in enumerate(DIRECTIONS)
        },
        "unproven_options": list(unproven_among(mesh_options(mesh))),
    }
    if seconds_run is not None:
        found["simulated_cycles_per_second"] = cycles / seconds_run
    return found


def _rate(flits: int, nodes: int, cycles: int) -> float:
    return flits / (nodes * cycles) if cycles else 0.0


def table(run: PacketRun, seconds_run: float | None = None) -> str:
    """For a reader, in 80 columns; ``seconds_run`` as of ``as_dict``."""
    found = as_dict(run, seconds_run)
    mesh, latency = run.mesh, found["packet_latency_cycles"]
    busiest = run.link_flits[:, :4]
    lines = [
        f"{mesh.name}: {mesh.width} x {mesh.height} routers, {mesh.router.vcs} VC"
        f"{'s' if mesh.router.vcs != 1 else ''} of {mesh.router.buffer_flits} flits",
        line("cycles", count(found["cycles"]), si(found["seconds"], "s")),
        line("packets", count(found["packets"]),
             f"{many(found['flits'], 'flit')}, {many(found['flit_hops'], 'flit-hop')}"),
        *entry("latency", f"{latency['mean']:,.2f}", "cycles from creation; "
               + ", ".join(f"p{p:g} {count(latency[f'p{p:g}'])}" for p in (50, 99))
               + f", max {count(latency['max'])}"),
        line("in the network", f"{found['network_latency_cycles']['mean']:,.2f}",
             "cycles, less the wait at the source"),
        line("offered", f"{found['offered_flits_per_node_cycle']:.4f}", "flits per node and cycle"),
        line("accepted", f"{found['accepted_flits_per_node_cycle']:.4f}",
             "flits per node and cycle"),
    ]  # fmt: skip
    if busiest.size and busiest.max():
        router, port = np.unravel_index(int(busiest.argmax()), busiest.shape)
        lines.append(
            line("busiest link", f"{percent(float(busiest.max()), found['cycles'])} %",
                 f"of cycles: {DIRECTIONS[port]} of router {router}")
        )  # fmt: skip
    causes = found["cycles_by_cause"]
    lines += [
        line(name, f"{percent(number, found['cycles'])} %", f"of cycles: {count(number)}")
        for name, number in causes.items()
    ]
    if seconds_run is not None and found["cycles"]:
        lines.append(
            line("simulated", si(found["simulated_cycles_per_second"], ""), "cycles per second")
        )
    lines += as_lines(found["unproven_options"])
    return "\n".join(lines) + "\n"


def files(run: PacketRun) -> dict[str, bytes]:
    """``packets.csv``, a line for each packet in the order of the trace, which can be run again,
    and ``result.json``."""
    given = run.packets
    columns = {name: given[name] for name in COLUMNS}
    if (given[LENGTH] != run.mesh.packet_flits).any():
        columns[LENGTH] = given[LENGTH]
    columns |= {"injected": run.injected, "arrived": run.arrived}
    text = json.dumps(as_dict(run), indent=1, sort_keys=True, allow_nan=False) + "\n"
    return {"packets.csv": csv_bytes(columns), "result.json": text.encode()}
