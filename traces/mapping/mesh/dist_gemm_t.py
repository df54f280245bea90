"""X W^T on a square grid without a transposition, as WaferLLM (OSDI 2025) scores queries and keys.

W [N, K] lies as X [M, K] does. X stays; blocks of W go round along columns, and the partial sums of
C go round along rows, each PE adding what its part of K gives: a reduction along the row that ends
in a block of C at each PE. At step s the PE at place (r, l) of the rings has block l + r - s of N.
W is aligned for that by the host, C on the grid when it is done.
"""

from collections.abc import Hashable
from functools import cache

import numpy as np
import numpy.typing as npt

from arch.mesh.program import PeProgram, Task, TaskAction
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
from traces.mapping.mesh.shift_gemm import ALIGNED, DONE, SLOTS, Sizes, check_sizes
from traces.mapping.mesh.shifts import Axis, align, alternating, gemm_t_step
from traces.mapping.mesh.tiles import Memory, Tiles
from traces.mesh.commands import act, halt, mark, task


def dist_gemm_t(
    mesh: WaveletMesh, sizes: Sizes, grid: int, format: str = "fp16",
    x: npt.ArrayLike | None = None, w: npt.ArrayLike | None = None,
) -> Mapped:  # fmt: skip
    """Program of C [m, n] = X [m, k] W [n, k]^T; with ``x`` and ``w`` it has values.

    Each element of C is a chain of FMAs from 0, each rounded to ``format``: in row r and block n of
    C over the blocks of K at places n - r, n - r + 1 ... of the ring, in a block ascending.
    Raises InputError.
    """
    where = f"dist_gemm_t:{sizes},grid={grid},{format}"
    check_sizes(where, sizes)
    check_grid(where, mesh, grid, grid)
    check_slots(where, mesh, SLOTS)
    check_format(where, mesh, format)
    check_memory(where, mesh, (grid, grid), lambda *at: _memory(sizes, at, format).bytes)
    rows = Axis("interleaved", "x", grid, 0)
    columns = Axis("interleaved", "y", grid, rows.colours, both=False)
    check_colours(where, mesh, rows.colours + columns.colours)
    tile = mt, kt, nt = sizes.tile(grid, grid)
    memory = _memory(sizes, (grid, grid), format)
    x_at, w_now, w_next, c_now, c_next = (region.start for region in memory.regions)
    w_at, c_at = (w_now, w_next), (c_now, c_next)
    c_ports, w_ports, c_back = rows.ports(), columns.ports(), rows.ports_back()

    @cache
    def stepping(c_port: tuple[int, int], w_port: tuple[int, int], turned: int) -> Task:
        sums_at = c_at[turned], c_at[1 - turned]
        step = gemm_t_step((c_port, w_port), x_at, w_at, sums_at, tile, format)
        commands = [mark(ALIGNED), *alternating(1, grid, step), mark(DONE)]
        return task("steps", [*commands, act(TaskAction.ACTIVATE, 1)], active=True)

    @cache
    def aligning(ports: tuple[int, int], steps: int) -> Task:
        buffers = c_at[steps % 2], c_at[1 - steps % 2]
        return task("align", [*align(ports, steps, mt * nt, buffers, format), halt()])

    # After all steps block l + r is at place l: it goes ahead by r.
    places = rows.ahead.turn
    steps = [rows.alignment(place) for place in places]

    def pe(at_x: int, at_y: int) -> PeProgram:
        count, back = steps[at_y]
        ports = c_back[at_x] if back else c_ports[at_x]
        # The buffer to begin with is that from which C ends in the first one.
        turned = (grid + count) % 2 if grid > 1 else 0
        tasks = stepping(c_ports[at_x], w_ports[at_y], turned), aligning(ports, count)
        return PeProgram(where, tasks)

    x_keys: list[Hashable] = list(zip(c_ports, c_back, strict=True))
    y_keys: list[Hashable] = list(zip(w_ports, steps, strict=True))
    place = np.array(places)
    y, across = np.indices((grid, grid))
    skewed = np.argsort(place)[(place[y] + place[across]) % grid]
    x_tiles = Tiles("x", sizes.m, sizes.k, mt, kt, y, across, column_major=True)
    w_tiles = Tiles("w", sizes.n, sizes.k, nt, kt, skewed, across, column_major=True)
    values = {}
    if x is not None and w is not None:
        values = {"x": x_tiles.placed(x, format), "w": w_tiles.placed(w, format)}
    program = assemble(
        where,
        keys=(x_keys, y_keys),
        pe=pe,
        routes=(rows.routes(), columns.routes()),
        regions=memory.regions,
        values=values,
    )
    c_tiles = Tiles("c", sizes.m, sizes.n, mt, nt, y, across, column_major=True)
    return Mapped(program, {"c": c_tiles}, sizes.padding(tile, (grid, grid)))


def _memory(sizes: Sizes, grid: tuple[int, int], format: str) -> Memory:
    mt, kt, nt = sizes.tile(*grid)
    memory = Memory(format)
    for name, elements in (
        ("x", mt * kt), ("w", kt * nt), ("w_next", kt * nt), ("c", mt * nt), ("c_next", mt * nt),
    ):  # fmt: skip
        memory.add(name, elements)
    return memory
