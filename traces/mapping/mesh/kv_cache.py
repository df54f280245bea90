"""Caches of keys and values in decoding: kept balanced by shifts, or piled up in one row.

Columns share the elements of a key and a value, rows the tokens. A new token comes in at the last
row. With shifts (WaferLLM, OSDI 2025) rows stay balanced: while a row above has less, each row
gives its oldest token to the row above it, all in the same step. Concatenation leaves new tokens
where they come in.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import NORTH, RAMP, SOUTH, Function, PeProgram, Route
from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import (
    Mapped,
    assemble,
    check_colours,
    check_format,
    check_grid,
    check_slots,
)
from traces.mapping.mesh.tiles import Memory, rounded
from traces.mesh.commands import Command, halt, recv, send, task, vec, wait

CacheKind = Literal["shift", "concat"]
COLOURS = 2
"""By the parity of the row that sends."""
SLOTS = 3


class Step(NamedTuple):
    """What a row does with a new token; -1 for nothing."""

    gives: int
    """Slot of the token that goes to the row above."""
    takes: int
    """Slot for the token that comes."""


@dataclass
class Rows:
    """Tokens of each row by slot, step by step."""

    kind: CacheKind
    rows: int

    def __post_init__(self) -> None:
        self.held: list[deque[tuple[int, int]]] = [deque() for _ in range(self.rows)]
        """(token, slot), the oldest first."""
        self.tokens = 0

    def append(self) -> list[Step]:
        """A new token; what each row does."""
        # The lowest row is the first with one token more: it shifts none.
        grows = self.rows - 1
        if self.kind == "shift":
            grows -= self.tokens % self.rows
        steps = [Step(-1, -1)] * self.rows
        for row in range(grows, self.rows):
            above = self.held[row]
            slot = len(above) if row == grows else above[0][1]
            steps[row] = Step(-1 if row == grows else slot, slot)
        moving = self.tokens
        for row in range(self.rows - 1, grows - 1, -1):
            held = self.held[row]
            given = held.popleft()[0] if row > grows else -1
            held.append((moving, steps[row].takes))
            moving = given
        self.tokens += 1
        return steps

    def by_slot(self) -> list[list[int]]:
        """Token in each slot in use of each row."""
        return [
            [token for token, _ in sorted(held, key=lambda each: each[1])] for held in self.held
        ]


def capacity(kind: CacheKind, cache_bytes: int, entry_bytes: int, rows: int) -> int:
    """Tokens that fit: ``cache_bytes`` of a PE for them, ``entry_bytes`` of a token in a PE."""
    tokens = max(cache_bytes, 0) // entry_bytes
    return tokens * rows if kind == "shift" else tokens


def shift_routes(rows: int, colour: int) -> list[dict[int, Route]]:
    """Of each row: to the row above, and from the one below."""
    routes: list[dict[int, Route]] = []
    for row in range(rows):
        here: dict[int, Route] = {}
        if row:
            here[colour + row % 2] = Route(((RAMP, (NORTH,)),))
        if row < rows - 1:
            here[colour + (row + 1) % 2] = Route(((SOUTH, (RAMP,)),))
        routes.append(here)
    return routes


def kv_cache(
    mesh: WaveletMesh, kind: CacheKind, dim: int, tokens: int, grid: tuple[int, int],
    format: str = "fp16", first: npt.ArrayLike | None = None, step: npt.ArrayLike | None = None,
) -> Mapped:  # fmt: skip
    """Program that appends ``tokens`` tokens to an empty cache on a grid of width x height.

    Key and value of a token have ``dim`` elements each. Those of token t are ``first`` + t
    ``step``, [2, dim] each, made in the PEs by additions; given, the program has values. At the
    end region ``kv`` of a PE holds its part of each token, key then value, in the slots of
    ``Rows.by_slot``. Raises InputError.
    """
    width, height = grid
    where = f"kv_{kind}:dim={dim},tokens={tokens},grid={width}x{height},{format}"
    check_grid(where, mesh, width, height)
    check_format(where, mesh, format)
    check_slots(where, mesh, SLOTS)
    check_colours(where, mesh, COLOURS)
    if dim < 1 or tokens < 1:
        raise InputError(f"{where}: dim and tokens must be at least 1")
    part = -(-dim // width)
    entry = 2 * part
    memory = Memory(format)
    new, delta = memory.add("new", entry), memory.add("step", entry)
    entry_bytes = memory.regions[0].bytes
    room = capacity(kind, mesh.pe.data_bytes - memory.bytes, entry_bytes, height)
    if tokens > room:
        raise InputError(
            f"{where}: {tokens} tokens of {entry_bytes} bytes a PE each; must be {room} at most, "
            f"what {mesh.pe.data_bytes} bytes of a PE of {mesh.name} hold in {height} rows"
        )
    rows = Rows(kind, height)
    steps = [rows.append() for _ in range(tokens)]
    slots = max(len(held) for held in rows.held)
    kv = memory.add("kv", slots * entry)

    def pe(_: int, row: int) -> PeProgram:
        commands: list[Command] = []
        for token, each in enumerate(step[row] for step in steps):
            if row == height - 1 and token:
                commands.append(vec(Function.ADD, entry, new, new, delta, format))
            commands += turn(each, row, row == height - 1)
        return PeProgram(where, (task("append", [*commands, halt()], active=True),))

    def turn(each: Step, row: int, last: bool) -> list[Command]:
        moves: list[Command] = []
        if each.gives >= 0:
            moves.append(send(row % 2, entry, kv + each.gives * entry, format, 1))
        if each.takes >= 0 and not last:
            moves.append(recv((row + 1) % 2, entry, new, format, 2))
        if moves:
            moves.append(wait(1, 2))
        if each.takes >= 0:
            moves.append(vec(Function.COPY, entry, kv + each.takes * entry, new, format=format))
        return moves

    values = {}
    if first is not None and step is not None:
        values = {"new": _parts(first, dim, grid, format), "step": _parts(step, dim, grid, format)}
    program = assemble(
        where,
        keys=([0] * width, [tuple(step[row] for step in steps) for row in range(height)]),
        pe=pe,
        routes=([{}] * width, shift_routes(height, 0)),
        regions=memory.regions,
        values=values,
    )
    padded = part * width
    return Mapped(program, {}, (f"padded to dim={padded}",) if padded != dim else ())


def _parts(
    given: npt.ArrayLike, dim: int, grid: tuple[int, int], format: str
) -> npt.NDArray[np.float32]:
    """[height, width, elements] each column's part of a key, then of a value."""
    width, height = grid
    part = -(-dim // width)
    whole = np.zeros((2, width * part), np.float32)
    whole[:, :dim] = rounded(given, format)
    parts = whole.reshape(2, width, part).swapaxes(0, 1).reshape(width, 2 * part)
    return np.ascontiguousarray(np.broadcast_to(parts, (height, width, 2 * part)))
