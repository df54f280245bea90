"""SUMMA: panels of X broadcast along rows, panels of W along columns, C stays.

van de Geijn and Watts, SUMMA: scalable universal matrix multiplication algorithm, 1997. An axis
has one colour with three positions: before a PE's turn to send, in it, and after it. Its last
wavelet is a control that ends its turn and begins that of the next PE. A root hears itself, so all
PEs run one program. Tasks wait for wavelets: there is one buffer for a panel of X and one of W, so
the peak is twice the tiles, and a panel comes in when the one before it is used.
"""

from math import lcm

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import RAMP, Control, PeProgram, Route, TaskAction
from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import (
    AXIS_PORTS,
    Mapped,
    assemble,
    check_colours,
    check_format,
    check_grid,
    check_memory,
    check_slots,
)
from traces.mapping.mesh.shift_gemm import Sizes, check_only, check_sizes
from traces.mapping.mesh.shifts import product
from traces.mapping.mesh.summa_steps import Forward, summa_steps
from traces.mapping.mesh.tiles import Memory, Tiles
from traces.mesh.commands import act, ctrl, recv, send, task

SLOTS = 5
POSITIONS = 3
X, W = 0, 1
"""Colours."""
START, PANEL, PRODUCT, X_ENDS, W_ENDS = range(5)
"""Tasks."""


def summa(
    mesh: WaveletMesh, sizes: Sizes, grid: tuple[int, int], format: str = "fp16",
    x: npt.ArrayLike | None = None, w: npt.ArrayLike | None = None, forward: Forward = "multicast",
    only: int | None = None,
) -> Mapped:  # fmt: skip
    """Program of C = X W on a grid of width x height PEs; with ``x`` and ``w`` it has values.

    Each element of C is a chain of FMAs from 0 over ascending k, each rounded to ``format``.
    ``forward``: routers multicast a panel, or PEs relay it. ``only``: just this step, on what the
    one before left in memory. Both on square grids, see ``summa_steps``.
    Raises InputError.
    """
    width, height = grid
    where = f"summa:{sizes},grid={width}x{height},{format}"
    check_sizes(where, sizes)
    check_grid(where, mesh, width, height)
    check_format(where, mesh, format)
    check_slots(where, mesh, SLOTS)
    check_colours(where, mesh, 2)
    if mesh.router.switch_positions < POSITIONS:
        raise InputError(
            f"{where}: needs {POSITIONS} positions of a colour; must be "
            f"{mesh.router.switch_positions} at most, those of {mesh.name}"
        )
    check_memory(where, mesh, grid, lambda *at: _memory(sizes, at, format)[0].bytes)
    laid, panel = _memory(sizes, grid, format)
    if forward != "multicast" or only is not None:
        if width != height:
            raise InputError(
                f"{where}: a grid of {width} x {height} PEs; forward and step need a square grid"
            )
        check_only(where, only, width)
        return summa_steps(where, mesh, sizes, width, format, laid, forward, only, x, w)
    x_own, w_own, x_panel, w_panel, c = (region.start for region in laid.regions)
    mt, kp, nt = panel
    x_elements, w_elements = laid.regions[0].elements, laid.regions[1].elements
    start = [
        send(X, x_elements, x_own, format, 1, then=X_ENDS),
        send(W, w_elements, w_own, format, 2, then=W_ENDS),
    ]
    take = [
        act(TaskAction.BLOCK, PANEL),
        recv(X, mt * kp, x_panel, format, 3, then=PRODUCT),
        recv(W, kp * nt, w_panel, format, 4, then=PRODUCT, then_action=TaskAction.UNBLOCK),
    ]
    work = [
        act(TaskAction.BLOCK, PRODUCT),
        *product(1, c, x_panel, w_panel, panel, format),
        act(TaskAction.UNBLOCK, PANEL),
    ]
    # In microthreads too: a small tile waits in the queue of the ramp for its turn.
    on = [Control.ADVANCE, Control.ADVANCE]
    tasks = (
        task("start", start, active=True),
        task("panel", take, colour=X),
        task("product", work, blocked=True),
        task("x ends", [ctrl(X, on, 1)]),
        task("w ends", [ctrl(W, on, 2)]),
    )
    program = PeProgram(where, tasks, serves=True)
    kt_x, kt_w = x_elements // mt, w_elements // nt
    y_at, x_at = np.indices((height, width))
    tiles = {
        "x": Tiles("x", sizes.m, sizes.k, mt, kt_x, y_at, x_at, column_major=True),
        "w": Tiles("w", sizes.k, sizes.n, kt_w, nt, y_at, x_at),
        "c": Tiles("c", sizes.m, sizes.n, mt, nt, y_at, x_at, column_major=True),
    }
    values = {}
    if x is not None and w is not None:
        values = {"x": tiles["x"].placed(x, format), "w": tiles["w"].placed(w, format)}
    made = assemble(
        where,
        keys=([0] * width, [0] * height),
        pe=lambda *_: program,
        routes=(
            [{X: _turns("x", at, width)} for at in range(width)],
            [{W: _turns("y", at, height)} for at in range(height)],
        ),
        regions=laid.regions,
        values=values,
    )
    notes = sizes.padding((mt, kt_x, nt), grid)
    return Mapped(made, {"c": tiles["c"]}, notes)


def _memory(
    sizes: Sizes, grid: tuple[int, int], format: str
) -> tuple[Memory, tuple[int, int, int]]:
    """Regions of a PE, and Mt, columns of X in a panel, Nt."""
    width, height = grid
    panels = lcm(width, height)
    mt, kp, nt = sizes.tile(width, height, panels)
    if format != "fp32" and (mt % 2 or nt % 2) and panels > min(width, height):
        # Panels of one tile go out in one command: none may end inside a wavelet.
        kp += kp % 2
    laid = Memory(format)
    laid.add("x", mt * kp * (panels // width))
    laid.add("w", kp * (panels // height) * nt)
    laid.add("x_panel", mt * kp)
    laid.add("w_panel", kp * nt)
    laid.add("c", mt * nt)
    return laid, (mt, kp, nt)


def _turns(axis: str, at: int, positions: int) -> Route:
    """Before the turn of the PE ``at`` wavelets come from behind, then its own, then from ahead."""
    ahead, behind, _ = AXIS_PORTS[axis]
    on = (ahead,) if at < positions - 1 else ()
    back = (behind,) if at else ()
    own = (RAMP, (*on, *back, RAMP))
    before = ((behind, (*on, RAMP)),) if at else ()
    after = ((ahead, (*back, RAMP)),) if at < positions - 1 else ()
    return Route((*before, own, *after))
