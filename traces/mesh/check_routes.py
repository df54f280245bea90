"""Faults of routes: colours, positions, and where they lead on the mesh."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.mesh.program import (
    EAST,
    NORTH,
    OPPOSITE,
    PORT_NAMES,
    RAMP,
    SOUTH,
    WEST,
    MeshProgram,
    Op,
    Route,
)
from arch.mesh.wavelet import WaveletMesh

NOWHERE = -1
LINKS = (EAST, WEST, SOUTH, NORTH)
SHOWN = 6
"""Routers of a ring that are named."""


def route_faults(program: MeshProgram, mesh: WaveletMesh) -> Iterator[str]:
    """Faults of classes; if there are none, those of routes on the mesh."""
    found = False
    for number, routes in enumerate(program.routes):
        for line in _class_faults(number, routes, mesh):
            found = True
            yield line
    if not found:
        for colour in sorted({colour for routes in program.routes for colour in routes}):
            yield from _Colour(program, colour).faults()


def _class_faults(number: int, routes: dict[int, Route], mesh: WaveletMesh) -> Iterator[str]:
    router = mesh.router
    for colour, route in routes.items():
        where = f"route class {number}, colour {colour}"
        if not 0 <= colour < router.colours:
            yield (
                f"{where}: the fabric has {router.colours} colours, 0 to {router.colours - 1} "
                "(router.colours); use one of them"
            )
        positions = len(route.positions)
        if not 1 <= positions <= router.switch_positions:
            yield (
                f"{where}: {positions} positions; must be 1 to {router.switch_positions} "
                "(router.switch_positions)"
            )
        if not 0 <= route.first < positions:
            yield f"{where}: first position is {route.first}; must be 0 to {positions - 1}"
        for port, outs in route.positions:
            wrong = [p for p in (port, *outs) if not 0 <= p <= RAMP]
            if wrong:
                yield f"{where}: port {wrong[0]} is not there; ports are 0 to {RAMP} (E W S N R)"
            if not outs or len(set(outs)) < len(outs):
                yield f"{where}: ports out are {list(outs)}; must be one or more, each once"


def switch_faults(program: MeshProgram) -> Iterator[str]:
    """Faults of ROUTE: its router must have the position."""
    pairs = program.program_of.astype(np.int64) * len(program.routes) + program.route_of
    for pair, first in zip(*np.unique(pairs, return_index=True), strict=True):
        kind, routed = divmod(int(pair), len(program.routes))
        y, x = divmod(int(first), program.width)
        for task in program.programs[kind].tasks:
            for index in np.flatnonzero(task.commands["op"] == Op.ROUTE):
                colour = int(task.commands["colour_out"][index])
                target = int(task.commands["target"][index])
                route = program.routes[routed].get(colour)
                positions = len(route.positions) if route else 0
                if not 0 <= target < positions:
                    yield (
                        f"PE ({x}, {y}), {program.programs[kind].name}, task {task.name}, command "
                        f"{index} (ROUTE): colour {colour} has {positions} positions in its "
                        f"router, not position {target}"
                    )


class _Colour:
    """Routes of one colour on the mesh."""

    def __init__(self, program: MeshProgram, colour: int) -> None:
        self.program, self.colour = program, colour
        classes = len(program.routes)
        self.first_in = np.full(classes, NOWHERE, np.int8)
        self.first_outs, self.any_outs, self.any_ins = np.zeros((3, classes), np.uint8)
        for number, routes in enumerate(program.routes):
            if colour not in routes:
                continue
            route = routes[colour]
            for place, (port, outs) in enumerate(route.positions):
                mask = sum(1 << out for out in outs)
                self.any_ins[number] |= 1 << port
                self.any_outs[number] |= mask
                if place == route.first:
                    self.first_in[number], self.first_outs[number] = port, mask

    def faults(self) -> Iterator[str]:
        leaves = list(self._leaving())
        yield from leaves
        if not leaves:
            yield from self._meeting()
            yield from self._going_round()

    def on_mesh(self, of_class: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[height, width] what the class of each router has."""
        return of_class[self.program.route_of]

    def _leaving(self) -> Iterator[str]:
        outs = self.on_mesh(self.any_outs)
        edges = {EAST: np.s_[:, -1:], WEST: np.s_[:, :1], SOUTH: np.s_[-1:, :], NORTH: np.s_[:1, :]}
        height, width = outs.shape
        for port, edge in edges.items():
            leaving = np.argwhere(outs[edge] >> port & 1)
            if len(leaving):
                y = height - 1 if port == SOUTH else int(leaving[0][0])
                x = width - 1 if port == EAST else int(leaving[0][1])
                yield (
                    f"colour {self.colour}: the router at ({x}, {y}) sends to {PORT_NAMES[port]}, "
                    f"out of the {width} x {height} mesh{_more(len(leaving) - 1)}; give routers at "
                    "this edge a class of their own"
                )

    def _meeting(self) -> Iterator[str]:
        """Two routers that send into one that can take from one side only."""
        sides = np.sum([self.any_ins >> port & 1 for port in LINKS], axis=0)
        narrow = self.on_mesh(sides <= 1)
        facing = _towards(self.on_mesh(self.any_outs))
        senders = np.sum([facing[port] for port in LINKS], axis=0)
        met = np.argwhere(narrow & (senders > 1))
        if not len(met):
            return
        y, x = map(int, met[0])
        into = " and ".join(PORT_NAMES[port] for port in LINKS if facing[port][y, x])
        takes = int(self.any_ins[self.program.route_of[y, x]])
        names = " and ".join(PORT_NAMES[port] for port in range(RAMP + 1) if takes >> port & 1)
        yield (
            f"colour {self.colour}: routers send it into the one at ({x}, {y}) from {into}, which "
            f"takes it from {names or 'nowhere'}{_more(len(met) - 1)}; take one route away, or "
            "give it a position for each side"
        )

    def _going_round(self) -> Iterator[str]:
        """Follow each router to where its wavelets come from, twice as far each time."""
        ways = {int(port) for port in self.first_in}
        if not ({EAST, WEST} <= ways or {NORTH, SOUTH} <= ways):
            return  # what never comes back along an axis closes no ring
        height, width = self.program.route_of.shape
        nodes = height * width
        before = np.full(nodes + 1, nodes, np.int32)
        port_in = self.on_mesh(self.first_in)
        facing = _towards(self.on_mesh(self.first_outs))
        numbers = np.arange(nodes, dtype=np.int32)
        steps = {EAST: 1, WEST: -1, SOUTH: width, NORTH: -width}
        for port in LINKS:
            comes = ((port_in == port) & facing[port]).ravel()
            before[:nodes][comes] = numbers[comes] + steps[port]
        far = before.copy()
        for _ in range(nodes.bit_length() + 1):
            left = np.flatnonzero(far[:nodes] != nodes)
            if not len(left):
                return
            far = far[far]
        # So far back from any router there is only a ring.
        ring = [int(far[left[0]])]
        while before[ring[-1]] != ring[0]:
            ring.append(int(before[ring[-1]]))
        ring.reverse()
        shown = ", ".join(f"({n % width}, {n // width})" for n in ring[:SHOWN])
        yield (
            f"colour {self.colour}: its route goes round through {len(ring)} routers, {shown}"
            f"{' ...' if len(ring) > SHOWN else ''}; let one of them take it from elsewhere"
        )


def _towards(outs: npt.NDArray[Any]) -> dict[int, npt.NDArray[np.bool_]]:
    """For each side [height, width] whether the router there sends to this one."""
    found = {port: np.zeros(outs.shape, np.bool_) for port in LINKS}
    for port, here, there in (
        (WEST, np.s_[:, 1:], np.s_[:, :-1]), (EAST, np.s_[:, :-1], np.s_[:, 1:]),
        (NORTH, np.s_[1:, :], np.s_[:-1, :]), (SOUTH, np.s_[:-1, :], np.s_[1:, :]),
    ):  # fmt: skip
        found[port][here] = (outs[there] >> OPPOSITE[port] & 1).astype(np.bool_)
    return found


def _more(others: int) -> str:
    return f", and so at {others} more" if others else ""
