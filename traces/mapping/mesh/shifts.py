"""Tiles that go round rings in steps, double buffered: what a PE does in a step.

The shape is that of WaferLLM's kernels: a send and a receive in microthreads for each matrix that
moves, and all of them joined before the next step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from arch.mesh.program import NONE, Route
from traces.mapping.mesh.ring import RING_COLOURS, Ring, ring
from traces.mesh.commands import Command, fma, loop, recv, send, wait

Kind = Literal["interleaved", "wrapped"]


@dataclass(frozen=True)
class Axis:
    """The rings along an axis: one for the steps, and its reverse, which alignment may need."""

    kind: Kind
    axis: Literal["x", "y"]
    positions: int
    colour: int
    """First of its colours."""
    both: bool = True
    """Whether there is a reverse ring."""

    @property
    def ahead(self) -> Ring:
        """The ring of the steps."""
        return ring(self.kind, self.positions)

    @property
    def back(self) -> Ring:
        """The ring against it."""
        return ring(self.kind, self.positions, reverse=True)

    @property
    def colours(self) -> int:
        """That it takes."""
        return RING_COLOURS * (2 if self.both else 1)

    def routes(self) -> list[dict[int, Route]]:
        """Of each position along the axis."""
        made = self.ahead.routes(self.axis, self.colour)
        if not self.both:
            return made
        other = self.back.routes(self.axis, self.colour + RING_COLOURS)
        return [{**one, **two} for one, two in zip(made, other, strict=True)]

    def ports(self) -> list[tuple[int, int]]:
        """Colours that each position sends and receives in the steps."""
        return self._colours(self.ahead, self.colour)

    def ports_back(self) -> list[tuple[int, int]]:
        """The same of the reverse ring."""
        return self._colours(self.back, self.colour + RING_COLOURS)

    def _colours(self, line: Ring, first: int) -> list[tuple[int, int]]:
        return [
            (NONE, NONE) if sends == NONE else (first + sends, first + receives)
            for sends, receives in zip(line.sends, line.receives, strict=True)
        ]

    def alignment(self, distance: int) -> tuple[int, bool]:
        """Steps, and whether they go back, that move a tile ``distance`` places ahead."""
        ahead = distance % self.positions
        back = self.positions - ahead
        return (back, True) if 0 < back <= ahead else (ahead, False)


def move(
    ports: tuple[int, int], length: int, source: int, target: int, format: str, slot: int
) -> list[Command]:
    """A tile on to the next PE and another one in, in microthreads ``slot`` and ``slot + 1``."""
    sends, receives = ports
    if sends == NONE:
        return []
    return [
        send(sends, length, source, format, slot),
        recv(receives, length, target, format, slot + 1),
    ]


def alternating(
    at: int, steps: int, body: Callable[[int, int], Sequence[Command]], level: int = 0
) -> list[Command]:
    """Commands of ``steps`` steps from command ``at`` of a task on.

    ``body(at, parity)`` are those of a step; two of them are a turn of the loop.
    """
    commands: list[Command] = []
    if steps > 1:
        commands += body(at, 0)
        commands += body(at + len(commands), 1)
        if steps > 3:
            commands.append(loop(at, steps // 2, level))
    if steps % 2:
        commands += body(at + len(commands), 0)
    return commands


def align(
    ports: tuple[int, int], steps: int, length: int, buffers: tuple[int, int], format: str
) -> list[Command]:
    """Steps that only move; the tile is in ``buffers[steps % 2]`` after them."""

    def step(at: int, parity: int) -> list[Command]:
        there, here = buffers[1 - parity], buffers[parity]
        return [*move(ports, length, here, there, format, 1), wait(1, 2)]

    return alternating(0, steps, step)


def product(
    at: int, c: int, x: int, w: int, tile: tuple[int, int, int], format: str,
    columns_first: bool = False,
) -> list[Command]:  # fmt: skip
    """C += X W of a PE, from command ``at`` on: for each k as many vectors of Mt as W has columns.

    X is [Kt][Mt], C [Nt][Mt], W [Kt][Nt], or [Nt][Kt] if ``columns_first``; ``tile`` is Mt, Kt, Nt.
    The loop over k has level 1.
    """
    mt, kt, nt = tile
    step, turn = (kt, 1) if columns_first else (1, nt)
    commands = [
        fma(
            mt, c, w, x, format, count=nt, dst_step=mt, a_step=step, a_turn=(0, turn),
            b_turn=(0, mt),
        )
    ]  # fmt: skip
    if kt > 1:
        commands.append(loop(at, kt, 1))
    return commands


def gemm_step(
    ports: tuple[tuple[int, int], tuple[int, int]], x: tuple[int, int], w: tuple[int, int], c: int,
    tile: tuple[int, int, int], format: str, columns_first: bool = False,
) -> Callable[[int, int], list[Command]]:  # fmt: skip
    """A step of C += X W for ``alternating``: X and W move, C stays.

    ``ports`` are those of X and of W; ``x`` and ``w`` are two buffers each.
    """
    mt, kt, nt = tile

    def step(at: int, parity: int) -> list[Command]:
        moves = [
            *move(ports[0], mt * kt, x[parity], x[1 - parity], format, 1),
            *move(ports[1], kt * nt, w[parity], w[1 - parity], format, 3),
        ]
        work = product(at + len(moves), c, x[parity], w[parity], tile, format, columns_first)
        return [*moves, *work, wait(1, 2, 3, 4)]

    return step


def gemm_t_step(
    ports: tuple[tuple[int, int], tuple[int, int]], x: int, w: tuple[int, int], c: tuple[int, int],
    tile: tuple[int, int, int], format: str,
) -> Callable[[int, int], list[Command]]:  # fmt: skip
    """A step of C += X W^T for ``alternating``: W moves, then C, whose ports are the first."""
    mt, kt, nt = tile

    def step(at: int, parity: int) -> list[Command]:
        moves = move(ports[1], kt * nt, w[parity], w[1 - parity], format, 1)
        work = product(at + len(moves), c[parity], x, w[parity], tile, format)
        sums = move(ports[0], mt * nt, c[parity], c[1 - parity], format, 3)
        return [*moves, *work, *sums, wait(1, 2, 3, 4)]

    return step
