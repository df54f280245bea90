"""What a wavelet mesh refuses before it runs a program; docs/wavelet.md lists it.

Classes of programs and routes are looked at once, routers all at once in NumPy.
"""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np

from arch.errors import InputError
from arch.mesh.program import FORMATS, MeshProgram
from arch.mesh.wavelet import WaveletMesh
from traces.mesh.check_commands import command_faults
from traces.mesh.check_routes import route_faults, switch_faults

TOLD = 8
"""Faults at most that one error tells."""


def check_program(program: MeshProgram, mesh: WaveletMesh) -> None:
    """Raise InputError, a line for each fault, if the mesh cannot run the program.

    A program smaller than the mesh takes its north-west corner; routes end at the program's edges.
    """
    stages = (
        _size(program, mesh),
        chain(_memory(program, mesh), command_faults(program, mesh)),
        chain(route_faults(program, mesh), switch_faults(program)),
    )
    # Later stages index with what earlier ones have seen to be in range.
    for faults in stages:
        lines = list(islice(faults, TOLD))
        if lines:
            raise InputError("\n".join(f"program {program.name}: {line}" for line in lines))


def _size(program: MeshProgram, mesh: WaveletMesh) -> Iterator[str]:
    if not (1 <= program.width <= mesh.width and 1 <= program.height <= mesh.height):
        yield (
            f"is for {program.width} x {program.height} PEs, the mesh {mesh.name} has "
            f"{mesh.width} x {mesh.height}; a program takes the north-west corner of a mesh and "
            "must not be wider or higher"
        )
    shape = (program.height, program.width)
    for name, classes, known in (
        ("program_of", program.program_of, len(program.programs)),
        ("route_of", program.route_of, len(program.routes)),
    ):
        if classes.shape != shape:
            yield f"{name} has shape {classes.shape}; must be {shape}, a class for each PE"
        elif int(classes.min()) < 0 or int(classes.max()) >= known:
            wrong = classes[(classes < 0) | (classes >= known)].flat[0]
            y, x = (int(at[0]) for at in np.nonzero(classes == wrong))
            yield (f"{name} of PE ({x}, {y}) is class {wrong}; there are {known}, 0 to {known - 1}")


def _memory(program: MeshProgram, mesh: WaveletMesh) -> Iterator[str]:
    pe, regions = mesh.pe, {region.name: region for region in program.regions}
    if program.memory_bytes > pe.data_bytes:
        most = max(program.regions, key=lambda region: region.bytes)
        yield (
            f"regions take {program.memory_bytes} bytes of a PE's memory; it has {pe.data_bytes} "
            f"for data (memory_bytes {pe.memory_bytes} less code_bytes {pe.code_bytes}); the "
            f"largest is {most.name} with {most.bytes}: use more PEs, or smaller tiles"
        )
    if len(regions) != len(program.regions):
        yield "two regions have one name; each needs its own"
    for region in program.regions:
        if region.start < 0 or region.elements < 0 or not 0 <= region.format < len(FORMATS):
            yield (
                f"region {region.name} starts at {region.start}, has {region.elements} elements of "
                f"format {region.format}; must be 0 or more, and a format 0 to {len(FORMATS) - 1}"
            )
    for name, values in program.values.items():
        if name not in regions:
            yield f"values of {name!r}: no such region; regions are {', '.join(regions) or 'none'}"
            continue
        shape = (program.height, program.width, regions[name].elements)
        if values.shape != shape:
            yield f"values of {name} have shape {values.shape}; must be {shape}, PEs and elements"
