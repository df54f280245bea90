"""Programs of whole wafers for benchmarks, built by rows and columns."""

from collections.abc import Sequence

import numpy as np

from arch.mesh.program import MeshProgram, PeProgram, Region, Route
from traces.mapping.mesh.allreduce import ktree_allreduce
from traces.mapping.mesh.line import Line, Vector
from traces.mesh.commands import Command, fma, halt, task

Part = tuple[list[Command], dict[int, Route]]


def kinds_of(parts: Sequence[Part]) -> tuple[list[Part], np.ndarray]:
    """Parts that differ, and which of them each place has."""
    names: dict[str, int] = {}
    kinds: list[Part] = []
    of = np.empty(len(parts), np.int64)
    for place, part in enumerate(parts):
        name = repr((part[0], sorted(part[1].items())))
        if name not in names:
            names[name] = len(kinds)
            kinds.append(part)
        of[place] = names[name]
    return kinds, of


def crossed(
    name: str, width: int, height: int, along_x: Line | None, along_y: Line | None,
    regions: tuple[Region, ...], before: Sequence[Command] = (),
) -> MeshProgram:  # fmt: skip
    """What a column does by its x, then what a row does by its y."""
    nothing: Part = ([], {})
    by_x, of_x = kinds_of(
        [(along_x.commands[x], along_x.routes[x]) if along_x else nothing for x in range(width)]
    )
    by_y, of_y = kinds_of(
        [(along_y.commands[y], along_y.turned(y)) if along_y else nothing for y in range(height)]
    )
    programs, routes = [], []
    for commands_y, routes_y in by_y:
        for commands_x, routes_x in by_x:
            commands = [*before, *commands_x, *commands_y, halt()]
            programs.append(PeProgram(f"pe{len(programs)}", (task("all", commands, active=True),)))
            routes.append(routes_x | routes_y)
    of = (of_y[:, None] * len(by_x) + of_x[None, :]).astype(np.int32)
    return MeshProgram(name, width, height, tuple(programs), of, tuple(routes), of, regions)


def allreduce(width: int, height: int, wavelets: int) -> MeshProgram:
    """Two-way K-tree sums of rows, then of columns."""
    vector = Vector(wavelets, 0, "fp32")
    along_x = ktree_allreduce(width, vector)
    along_y = ktree_allreduce(height, Vector(wavelets, 0, "fp32", colour=along_x.colours))
    return crossed(
        f"allreduce-{width}x{height}", width, height, along_x, along_y,
        (Region("vector", 0, wavelets, 2),),
    )  # fmt: skip


def gemv(width: int, height: int, rows: int, columns: int) -> MeshProgram:
    """MeshGEMV: a matrix [columns, rows] of fp16 in tiles, times a vector that columns hold in
    parts; products summed along columns by the two-way K-tree, and sent to all."""
    inner, outer = -(-columns // height), -(-rows // width)
    line = ktree_allreduce(height, Vector(outer, 0))
    tile = fma(outer, dst=0, a=outer, b=outer + inner, count=inner, a_step=1, b_step=outer)
    regions = (
        Region("sum", 0, outer, 0), Region("x", outer, inner, 0),
        Region("tile", outer + inner, inner * outer, 0),
    )  # fmt: skip
    return crossed(f"gemv-{width}x{height}", width, height, None, line, regions, [tile])
