"""``lockstep run MESH --packets FILE`` and the list of meshes."""

import json
import time
from pathlib import Path

import typer

from sim.cli import inputs, traced


def run_packets(
    mesh: str,
    packets: Path,
    settings: list[str] | None,
    out: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Carry a trace of packets by a mesh and show what came of it. Raises InputError."""
    from rich.console import Console

    from arch.mesh.load import load_mesh
    from sim.report.writing import check_folder, write_folder
    from traces.mesh import read_packets

    loaded = load_mesh(mesh, settings or ())
    if out is not None:
        check_folder(out)
    trace = read_packets(packets, loaded.nodes, loaded.packet_flits)
    stderr = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    inputs.tell_of_compiling(stderr)

    from sim.mesh import report
    from sim.mesh.replay import replay_packets

    if quiet or as_json:
        began = None
    else:
        # Compiling is no simulating.
        replay_packets(loaded, trace[:0])
        began = time.perf_counter()
    with traced.counting_bar(len(trace), stderr, "packets") as tell:
        done = replay_packets(loaded, trace, progress=tell)
    seconds = None if began is None else time.perf_counter() - began
    if out is not None:
        write_folder(out, report.files(done))
        stderr.print(f"wrote {out}", markup=False)
    if as_json:
        typer.echo(json.dumps(report.as_dict(done), indent=2))
    elif not quiet:
        typer.echo(report.table(done, seconds), nl=False)


def meshes() -> None:
    """List the meshes that are known by name."""
    from arch.mesh.load import load_mesh, mesh_names

    for name in mesh_names():
        known = load_mesh(name)
        router = known.router
        typer.echo(
            f"{name:<14} {known.width} x {known.height}, {router.vcs} VC, "
            f"{router.buffer_flits} flits each, {known.hop_cycles} cycles a hop"
        )
