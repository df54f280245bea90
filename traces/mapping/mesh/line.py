"""What the PEs of a row or a column do together, and how it is laid on a mesh.

Places are numbered from the west, or from the north; routes are written as those of a row, and
turned for a column.
"""

from dataclasses import dataclass, field

from arch.mesh.program import (
    EAST,
    FORMAT_BYTES,
    FORMATS,
    NORTH,
    RAMP,
    SOUTH,
    WEST,
    Combine,
    Route,
)
from traces.mesh.commands import Command

TURNED = {EAST: SOUTH, WEST: NORTH, RAMP: RAMP}


@dataclass(frozen=True)
class Vector:
    """What every PE has, and the first of the colours that may be used."""

    elements: int
    at: int = 0
    """Element of memory."""
    format: str = "fp16"
    combine: Combine = Combine.ADD
    colour: int = 0

    @property
    def per_wavelet(self) -> int:
        """Elements that a wavelet carries."""
        return 4 // FORMAT_BYTES[FORMATS.index(self.format)]

    @property
    def wavelets(self) -> int:
        """That it takes to send it (B)."""
        return -(-self.elements // self.per_wavelet)


@dataclass
class Line:
    """Commands and routes of each place."""

    places: int
    colours: int = 0
    """That it uses, from that of its vector on."""
    commands: list[list[Command]] = field(init=False)
    routes: list[dict[int, Route]] = field(init=False)

    def __post_init__(self) -> None:
        self.commands = [[] for _ in range(self.places)]
        self.routes = [{} for _ in range(self.places)]

    def route(self, place: int, colour: int, *positions: tuple[int, tuple[int, ...]]) -> None:
        """Set the positions of a colour in the router of a place, once."""
        if colour in self.routes[place]:
            raise AssertionError(f"colour {colour} is routed twice at place {place}")
        self.routes[place][colour] = Route(positions)

    def way(self, colour: int, src: int, dst: int) -> None:
        """From the PE of a place to that of another, through the routers between."""
        ahead, behind, step = (EAST, WEST, 1) if dst > src else (WEST, EAST, -1)
        self.route(src, colour, (RAMP, (ahead,)))
        for place in range(src + step, dst, step):
            self.route(place, colour, (behind, (ahead,)))
        self.route(dst, colour, (behind, (RAMP,)))

    def multicast(self, colour: int, src: int) -> None:
        """From the PE of a place to those of all others."""
        last = self.places - 1
        both = ((WEST,) if src > 0 else ()) + ((EAST,) if src < last else ())
        self.route(src, colour, (RAMP, both))
        for place in range(src):
            self.route(place, colour, (EAST, ((WEST,) if place else ()) + (RAMP,)))
        for place in range(src + 1, self.places):
            self.route(place, colour, (WEST, ((EAST,) if place < last else ()) + (RAMP,)))

    def turned(self, place: int) -> dict[int, Route]:
        """Routes of a place in a column."""
        return {
            colour: Route(
                tuple(
                    (TURNED[port], tuple(TURNED[out] for out in outs))
                    for port, outs in route.positions
                ),
                route.first,
            )
            for colour, route in self.routes[place].items()
        }
