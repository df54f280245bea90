"""Sums, or largest elements, of a line of PEs, left in the first one.

Costs are in cycles, for B wavelets and P PEs, hops of a cycle, ramps of T_R cycles whose queues
sustain a wavelet a cycle, and no costs to start things; the models are those of Luczynski et al.,
Near-Optimal Wafer-Scale Reduce (HPDC 2024).
"""

from itertools import pairwise
from math import isqrt

from arch.mesh.program import EAST, RAMP, WEST, Control
from traces.mapping.mesh.line import Line, Vector
from traces.mesh import commands as c


def star(places: int, vector: Vector) -> Line:
    """All send to the first, the nearest one first; the sum is taken in this order.

    Each router passes on its own PE's wavelets, a control wavelet, and then what comes from behind.
    B (P - 1) + 2 T_R + 2 + 2 (P - 2): the control wavelet of each PE but the last takes a cycle,
    and the router behind it sees a cycle later that it may send. The model has B (P - 1) + 2 T_R +
    1: no cost of switches, and no hop, which makes it one less than the chain of two PEs.
    """
    line, colour, last = Line(places, 1), vector.colour, places - 1
    line.route(0, colour, (EAST, (RAMP,)))
    line.commands[0] += [receive(colour, vector)] * last
    for place in range(1, last):
        line.route(place, colour, (RAMP, (WEST,)), (EAST, (WEST,)))
        line.commands[place] += [send(colour, vector), c.ctrl(colour, [Control.ADVANCE])]
    line.route(last, colour, (RAMP, (WEST,)))
    line.commands[last].append(send(colour, vector))
    return line


def chain(places: int, vector: Vector) -> Line:
    """The last one sends, each adds its own and sends on: x0 + (x1 + (x2 + ...)).

    B + (2 T_R + 2) (P - 1), as the model.
    """
    line = Line(places, 2)
    chained(line, list(range(places - 1, -1, -1)), vector, vector.colour)
    return line


def tree(places: int, vector: Vector) -> Line:
    """In level k those at odd multiples of 2^k send to the one 2^k before, store and forward.

    Any number of PEs: one that has nobody to receive from goes on to its next level. Where P is a
    power of two, B log2 P + P - 1 + (2 T_R + 1) log2 P, as the model.
    """
    line, step = Line(places), 1
    while step < places:
        colour = vector.colour + line.colours
        for place in range(step, places, 2 * step):
            line.way(colour, place, place - step)
            line.commands[place].append(send(colour, vector))
            line.commands[place - step].append(receive(colour, vector))
        step, line.colours = 2 * step, line.colours + 1
    return line


def two_phase(places: int, vector: Vector, group: int = 0) -> Line:
    """Chains in groups, then a chain of the groups' first PEs; a group is sqrt(P), rounded up.

    Where P is a square, 2 B + P - 1 + (2 T_R + 1) (2 sqrt(P) - 2), as the model.
    """
    group = group or isqrt(places - 1) + 1
    line, heads = Line(places, 4), list(range(0, places, group))
    for head in heads:
        members = range(min(head + group, places) - 1, head - 1, -1)
        chained(line, list(members), vector, vector.colour)
    chained(line, heads[::-1], vector, vector.colour + 2)
    return line


def chained(line: Line, members: list[int], vector: Vector, colour: int) -> None:
    """A chain through these places to the last of them, with colours ``colour`` and the next."""
    if len(members) < 2:
        return
    for number, (place, there) in enumerate(pairwise(members)):
        line.way(colour + number % 2, place, there)
    line.commands[members[0]].append(send(colour, vector))
    for number, place in enumerate(members[1:-1]):
        line.commands[place].append(relay(colour + number % 2, colour + (number + 1) % 2, vector))
    line.commands[members[-1]].append(receive(colour + len(members) % 2, vector))


def send(colour: int, vector: Vector, **others: int) -> c.Command:
    """The vector to the fabric."""
    return c.send(colour, vector.elements, vector.at, vector.format, **others)


def receive(colour: int, vector: Vector, **others: int) -> c.Command:
    """The fabric into the vector, combined."""
    return c.radd(
        colour, vector.elements, vector.at, vector.format, combine=vector.combine, **others
    )


def relay(colour_in: int, colour_out: int, vector: Vector, **others: int) -> c.Command:
    """The fabric combined with the vector to the fabric."""
    return c.relay(
        colour_in, colour_out, vector.elements, vector.at, vector.format,
        combine=vector.combine, **others,
    )  # fmt: skip
