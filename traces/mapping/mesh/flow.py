"""What all PEs of a grid do one after the other: local commands, and collectives along an axis."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import Literal

from arch.errors import InputError
from arch.mesh.program import Combine, MeshProgram, PeProgram, Region, Route
from traces.mapping.mesh.allreduce import (
    broadcast,
    chain_allreduce,
    ktree_allreduce,
    ring_allreduce,
)
from traces.mapping.mesh.assembly import assemble
from traces.mapping.mesh.line import Line, Vector
from traces.mapping.mesh.reduce import two_phase
from traces.mapping.mesh.tiles import Floats
from traces.mesh.commands import Command, halt, task

Axis = Literal["x", "y"]
ALLREDUCES = ("k_tree", "chain", "ring", "two_phase")
ALLREDUCE_COLOURS = {"k_tree": 9, "chain": 3, "ring": 3, "two_phase": 5}


def tree_groups(places: int) -> int:
    """Groups of a K-tree: the largest divisor up to the root, as WaferLLM's configurations have.

    The root itself, rounded down, where that is half of it or less.
    """
    root = isqrt(places)
    divides = next(each for each in range(root, 0, -1) if places % each == 0)
    return divides if 2 * divides > root else root


def allreduce(kind: str, places: int, vector: Vector, groups: int = 0) -> Line:
    """Sums, or largest elements, of a line of PEs in all of them, by the name of the algorithm.

    ``two_phase`` leaves them in the first PE, which then broadcasts. ``groups`` are those of the
    K-tree, 0 for ``tree_groups``. Raises InputError for a name that is not there, and for more
    groups than PEs.
    """
    if kind not in ALLREDUCES:
        raise InputError(f"allreduce {kind!r}; must be one of {', '.join(ALLREDUCES)}")
    if places == 1 or vector.elements == 0:
        return Line(places)
    if not 0 <= groups <= places:
        raise InputError(f"groups {groups}; must be 0 to {places}, the PEs of a line")
    if kind == "k_tree":
        return ktree_allreduce(places, vector, groups or tree_groups(places))
    if kind == "chain":
        return chain_allreduce(places, vector)
    if kind == "ring":
        return ring_allreduce(places, vector)
    line = two_phase(places, vector)
    after = Vector(
        vector.elements, vector.at, vector.format, vector.combine, vector.colour + line.colours
    )
    spread = broadcast(places, after)
    for place in range(places):
        line.commands[place] += spread.commands[place]
        line.routes[place] |= spread.routes[place]
    line.colours += spread.colours
    return line


@dataclass
class Flow:
    """Commands so far of the PE at (x, y) of a grid, and routes."""

    width: int
    height: int
    pieces: list[Callable[[int, int], Sequence[Command]]] = field(default_factory=list)
    keys_x: list[list[Hashable]] = field(init=False)
    keys_y: list[list[Hashable]] = field(init=False)
    routes_x: list[dict[int, Route]] = field(init=False)
    routes_y: list[dict[int, Route]] = field(init=False)

    def __post_init__(self) -> None:
        self.keys_x = [[] for _ in range(self.width)]
        self.keys_y = [[] for _ in range(self.height)]
        self.routes_x = [{} for _ in range(self.width)]
        self.routes_y = [{} for _ in range(self.height)]

    def all(self, *commands: Command) -> None:
        """The same in each PE."""
        self.pieces.append(lambda x, y: commands)

    def rows(self, commands: Callable[[int], Sequence[Command]]) -> None:
        """What depends on the row only."""
        made = [commands(y) for y in range(self.height)]
        self._key(self.keys_y, made)
        self.pieces.append(lambda x, y: made[y])

    def reduce(
        self, axis: Axis, kind: str, elements: int, at: int, format: str, colour: int,
        combine: Combine = Combine.ADD, groups: int = 0,
    ) -> None:  # fmt: skip
        """An allreduce of each line along an axis."""
        places = self.width if axis == "x" else self.height
        line = allreduce(kind, places, Vector(elements, at, format, combine, colour), groups)
        if axis == "x":
            self._key(self.keys_x, line.commands)
            self._route(self.routes_x, line.routes)
            self.pieces.append(lambda x, y: line.commands[x])
        else:
            self._key(self.keys_y, line.commands)
            self._route(self.routes_y, [line.turned(place) for place in range(places)])
            self.pieces.append(lambda x, y: line.commands[y])

    def reduce_rows(
        self, kind: str, elements: Sequence[int], at: int, format: str, colour: int,
        segment: int, groups: int = 0,
    ) -> None:  # fmt: skip
        """A sum along x in segments of each row, of as many elements as the row has."""
        lines = {
            each: allreduce(kind, segment, Vector(each, at, format, colour=colour), groups)
            for each in sorted(set(elements))
        }
        for line in lines.values():
            parts = self.width // segment
            self._key(self.keys_x, line.commands * parts)
            self._route(self.routes_x, line.routes * parts)
        self._key(self.keys_y, elements)
        self.pieces.append(lambda x, y: lines[elements[y]].commands[x % segment])

    def route_rows(self, routes: Sequence[dict[int, Route]]) -> None:
        """Routes between rows."""
        self._route(self.routes_y, routes)

    def program(
        self, name: str, regions: Sequence[Region], values: dict[str, Floats] | None = None
    ) -> MeshProgram:
        """The program of one task."""

        def pe(x: int, y: int) -> PeProgram:
            commands = [command for piece in self.pieces for command in piece(x, y)]
            return PeProgram(name, (task("all", [*commands, halt()], active=True),))

        return assemble(
            name,
            keys=([tuple(key) for key in self.keys_x], [tuple(key) for key in self.keys_y]),
            pe=pe,
            routes=(self.routes_x, self.routes_y),
            regions=regions,
            values=values,
        )

    @staticmethod
    def _key(keys: list[list[Hashable]], made: Sequence[object]) -> None:
        for key, each in zip(keys, made, strict=True):
            key.append(repr(each))

    @staticmethod
    def _route(known: list[dict[int, Route]], more: Sequence[dict[int, Route]]) -> None:
        for here, each in zip(known, more, strict=True):
            for colour, route in each.items():
                if here.setdefault(colour, route) != route:
                    raise AssertionError(f"colour {colour} has two routes")
