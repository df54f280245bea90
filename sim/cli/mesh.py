"""``lockstep run MESH`` and the list of meshes."""

import json
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from arch.errors import InputError
from sim.cli import inputs, traced

if TYPE_CHECKING:
    from rich.console import Console

    from arch.mesh.packet import PacketMesh
    from arch.mesh.program import MeshProgram
    from arch.mesh.wavelet import WaveletMesh


def run_mesh(
    mesh: str,
    settings: list[str] | None,
    *,
    packets: Path | None,
    program: Path | None,
    workload: str | None,
    out: Path | None,
    figures: Path | None,
    timeline: Path | None,
    pes: list[str] | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run what is given on a mesh and show what came of it. Raises InputError."""
    from arch.mesh.load import load_mesh
    from arch.mesh.packet import PacketMesh
    from sim.report.writing import check_folder

    loaded = load_mesh(mesh, settings or ())
    for folder in (out, figures):
        if folder is not None:
            check_folder(folder)
    shown = Shown(out, as_json, quiet)
    if isinstance(loaded, PacketMesh):
        if packets is None:
            raise InputError(f"{mesh}: carries packets; give --packets FILE")
        if timeline is not None or pes:
            option = "--pe" if timeline is None else "--timeline"
            raise InputError(f"{option}: is for PEs; {mesh} has none")
        _carry(loaded, packets, figures, shown)
        return
    if packets is not None:
        raise InputError(
            f"{mesh}: has wavelet routers, which carry no packets; give --workload or --program"
        )
    if program is None and workload is None:
        raise InputError(f"{mesh}: runs --workload WORKLOAD or --program FILE")
    _run_program(loaded, program, workload, shown, figures, timeline, _numbers(pes))


@dataclass(frozen=True)
class Shown:
    """What is done with a result."""

    out: Path | None
    as_json: bool
    quiet: bool

    def begin(self) -> "Console":
        """For messages; tells of compiling."""
        from rich.console import Console

        stderr = Console(stderr=True, quiet=self.quiet, highlight=False, soft_wrap=True)
        inputs.tell_of_compiling(stderr)
        return stderr

    def end(self, report: Any, done: Any, seconds: float | None, stderr: "Console") -> None:
        """Files, and a table or JSON, by a module of ``files``, ``as_dict`` and ``table``."""
        from sim.report.writing import write_folder

        if self.out is not None:
            write_folder(self.out, report.files(done))
            stderr.print(f"wrote {self.out}", markup=False)
        if self.as_json:
            typer.echo(json.dumps(report.as_dict(done), indent=2))
        elif not self.quiet:
            typer.echo(report.table(done, seconds), nl=False)


def _carry(loaded: "PacketMesh", packets: Path, figures: Path | None, shown: Shown) -> None:
    from traces.mesh import read_packets

    trace = read_packets(packets, loaded.nodes, loaded.packet_flits)
    stderr = shown.begin()

    from sim.mesh import report
    from sim.mesh.replay import replay_packets
    from sim.mesh.windows import PortWindows

    if shown.quiet or shown.as_json:
        began = None
    else:
        # Compiling is no simulating.
        replay_packets(loaded, trace[:0])
        began = time.perf_counter()
    windows = PortWindows() if figures is not None else None
    with traced.counting_bar(len(trace), stderr, "packets") as tell:
        done = replay_packets(loaded, trace, progress=tell, windows=windows)
    seconds = None if began is None else time.perf_counter() - began
    if figures is not None and windows is not None:
        from sim.mesh import draw
        from sim.report.writing import write_folder

        write_folder(figures, draw.figures(done, windows))
        stderr.print(f"wrote {figures}", markup=False)
    shown.end(report, done, seconds, stderr)


def _numbers(pes: list[str] | None) -> list[tuple[int, int]]:
    """Places of PEs from texts such as 3,0."""
    found = []
    for text in pes or ():
        match = re.fullmatch(r"(\d+),(\d+)", text)
        if match is None:
            raise InputError(f"--pe {text}: must be x,y of a PE, such as 3,0")
        found.append((int(match[1]), int(match[2])))
    return found


def _run_program(
    loaded: "WaveletMesh", path: Path | None, workload: str | None, shown: Shown,
    figures: Path | None, timeline: Path | None, pes: list[tuple[int, int]],
) -> None:  # fmt: skip
    from traces.mesh.check import check_program

    notes: tuple[str, ...] = ()
    if path is not None:
        from traces.mesh.program_file import read_program

        program = read_program(path)
        workload = str(path)
    else:
        from traces.mapping.mesh.workloads import build

        mapped = build(workload or "", loaded)
        program, notes = mapped.program, mapped.notes
    check_program(program, loaded)
    for x, y in pes:
        if x >= program.width or y >= program.height:
            raise InputError(
                f"--pe {x},{y}: the program has {program.width} x {program.height} PEs"
            )
    if timeline is not None and not pes:
        raise InputError("--timeline: shows chosen PEs; name them with --pe x,y")
    if pes and timeline is None:
        raise InputError("--pe: is a PE that --timeline shows; give one, or leave it out")
    stderr = shown.begin()
    for note in notes:
        stderr.print(f"note: {note}", markup=False)

    from sim.mesh import wavelet_report
    from sim.mesh.wavelet_run import run_program

    if shown.quiet or shown.as_json:
        began = None
    else:
        # Compiling is no simulating.
        run_program(loaded, _nothing(), values=bool(program.values))
        began = time.perf_counter()
    numbers = [y * program.width + x for x, y in pes]
    with traced.counting_cycles(stderr) as tell:
        done = run_program(loaded, program, chosen=numbers, progress=tell)
    done = replace(done, workload=workload or "", notes=notes)
    seconds = None if began is None else time.perf_counter() - began
    if timeline is not None:
        from sim.mesh.wavelet_timeline import write_timeline

        write_timeline(done, timeline)
        stderr.print(f"wrote {timeline}", markup=False)
    if figures is not None:
        from sim.mesh import wavelet_draw
        from sim.report.writing import write_folder

        # How long a window is follows from the length of the run.
        length = wavelet_draw.window_cycles(done.cycles)
        with traced.counting_cycles(stderr) as tell:
            looked = run_program(loaded, program, window_cycles=length, progress=tell)
        write_folder(figures, wavelet_draw.figures(looked))
        stderr.print(f"wrote {figures}", markup=False)
    shown.end(wavelet_report, done, seconds, stderr)


def _nothing() -> "MeshProgram":
    """A program of one PE that halts."""
    import numpy as np

    from arch.mesh.program import MeshProgram, PeProgram
    from traces.mesh.commands import halt, task

    one = np.zeros((1, 1), np.int32)
    programs = (PeProgram("nothing", (task("main", [halt()], active=True),)),)
    return MeshProgram("nothing", 1, 1, programs, one, ({},), one)


def meshes() -> None:
    """List the meshes that are known by name."""
    from arch.mesh.load import load_mesh, mesh_names
    from arch.mesh.packet import PacketMesh

    for name in mesh_names():
        known = load_mesh(name)
        if isinstance(known, PacketMesh):
            told = (
                f"packets, {known.router.vcs} VC{'s' if known.router.vcs != 1 else ''}, "
                f"{known.router.buffer_flits} flits each, {known.hop_cycles} cycles a hop"
            )
        else:
            told = (
                f"wavelets, {known.router.colours} colours, "
                f"{known.pe.memory_bytes // 1024} KiB a PE, "
                f"{known.hop_cycles} cycle{'s' if known.hop_cycles != 1 else ''} a hop"
            )
        typer.echo(f"{name:<10} {known.width} x {known.height} {told}")
