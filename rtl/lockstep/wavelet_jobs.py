"""Programs for a wavelet mesh's PEs while its hardware is in lockstep."""

from arch.errors import InputError
from arch.mesh.program import MeshProgram
from arch.mesh.wavelet import WaveletMesh
from rtl.lockstep.wavelet import WaveletTwin
from rtl.lockstep.wavelet_eras import Job
from rtl.mesh.wavelet_parameters import SIDE_MAX
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh.workloads import build
from traces.mesh.check import check_program


def job_of(mesh: WaveletMesh, program: MeshProgram) -> Job:
    """Raises InputError and SimulationError for a program that the mesh cannot run to its end."""
    return Job(program, run_program(mesh, program, values=False).cycles)


def whole_program(mesh: WaveletMesh, workload: str) -> MeshProgram:
    """The program of a workload by its name and options. Raises InputError for one that the mesh
    cannot run, and for one that leaves a part of it free."""
    program = build(workload, mesh).program
    check_program(program, mesh)
    if (program.width, program.height) != (mesh.width, mesh.height):
        raise InputError(
            f"{workload}: is for {program.width} x {program.height} PEs; must be for "
            f"{mesh.width} x {mesh.height}, all of {mesh.name}"
        )
    return program


def part_of(mesh: WaveletMesh, program: MeshProgram) -> WaveletMesh:
    """The mesh without what the program leaves free."""
    return mesh.model_copy(update={"width": program.width, "height": program.height})


def program_twin(mesh: WaveletMesh, workload: str) -> WaveletTwin:
    """The twin of the part of a mesh that a workload takes, by its name and options.

    Its PEs run the program on random numbers, again and again. Raises InputError.
    """
    program = build(workload, mesh).program
    if max(program.width, program.height) > SIDE_MAX:
        # Before a run of what may be a whole wafer.
        raise InputError(
            f"{workload}: takes {program.width} x {program.height} PEs; hardware is of "
            f"{SIDE_MAX} x {SIDE_MAX} at most: give it a smaller grid, as grid=2"
        )
    return WaveletTwin(part_of(mesh, program), (job_of(mesh, program),))
