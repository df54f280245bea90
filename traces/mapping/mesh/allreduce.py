"""Sums, or largest elements, of a line of PEs, left in all of them; and the broadcast."""

from itertools import pairwise
from math import isqrt

from traces.mapping.mesh.line import Line, Vector
from traces.mapping.mesh.reduce import chained, receive, relay, send
from traces.mesh import commands as c


def broadcast(places: int, vector: Vector, src: int = 0) -> Line:
    """From one to all, multicast: B + P + 2 T_R from an end, as the model."""
    line = Line(places, 1)
    line.multicast(vector.colour, src)
    _broadcast(line, vector, vector.colour, src)
    return line


def chain_allreduce(places: int, vector: Vector) -> Line:
    """A chain to the first, which sends on what it sums to all: x0 + (x1 + (x2 + ...)).

    Every PE receives in a microthread while it still sums, else long vectors would block
    themselves. (2 T_R + 2) (P - 1) + P + 2 T_R + B for B up to 2 (2 T_R + 2), the way from the
    second PE to the first and back; above, the 2 B operations of a PE count.
    """
    line, first = Line(places, 3), vector.colour
    down = first + 2
    for place in range(places - 1, 0, -1):
        line.way(first + place % 2, place, place - 1)
    line.multicast(down, 0)
    for place in range(places - 1, -1, -1):
        came, on = first + (place + 1) % 2, first + place % 2 if place else down
        if place:
            line.commands[place].append(_take(down, vector, slot=1))
        if place == places - 1:
            line.commands[place].append(send(on, vector))
        else:
            kept = {} if place else {"dst": vector.at}
            line.commands[place].append(relay(came, on, vector, **kept))
        if place:
            line.commands[place].append(c.wait(1))
    return line


def ktree_allreduce(places: int, vector: Vector, groups: int = 0) -> Line:
    """The two-way K-tree of WaferLLM (OSDI 2025): chains from both ends of each group to its
    middle, of the middles to that of the middle group, and a multicast from there.

    ``groups`` of even size as near as can be; sqrt(P) if 0. A middle takes first what comes from
    the east, which is the shorter side, then what comes from the west:
    (own + (x + (x + ...))) + (x + (x + ...)). Nothing but the chains is pipelined.

    A middle that is d hops of ``hop`` cycles (n in the second phase) from the ends of its longer
    side and e from those of its shorter one is done after max(d (hop + 2 T_R + 1) + B,
    e (hop + 2 T_R + 1) + 2 B + w): it merges 2 B wavelets, not B, unless the shorter side is over
    before the longer one comes. Where both come at once they share the ramp, and up to
    ``ramp_down_wavelets`` of the later one are in its queue too early (w). One colour goes both
    ways in the last phase, B + h + 2 T_R + 1.
    """
    groups = groups or isqrt(places)
    starts = [number * places // groups for number in range(groups + 1)]
    line, first = Line(places, 9), vector.colour
    middles = []
    for start, end in pairwise(starts):
        middle = start + (end - start) // 2
        middles.append(middle)
        chained(line, list(range(end - 1, middle - 1, -1)), vector, first)
        chained(line, list(range(start, middle + 1)), vector, first + 2)
    centre = groups // 2
    chained(line, middles[: centre - 1 : -1] if centre else middles[::-1], vector, first + 4)
    chained(line, middles[: centre + 1], vector, first + 6)
    line.multicast(first + 8, middles[centre])
    _broadcast(line, vector, first + 8, middles[centre])
    return line


def ring_allreduce(places: int, vector: Vector) -> Line:
    """Parts of the vector go round, summed in the first lap and copied in the second.

    From each PE to the next one to the east, and from the last back to the first. Part p is
    x(p-1) + (... (x(p+1) + x(p))), in numbers around. A PE sends in one microthread and receives in
    another, one part at a time. With parts of n wavelets, all alike, 2 (P - 1) n + 4 P - 6 +
    2 (P - 1) (2 T_R + 1) as the model, as long as a PE has sent its part before the next arrives;
    the datapath does one of both in a cycle.
    """
    line, first, last = Line(places, 3), vector.colour, places - 1
    for place in range(last):
        line.way(first + place % 2, place, place + 1)
    line.way(first + 2, last, 0)
    for place, commands in enumerate(line.commands):
        on = first + place % 2 if place < last else first + 2
        came = first + (place - 1) % 2 if place else first + 2
        for step in range(2 * last):
            part = _part(vector, (place - step) % places, places)
            taken = _part(vector, (place - step - 1) % places, places)
            take = receive if step < last else _take
            commands += [send(on, part, slot=1), take(came, taken, slot=2), c.wait(1, 2)]
    return line


def _part(vector: Vector, number: int, parts: int) -> Vector:
    """One of the parts of a vector, whole wavelets."""
    begin, end = (
        min(n * vector.wavelets // parts * vector.per_wavelet, vector.elements)
        for n in (number, number + 1)
    )
    return Vector(end - begin, vector.at + begin, vector.format, vector.combine, vector.colour)


def _broadcast(line: Line, vector: Vector, colour: int, src: int) -> None:
    for place, commands in enumerate(line.commands):
        commands.append(send(colour, vector) if place == src else _take(colour, vector))


def _take(colour: int, vector: Vector, **others: int) -> c.Command:
    """The fabric to the vector."""
    return c.recv(colour, vector.elements, vector.at, vector.format, **others)
