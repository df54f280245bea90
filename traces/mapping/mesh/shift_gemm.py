"""X W on a square grid by shifts: X goes round along rows, W along columns, C stays.

At step s the PE at place (r, l) of the rings has block l + r - s of K. W is aligned for that by the
host, X on the grid or by the host too: then all PEs begin their steps at once.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import NONE, PeProgram, Task, TaskAction
from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import (
    Mapped,
    assemble,
    check_colours,
    check_format,
    check_grid,
    check_memory,
    check_slots,
)
from traces.mapping.mesh.shifts import Axis, Kind, align, alternating, gemm_step, move
from traces.mapping.mesh.tiles import Memory, Tiles
from traces.mesh.commands import Command, act, halt, mark, task, wait

SLOTS = 5
"""The main one, and two for each matrix that moves."""
ALIGNED, DONE, TURN = 0, 1, 2
"""Marks: before the steps, after them, and before each second one, so that steady ones are seen."""

Align = Literal["grid", "host"]
"""Who aligns X."""


@dataclass(frozen=True)
class Sizes:
    """Of X [m, k] W [k, n] = C [m, n]."""

    m: int
    k: int
    n: int

    def __str__(self) -> str:
        return f"m={self.m},k={self.k},n={self.n}"

    def tile(self, width: int, height: int, inner: int | None = None) -> tuple[int, int, int]:
        """Mt, Kt, Nt on a grid; K is cut into ``inner`` parts, else as many as the width."""
        return -(-self.m // height), -(-self.k // (inner or width)), -(-self.n // width)

    def padding(self, tile: tuple[int, int, int], grid: tuple[int, int]) -> tuple[str, ...]:
        """A note if tiles on a grid of width x height reach beyond the matrices."""
        m, k, n = tile[0] * grid[1], tile[1] * grid[0], tile[2] * grid[0]
        if (m, k, n) == (self.m, self.k, self.n):
            return ()
        return (f"padded with zeros to m={m}, k={k}, n={n}",)


def shift_gemm(
    where: str, kind: Kind, mesh: WaveletMesh, sizes: Sizes, grid: int, format: str = "fp16",
    x: npt.ArrayLike | None = None, w: npt.ArrayLike | None = None, align_by: Align = "grid",
    only: int | None = None, answered: bool = False,
) -> Mapped:  # fmt: skip
    """Program of C = X W on ``grid`` x ``grid`` PEs; with ``x`` and ``w`` it has values.

    Each element of C is a chain of FMAs from 0, each rounded to ``format``: over the blocks of K in
    the order of the steps, in a block ascending. ``only``: of the steps just this one, on what the
    one before left in memory, X aligned by the host. ``answered``: a PE that is through with a step
    tells those who sent it tiles, and goes on when it is told; three more colours. Raises
    InputError.
    """
    check(where, mesh, sizes, grid, format)
    check_only(where, only, grid)
    by_host = align_by == "host" or only is not None
    rows = Axis(kind, "x", grid, 0)
    columns = Axis(kind, "y", grid, rows.colours, both=answered)
    check_colours(where, mesh, rows.colours + columns.colours)
    tile = mt, kt, nt = sizes.tile(grid, grid)
    memory = Memory(format)
    buffers_x = memory.add("x", mt * kt), memory.add("x_next", mt * kt)
    buffers_w = memory.add("w", kt * nt), memory.add("w_next", kt * nt)
    c = memory.add("c", mt * nt)
    x_ports, w_ports, x_back = rows.ports(), columns.ports(), rows.ports_back()
    w_back = columns.ports_back() if answered else [(NONE, NONE)] * grid

    @cache
    def aligning(ports: tuple[int, int], steps: int) -> Task:
        moves = align(ports, steps, mt * kt, buffers_x, format)
        return task("align", [*moves, act(TaskAction.ACTIVATE, 1)], active=True)

    @cache
    def stepping(ports: tuple[tuple[int, int], ...], turned: int) -> Task:
        x_port, w_port, *back = ports
        x_at = buffers_x[turned], buffers_x[1 - turned]
        step = gemm_step((x_port, w_port), x_at, buffers_w, c, tile, format)
        answers: list[Command] = []
        if answered:
            for slot, port in zip((1, 3), back, strict=True):
                answers += move(port, 1, 0, NONE, format, slot)
            answers.append(wait(1, 2, 3, 4))

        def marked(at: int, parity: int) -> list[Command]:
            marks = [] if parity else [mark(TURN)]
            return [*marks, *step(at + len(marks), parity), *answers]

        doing = alternating(1, grid, marked) if only is None else marked(1, only % 2)
        return task("steps", [mark(ALIGNED), *doing, mark(DONE), halt()], active=by_host)

    places = rows.ahead.turn
    steps = [(0, False) if by_host else rows.alignment(-place) for place in places]

    def pe(at_x: int, at_y: int) -> PeProgram:
        count, back = steps[at_y]
        ports = x_back[at_x] if back else x_ports[at_x]
        steps_of = stepping((x_ports[at_x], w_ports[at_y], x_back[at_x], w_back[at_y]), count % 2)
        return PeProgram(where, (steps_of,) if by_host else (aligning(ports, count), steps_of))

    x_keys: list[Hashable] = list(zip(x_ports, x_back, strict=True))
    y_keys: list[Hashable] = list(zip(w_ports, w_back, steps, strict=True))
    results = layout(sizes, grid, places, by_host)
    values = {}
    if x is not None and w is not None:
        values = {"x": results["x"].placed(x, format), "w": results["w"].placed(w, format)}
    program = assemble(
        where,
        keys=(x_keys, y_keys),
        pe=pe,
        routes=(rows.routes(), columns.routes()),
        regions=memory.regions,
        values=values,
    )
    return Mapped(program, {"c": results["c"]}, sizes.padding(tile, (grid, grid)))


def layout(
    sizes: Sizes, grid: int, places: tuple[int, ...], by_host: bool = False
) -> dict[str, Tiles]:
    """Tiles of X, W (skewed by the host, X too if ``by_host``) and C; ``places`` of the positions
    in their ring."""
    mt, kt, nt = sizes.tile(grid, grid)
    place = np.array(places)
    at = np.argsort(place)
    y, x = np.indices((grid, grid))
    skewed = at[(place[y] + place[x]) % grid]
    skewed_x = skewed if by_host else x
    return {
        "x": Tiles("x", sizes.m, sizes.k, mt, kt, y, skewed_x, column_major=True),
        "w": Tiles("w", sizes.k, sizes.n, kt, nt, skewed, x),
        "c": Tiles("c", sizes.m, sizes.n, mt, nt, y, x, column_major=True),
    }


def check_sizes(where: str, sizes: Sizes) -> None:
    """Refuse matrices without elements. Raises InputError."""
    for name, size in vars(sizes).items():
        if size < 1:
            raise InputError(f"{where}: {name} must be at least 1, not {size}")


def check_only(where: str, only: int | None, steps: int) -> None:
    """Refuse a step that there is not. Raises InputError."""
    if only is not None and not 0 <= only < steps:
        raise InputError(f"{where}: step must be 0 to {steps - 1}, not {only}")


def check(where: str, mesh: WaveletMesh, sizes: Sizes, grid: int, format: str) -> None:
    """Refuse what does not fit. Raises InputError."""
    check_sizes(where, sizes)
    check_grid(where, mesh, grid, grid)
    check_slots(where, mesh, SLOTS)
    check_format(where, mesh, format)

    def bytes_at(width: int, height: int) -> int:
        mt, kt, nt = sizes.tile(width, height)
        memory = Memory(format)
        for elements in (mt * kt, mt * kt, kt * nt, kt * nt, mt * nt):
            memory.add("", elements)
        return memory.bytes

    check_memory(where, mesh, (grid, grid), bytes_at)
