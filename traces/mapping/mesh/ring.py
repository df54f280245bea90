"""Rings of PEs along a line: who sends to whom on which colour.

``interleaved`` is WaferLLM's (OSDI 2025, section 5): even positions one way, odd ones back, so
that neighbours are two hops apart at most. ``wrapped`` is Cannon's: neighbours, and a link from
the last across the line to the first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from arch.mesh.program import NONE, Route
from traces.mapping.mesh.assembly import AXIS_PORTS

RING_COLOURS = 3
"""Of one ring in one direction."""


@dataclass(frozen=True)
class Ring:
    """A ring over the positions of a line, in one direction."""

    turn: tuple[int, ...]
    """Place in the ring of each position; place i sends to i + 1, or to i - 1 if reversed."""
    sends: tuple[int, ...]
    receives: tuple[int, ...]
    """Colour of each position, from 0; NONE in a ring of one."""
    links: tuple[dict[int, tuple[int, int]], ...]
    """Of each position and colour: where it comes from and where it goes; 0 forward, 1 back, 2 the
    ramp."""

    def routes(self, axis: str, colour: int) -> list[dict[int, Route]]:
        """Of each position, the ring's colours counted from ``colour``."""
        ports = AXIS_PORTS[axis]
        return [
            {
                colour + each: Route(((ports[source], (ports[target],)),))
                for each, (source, target) in links.items()
            }
            for links in self.links
        ]


def interleaved(positions: int, reverse: bool = False) -> Ring:
    """Positions 0, 2, 4 ... and back ... 5, 3, 1."""
    order = [*range(0, positions, 2), *reversed(range(1, positions, 2))]
    return _ring(order, reverse, _interleaved_colour)


def wrapped(positions: int, reverse: bool = False) -> Ring:
    """Positions 0, 1, 2 ..., and the last to the first."""
    return _ring(list(range(positions)), reverse, _wrapped_colour)


def ring(kind: Literal["interleaved", "wrapped"], positions: int, reverse: bool = False) -> Ring:
    """A ring by the name of its kind."""
    return {"interleaved": interleaved, "wrapped": wrapped}[kind](positions, reverse)


def _interleaved_colour(sender: int, receiver: int, reverse: bool) -> int:
    """Modulo 3, so that a router's three colours differ: its own, what it gets, what passes.

    At an end the ring turns with one hop: the colour is that of a sender two hops away.
    """
    east = receiver > sender
    turns = (sender % 2 == 0) != (east != reverse)
    place = (receiver - 2 if east else receiver + 2) if turns else sender
    with_evens = east != reverse
    shift = 0 if with_evens else 2 if reverse else 1
    return (place + shift) % 3


def _wrapped_colour(sender: int, receiver: int, reverse: bool) -> int:
    return 2 if (receiver > sender) == reverse else sender % 2


def _ring(order: Sequence[int], reverse: bool, colour_of: Callable[[int, int, bool], int]) -> Ring:
    positions = len(order)
    turn, sends, receives = ([NONE] * positions for _ in range(3))
    links: list[dict[int, tuple[int, int]]] = [{} for _ in range(positions)]
    for place, sender in enumerate(order):
        turn[sender] = place
        if positions == 1:
            continue
        receiver = order[(place + (-1 if reverse else 1)) % positions]
        colour = colour_of(sender, receiver, reverse)
        ahead, behind, step = (0, 1, 1) if receiver > sender else (1, 0, -1)
        sends[sender], receives[receiver] = colour, colour
        links[sender][colour] = (2, ahead)
        for between in range(sender + step, receiver, step):
            links[between][colour] = (behind, ahead)
        links[receiver][colour] = (behind, 2)
    return Ring(tuple(turn), tuple(sends), tuple(receives), tuple(links))
