"""SUMMA step by step on a square grid: panels forwarded by PEs, or one step on its own.

A step's root sends its tile of X along its row and its tile of W along its column. *relay*: each PE
takes a wavelet, keeps it and sends it to the next one, as where there are more paths than colours
(WaferLLM, OSDI 2025, section 5); an axis has two colours each way. *multicast*: routers do it, by
one colour whose routes are those of one step.
"""

from collections.abc import Hashable
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from arch.mesh.program import EAST, NONE, RAMP, WEST, Combine, PeProgram
from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import Mapped, assemble, check_colours
from traces.mapping.mesh.line import Line
from traces.mapping.mesh.shift_gemm import ALIGNED, DONE, Sizes
from traces.mapping.mesh.shifts import product
from traces.mapping.mesh.tiles import Memory, Tiles
from traces.mesh.commands import Command, halt, loop, mark, recv, relay, send, task, wait

Forward = Literal["multicast", "relay"]
COLOURS = {"multicast": 1, "relay": 4}
"""Of an axis."""


def summa_steps(
    where: str, mesh: WaveletMesh, sizes: Sizes, grid: int, format: str, laid: Memory,
    forward: Forward, only: int | None, x: npt.ArrayLike | None, w: npt.ArrayLike | None,
) -> Mapped:  # fmt: skip
    """Program of C = X W; ``laid`` is x, w, their panels and c. ``only``: just this step, on what
    the one before left in memory; all of them for ``relay`` only.

    PEs differ by when they are roots: all steps take a program for each PE. Raises InputError.
    """
    colours = COLOURS[forward]
    check_colours(where, mesh, 2 * colours)
    tile = mt, kt, nt = sizes.tile(grid, grid)
    x_own, w_own, x_panel, w_panel, c = (region.start for region in laid.regions)
    first, last = (0, grid) if only is None else (only, only + 1)

    def step(at: int, at_x: int, at_y: int, root: int) -> list[Command]:
        along_x = _Leg(forward, 0, 1, grid, at_x, root, mt * kt, x_own, x_panel)
        along_y = _Leg(forward, colours, 3, grid, at_y, root, kt * nt, w_own, w_panel)
        moves = [*along_x.moves(format), *along_y.moves(format)]
        slots = [leg.slot for leg in (along_x, along_y) if leg.place != root]
        if slots:
            moves.append(wait(*slots))
        from_x, from_w = along_x.panel, along_y.panel
        return [*moves, *product(at + len(moves), c, from_x, from_w, tile, format)]

    def pe(at_x: int, at_y: int) -> PeProgram:
        commands = [mark(ALIGNED)]
        edges = {first, last, *(at + by for at in (at_x, at_y) for by in (0, 1))}
        for begin, end in pairwise(sorted(edge for edge in edges if first <= edge <= last)):
            at = len(commands)
            commands += step(at, at_x, at_y, begin)
            if end - begin > 1:
                commands.append(loop(at, end - begin))
        commands += [wait(1, 2, 3, 4), mark(DONE), halt()]
        return PeProgram(where, (task("steps", commands, active=True),))

    keys: list[Hashable] = [
        at if only is None else (np.sign(at - only), at % 2, at in (0, grid - 1))
        for at in range(grid)
    ]
    rows, columns = (_routes(forward, grid, colour, only) for colour in (0, colours))
    y_at, x_at = np.indices((grid, grid))
    tiles = {
        "x": Tiles("x", sizes.m, sizes.k, mt, kt, y_at, x_at, column_major=True),
        "w": Tiles("w", sizes.k, sizes.n, kt, nt, y_at, x_at),
        "c": Tiles("c", sizes.m, sizes.n, mt, nt, y_at, x_at, column_major=True),
    }
    values = {}
    if x is not None and w is not None:
        values = {"x": tiles["x"].placed(x, format), "w": tiles["w"].placed(w, format)}
    program = assemble(
        where,
        keys=(keys, keys),
        pe=pe,
        routes=(rows.routes, [columns.turned(place) for place in range(grid)]),
        regions=laid.regions,
        values=values,
    )
    return Mapped(program, {"c": tiles["c"]}, sizes.padding(tile, (grid, grid)))


class _Leg:
    """What a place of a line does in a step, and where its panel is then."""

    def __init__(
        self, forward: Forward, colour: int, slot: int, places: int, place: int, root: int,
        length: int, own: int, panel: int,
    ) -> None:  # fmt: skip
        self.forward, self.colour, self.length = forward, colour, length
        self.places, self.place, self.root = places, place, root
        # A slot each way: what is forwarded waits for what was sent that way before.
        self.back = root > place and forward == "relay"
        self.slot = slot + self.back
        self.panel = own if place == root else panel

    def moves(self, format: str) -> list[Command]:
        if self.place == self.root:
            return [
                send(colour, self.length, self.panel, format, self.slot + back)
                for back, colour in self._out()
            ]
        if self.forward == "multicast":
            return [recv(self.colour, self.length, self.panel, format, self.slot)]
        came = _hop(self.colour, self.place + (1 if self.back else -1), self.back)
        if self.place == (0 if self.back else self.places - 1):
            return [recv(came, self.length, self.panel, format, self.slot)]
        on = _hop(self.colour, self.place, self.back)
        return [
            relay(
                came, on, self.length, NONE, format, self.slot, Combine.NONE, dst=self.panel
            )
        ]  # fmt: skip

    def _out(self) -> list[tuple[bool, int]]:
        """Ways that a root sends, back or not, and their colours."""
        if self.forward == "multicast":
            return [(False, self.colour)] if self.places > 1 else []
        ends = ((False, self.places - 1), (True, 0))
        return [
            (back, _hop(self.colour, self.place, back)) for back, end in ends if self.place != end
        ]


def _hop(colour: int, sender: int, back: bool) -> int:
    """Colour of a hop from ``sender``: neighbours differ, and so do the ways."""
    return colour + (2 if back else 0) + sender % 2


def _routes(forward: Forward, places: int, colour: int, root: int | None) -> Line:
    line = Line(places)
    if places == 1:
        return line
    if forward == "multicast":
        assert root is not None
        line.multicast(colour, root)
        return line
    for place in range(places - 1):
        line.route(place, _hop(colour, place, False), (RAMP, (EAST,)))
        line.route(place + 1, _hop(colour, place, False), (WEST, (RAMP,)))
        line.route(place + 1, _hop(colour, place + 1, True), (RAMP, (WEST,)))
        line.route(place, _hop(colour, place + 1, True), (EAST, (RAMP,)))
    return line
