"""Products and row statistics of a prefill: tasks on a square grid, tiles with rows neighbours."""

from arch.mesh.program import Combine, Function
from traces.mapping.mesh.flow import ALLREDUCE_COLOURS, allreduce
from traces.mapping.mesh.line import Line, Vector
from traces.mapping.mesh.sequence import Script, Tasks
from traces.mapping.mesh.shifts import Axis, align, alternating, gemm_step, gemm_t_step
from traces.mesh.commands import Command, vec

Buffers = tuple[int, int]
Tile = tuple[int, int, int]
"""Mt, Kt, Nt."""


class Steps:
    """The rings of a grid, and what is built of them."""

    def __init__(self, tasks: Tasks, side: int, format: str, kind: str, groups: int) -> None:
        self.tasks, self.side, self.format = tasks, side, format
        self.rows = Axis("interleaved", "x", side, 0)
        self.columns = Axis("interleaved", "y", side, self.rows.colours)
        self.kind, self.groups = kind, groups
        self.reduce_colour = self.rows.colours + self.columns.colours
        self.colours = self.reduce_colour + ALLREDUCE_COLOURS[kind]
        self.x_ports, self.y_ports = self.rows.ports(), self.columns.ports()
        self.places = self.rows.ahead.turn
        self.lines: dict[Vector, Line] = {}
        self.x_routes = [dict(each) for each in self.rows.routes()]
        line = self._line(1, 0, Combine.ADD)
        for known, more in zip(self.x_routes, line.routes, strict=True):
            known |= more

    def align_rows(
        self, name: str, buffers: Buffers, length: int, ahead: int = -1, ends: int | None = None
    ) -> list[int]:
        """Tiles of row r go ``ahead * r`` places on; the buffer in which each row's end.

        With ``ends`` they begin where they must, to end in that buffer.
        """
        moves = [self.rows.alignment(ahead * place) for place in self.places]
        back, ports = self.rows.ports_back(), self.x_ports

        def build(x: int, y: int) -> list[Command]:
            steps, reverse = moves[y]
            turned = 0 if ends is None else (ends + steps) % 2
            order = buffers[turned], buffers[1 - turned]
            return align((back if reverse else ports)[x], steps, length, order, self.format)

        self.tasks.add(name, build, list(zip(ports, back, strict=True)), moves)
        return [steps % 2 for steps, _ in moves]

    def align_columns(self, name: str, buffers: Buffers, length: int) -> list[int]:
        """Tiles of column l go back by l places; the buffer in which each column's end."""
        moves = [self.columns.alignment(-place) for place in self.places]
        back, ports = self.columns.ports_back(), self.y_ports

        def build(x: int, y: int) -> list[Command]:
            steps, reverse = moves[x]
            return align((back if reverse else ports)[y], steps, length, buffers, self.format)

        self.tasks.add(name, build, moves, list(zip(ports, back, strict=True)))
        return [steps % 2 for steps, _ in moves]

    def gemm(
        self, script: Script, at: tuple[int, int], x: Buffers, w: Buffers, c: int, tile: Tile,
        columns_first: bool = False,
    ) -> None:  # fmt: skip
        """C = X W at the PE ``at``, from aligned tiles in the first of their buffers."""
        ports = self.x_ports[at[0]], self.y_ports[at[1]]
        step = gemm_step(ports, x, w, c, tile, self.format, columns_first)
        script.add(vec(Function.FILL, tile[0] * tile[2], c, format=self.format))
        script.then(lambda first: alternating(first, self.side, step))

    def gemm_t(
        self, script: Script, at: tuple[int, int], x: int, w: Buffers, c: Buffers, tile: Tile
    ) -> None:
        """C = X W^T at the PE ``at``: X stays, W is aligned, C begins in its first buffer.

        Afterwards block l + r of C is at place l, in buffer ``side % 2``.
        """
        ports = self.x_ports[at[0]], self.y_ports[at[1]]
        step = gemm_t_step(ports, x, w, c, tile, self.format)
        script.add(vec(Function.FILL, tile[0] * tile[2], c[0], format=self.format))
        script.then(lambda first: alternating(first, self.side, step))

    def over_columns(
        self, script: Script, function: Function, total: int, tile: int, rows: int, columns: int
    ) -> None:
        """total[m] of a tile [columns][rows], from the first column on."""
        script.add(vec(Function.COPY, rows, total, tile, format=self.format))
        script.repeat(
            columns - 1,
            vec(function, rows, total, total, tile + rows, self.format, b_turn=(rows, 0)),
        )

    def by_row(
        self, script: Script, function: Function, target: int, source: int, each: int, rows: int,
        columns: int,
    ) -> None:  # fmt: skip
        """target[n][m] = source[n][m] (function) each[m]."""
        script.repeat(
            columns,
            vec(
                function, rows, target, source, each, self.format,
                dst_turn=(rows, 0), a_turn=(rows, 0),
            ),
        )  # fmt: skip

    def reduce_keys(self) -> list[str]:
        """What an allreduce along rows depends on."""
        return [repr(each) for each in self._line(1, 0, Combine.ADD).commands]

    def reduce(
        self, script: Script, x: int, elements: int, at: int, combine: Combine = Combine.ADD
    ) -> None:
        """An allreduce along rows, at the PE of column ``x``."""
        script.add(*self._line(elements, at, combine).commands[x])

    def _line(self, elements: int, at: int, combine: Combine) -> Line:
        vector = Vector(elements, at, self.format, combine, self.reduce_colour)
        if vector not in self.lines:
            self.lines[vector] = allreduce(self.kind, self.side, vector, self.groups)
        return self.lines[vector]
