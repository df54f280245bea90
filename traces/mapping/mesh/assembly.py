"""A program for a grid from what depends on x and what depends on y, and whether it fits."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import EAST, NORTH, RAMP, SOUTH, WEST, MeshProgram, PeProgram, Region, Route
from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.tiles import Floats, Tiles

Routes = Mapping[int, Route]
AXIS_PORTS = {"x": (EAST, WEST, RAMP), "y": (SOUTH, NORTH, RAMP)}
"""Of a line along an axis: forward, back, ramp."""


@dataclass(frozen=True)
class Mapped:
    """A program, and where its results are."""

    program: MeshProgram
    results: dict[str, Tiles] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Padding, and what else a reader must know."""


def classes(keys: Iterable[Hashable]) -> tuple[npt.NDArray[np.int32], list[int]]:
    """Of positions with a key each: class of each position, and a first position of each class."""
    index: dict[Hashable, int] = {}
    first: list[int] = []
    found = []
    for position, key in enumerate(keys):
        if key not in index:
            index[key] = len(first)
            first.append(position)
        found.append(index[key])
    return np.array(found, np.int32), first


def assemble(
    name: str,
    *,
    keys: tuple[Sequence[Hashable], Sequence[Hashable]],
    pe: Callable[[int, int], PeProgram],
    routes: tuple[Sequence[Routes], Sequence[Routes]],
    regions: Sequence[Region],
    values: dict[str, Floats] | None = None,
) -> MeshProgram:
    """A program of which the PE at (x, y) depends on ``keys[0][x]`` and ``keys[1][y]`` only.

    ``routes`` are those along x by x, and along y by y; their colours differ.
    """
    class_x, first_x = classes(keys[0])
    class_y, first_y = classes(keys[1])
    route_x, line_x = classes(frozenset(each.items()) for each in routes[0])
    route_y, line_y = classes(frozenset(each.items()) for each in routes[1])
    return MeshProgram(
        name=name,
        width=len(keys[0]),
        height=len(keys[1]),
        programs=tuple(pe(x, y) for y in first_y for x in first_x),
        program_of=(class_y[:, None] * len(first_x) + class_x).astype(np.int32),
        routes=tuple({**routes[0][x], **routes[1][y]} for y in line_y for x in line_x),
        route_of=(route_y[:, None] * len(line_x) + route_x).astype(np.int32),
        regions=tuple(regions),
        values=values or {},
    )


def check_grid(where: str, mesh: WaveletMesh, width: int, height: int) -> None:
    """Refuse a grid that a mesh does not have. Raises InputError."""
    if not (1 <= width <= mesh.width and 1 <= height <= mesh.height):
        raise InputError(
            f"{where}: a grid of {width} x {height} PEs; must be 1 x 1 to {mesh.width} x "
            f"{mesh.height}, the mesh {mesh.name}"
        )


def check_colours(where: str, mesh: WaveletMesh, colours: int) -> None:
    """Refuse more colours than a router has. Raises InputError."""
    if colours > mesh.router.colours:
        raise InputError(
            f"{where}: needs {colours} colours; must be {mesh.router.colours} at most, those of a "
            f"router of {mesh.name}"
        )


def check_slots(where: str, mesh: WaveletMesh, slots: int) -> None:
    """Refuse more slots than a PE has; the main one counts. Raises InputError."""
    if slots > mesh.pe.slots:
        raise InputError(
            f"{where}: needs {slots} slots of a PE; must be {mesh.pe.slots} at most, those of "
            f"{mesh.name}"
        )


def check_format(where: str, mesh: WaveletMesh, format: str) -> None:
    """Refuse a format without lanes. Raises InputError."""
    if format not in mesh.pe.lanes:
        raise InputError(
            f"{where}: format {format!r}; must be one of {', '.join(mesh.pe.lanes)}, those that a "
            f"PE of {mesh.name} computes"
        )


def check_memory(
    where: str, mesh: WaveletMesh, grid: tuple[int, int], bytes_at: Callable[[int, int], int]
) -> None:
    """Refuse what a PE's memory does not hold, and say which square grid would.

    ``bytes_at`` is the bytes of a PE on a grid of width x height. Raises InputError.
    """
    need, have = bytes_at(*grid), mesh.pe.data_bytes
    if need <= have:
        return
    largest = min(mesh.width, mesh.height)
    fits = next(
        (side for side in range(max(grid), largest + 1) if bytes_at(side, side) <= have), None
    )
    way_out = (
        f"a grid of {fits} x {fits} would do"
        if fits
        else f"{bytes_at(largest, largest)} bytes on {largest} x {largest}, the largest square grid"
    )
    raise InputError(
        f"{where}: {need} bytes a PE on a grid of {grid[0]} x {grid[1]}; must be {have} at most on "
        f"{mesh.name}; {way_out}"
    )
