"""Collectives by name, along x, y or both, as programs of a mesh."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import (
    EAST,
    FORMATS,
    NORTH,
    RAMP,
    SOUTH,
    WEST,
    Combine,
    MeshProgram,
    PeProgram,
    Region,
    Route,
)
from traces.mapping.mesh.allreduce import (
    broadcast,
    chain_allreduce,
    ktree_allreduce,
    ring_allreduce,
)
from traces.mapping.mesh.line import Line, Vector
from traces.mapping.mesh.reduce import chain, star, tree, two_phase
from traces.mesh.commands import Command, halt, task

Axis = Literal["x", "y", "both"]
COLLECTIVES: dict[str, Callable[..., Line]] = {
    "star": star,
    "chain": chain,
    "tree": tree,
    "two_phase": two_phase,
    "broadcast": broadcast,
    "ring_allreduce": ring_allreduce,
    "chain_allreduce": chain_allreduce,
    "ktree_allreduce": ktree_allreduce,
}
REDUCTIONS = ("star", "chain", "tree", "two_phase")
"""What they make is in the first PE of a line; of allreduces it is in all."""
Part = tuple[list[Command], dict[int, Route]]


def collective(
    kind: str, width: int, height: int, elements: int, *, axis: Axis = "x", format: str = "fp16",
    combine: Combine = Combine.ADD, values: npt.NDArray[np.float32] | None = None, **options: int,
) -> MeshProgram:  # fmt: skip
    """A program in which rows, columns, or rows and then columns do this at once.

    Of ``both`` a reduction takes rows, then the first column; an allreduce rows, then columns; the
    broadcast is one tree, from PE (0, 0) along the first row and down all columns. Each PE has a
    vector of ``elements``, the region ``vector``, of which ``values`` are [height, width,
    elements]. Options are those of the kind: ``group`` of two_phase, ``groups`` of ktree_allreduce.
    Raises InputError for a line of fewer than two PEs, or groups that are not there.
    """
    if kind not in COLLECTIVES:
        raise InputError(f"collective {kind!r}; known are {', '.join(COLLECTIVES)}")
    vector = Vector(elements, 0, format, combine)
    for name, places in (("x", width), ("y", height)):
        if axis in (name, "both") and places < 2:
            raise InputError(f"{kind} along {name}: {places} PEs; must be 2 at least")
        for option, number in options.items():
            if axis in (name, "both") and not 0 <= number <= places:
                raise InputError(f"{kind} along {name}: {option} {number}; must be 0 to {places}")
    build = COLLECTIVES[kind]
    along_x = build(width, vector, **options) if axis != "y" else None
    after = replace(vector, colour=along_x.colours if along_x else 0)
    along_y = build(height, after, **options) if axis != "x" else None
    if kind == "broadcast" and along_x and along_y:
        parts = _one_tree(along_x, along_y)
    else:
        only_first = kind in REDUCTIONS and axis == "both"
        parts = _one_after_the_other(width, height, along_x, along_y, only_first)
    regions = (Region("vector", 0, elements, FORMATS.index(format)),)
    name = f"{kind}-{axis}-{width}x{height}-{elements}"
    return laid(name, width, height, parts, regions, {} if values is None else {"vector": values})


def laid(
    name: str, width: int, height: int, parts: Iterator[Part], regions: tuple[Region, ...],
    values: dict[str, npt.NDArray[np.float32]],
) -> MeshProgram:  # fmt: skip
    """A program of what each PE does once, row by row; those that do the same share a class."""
    classes: dict[str, int] = {}
    programs: list[PeProgram] = []
    routes: list[dict[int, Route]] = []
    of = np.empty((height, width), np.int32)
    for number, (commands, routed) in enumerate(parts):
        key = repr((commands, sorted(routed.items())))
        if key not in classes:
            classes[key] = len(programs)
            programs.append(
                PeProgram(f"pe{len(programs)}", (task("all", [*commands, halt()], active=True),))
            )
            routes.append(routed)
        of.flat[number] = classes[key]
    return MeshProgram(name, width, height, tuple(programs), of, tuple(routes), of, regions, values)


def _one_after_the_other(
    width: int, height: int, along_x: Line | None, along_y: Line | None, only_first: bool
) -> Iterator[Part]:
    for y in range(height):
        for x in range(width):
            commands: list[Command] = []
            routes: dict[int, Route] = {}
            if along_x:
                commands, routes = commands + along_x.commands[x], routes | along_x.routes[x]
            if along_y and not (only_first and x):
                commands, routes = commands + along_y.commands[y], routes | along_y.turned(y)
            yield commands, routes


def _one_tree(along_x: Line, along_y: Line) -> Iterator[Part]:
    """A multicast from the corner; colours and commands are those of the row."""
    width, height = along_x.places, along_y.places
    (colour,) = along_x.routes[0]
    for y in range(height):
        for x in range(width):
            source = RAMP if x == y == 0 else NORTH if y else WEST
            outs = (
                ((EAST,) if y == 0 and x + 1 < width else ())
                + ((SOUTH,) if y + 1 < height else ())
                + ((RAMP,) if source != RAMP else ())
            )
            commands: Any = along_x.commands[0 if x == y == 0 else 1]
            yield commands, {colour: Route(((source, outs),))}
