"""What commands are given, and how it becomes machines and workloads.

Imports wait until they are needed; tests replace the functions.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import arch.machine
    from arch.spec import Spec
    from sim.simulate import Options, ProgressCallback, Run
    from traces.operators import Workload
    from traces.workload import Loaded

COMPILE_SECONDS = 10
"""How long compiling what a run needs takes, about."""

Machine = Annotated[
    str,
    typer.Argument(
        metavar="MACHINE",
        help="A name (lockstep machines, memories, meshes, pims), a .yaml or a SCALE-Sim .cfg.",
    ),
]
WORKLOAD_HELP = (
    "a .onnx, a SCALE-Sim .csv, a saved .yaml or .json; options follow a colon: gpt2:decode=1024."
)
WorkloadArgument = Annotated[
    str,
    typer.Argument(metavar="WORKLOAD", help=f"A name (lockstep workloads), {WORKLOAD_HELP}"),
]
WorkloadOption = Annotated[
    str | None,
    typer.Option(
        "--workload",
        "-w",
        metavar="WORKLOAD",
        help=f"A name (lockstep workloads), {WORKLOAD_HELP} Of a wafer a program: "
        "mesh_gemv:k=4096,n=4096.",
    ),
]
Batch = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Inputs at a time; they share the weights.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a parameter of the machine, as in array.rows=64; may be repeated.",
    ),
]
SkipUnknown = Annotated[
    bool,
    typer.Option("--skip-unknown", help="Leave out operators that are not known, with a note."),
]


def load_machine(name_or_path: str, settings: list[str] | None) -> "arch.machine.Machine":
    """The machine of that name or file with ``--set`` applied. Raises InputError."""
    from arch import load

    if Path(name_or_path).suffix.lower() == ".cfg":
        from traces.scalesim import machine_from_cfg

        machine = machine_from_cfg(name_or_path)
        return load.with_overrides(machine, settings) if settings else machine
    return load.load_machine(name_or_path, settings or ())


def load_any(name_or_path: str, settings: list[str] | None) -> "Spec":
    """The machine, memory, mesh, PIM or system of that name, or of that file; of a PIM and a
    system of one name the PIM. Raises InputError."""
    from arch.dram.memory import load_memory, memory_names
    from arch.mesh.load import is_mesh, load_mesh
    from arch.pim.attacc import is_attacc, load_attacc
    from arch.pim.hbm import is_hbm_pim, load_hbm_pim
    from arch.pim.joint import is_joint_pim, load_joint_pim
    from arch.pim.system import is_pim, load_pim
    from arch.serving import is_system, load_system

    if is_hbm_pim(name_or_path):
        return load_hbm_pim(name_or_path, settings or ())
    if is_attacc(name_or_path):
        return load_attacc(name_or_path, settings or ())
    if is_joint_pim(name_or_path):
        return load_joint_pim(name_or_path, settings or ())
    if is_pim(name_or_path):
        return load_pim(name_or_path, settings or ())
    if name_or_path in memory_names():
        return load_memory(name_or_path, settings or ())
    if is_mesh(name_or_path):
        return load_mesh(name_or_path, settings or ())
    if is_system(name_or_path):
        return load_system(name_or_path, settings or ())
    return load_machine(name_or_path, settings)


def load_pair(a: str, b: str) -> "tuple[Spec, Spec]":
    """Two of a sort, if there are; a name that a PIM has too is the system's beside a system.

    Raises InputError.
    """
    from arch.serving import is_system, load_system

    one, other = load_any(a, None), load_any(b, None)
    if type(one) is not type(other) and is_system(a) and is_system(b):
        return load_system(a), load_system(b)
    return one, other


def load_workload(
    name_or_path: str, batch: int | None, skip_unknown: bool, machine: Any = None
) -> "Loaded":
    """The workload of that name or file.

    A machine with SCALE-Sim's convention gets that simulator's output sizes. Raises InputError.
    """
    from arch.errors import InputError
    from traces import workload

    scalesim = machine is not None and machine.array.convention == "scalesim"
    try:
        return workload.load(
            name_or_path, batch=batch, skip_unknown=skip_unknown, ceil_output=scalesim
        )
    except InputError:
        from traces.mapping.mesh.workloads import is_workload

        if not is_workload(name_or_path):
            raise
        raise InputError(
            f"{name_or_path}: is a program of a wafer; `lockstep run wse2 --workload "
            f"{name_or_path}` runs it"
        ) from None


def kernels_compiled() -> bool:
    """Whether a former run has left compiled kernels."""
    from sim import jit

    return jit.kernels_compiled()


def tell_of_compiling(console: Any) -> None:
    """Say that the first run compiles, if this is one."""
    if not kernels_compiled():
        console.print(f"compiling kernels (once, about {COMPILE_SECONDS} s)")


def simulate(
    machine: "arch.machine.Machine",
    workload: "Workload",
    options: "Options",
    progress: "ProgressCallback",
) -> "Run":
    """Run a workload on a machine. Raises InputError and SimulationError."""
    from sim.simulate import run

    return run(machine, workload, options, progress)


def replay(
    machine: "arch.machine.Machine", path: Path, options: "Options", progress: "ProgressCallback"
) -> "Run":
    """Run a file of commands on a machine. Raises InputError and SimulationError."""
    from sim.simulate import replay

    return replay(machine, path, options, progress)
