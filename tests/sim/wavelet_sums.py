"""What collectives must leave and cost, written down once more in NumPy and in closed forms."""

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from math import isqrt

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.floating]
"""[P, elements] of float16 or float32: NumPy rounds each sum once."""
Combine = Callable[[Vectors, Vectors], Vectors]
T_R, DOWN = 2, 3
"""Latency of a ramp, depth of the queue down it."""


def chained(vectors: Vectors, f: Combine) -> Vectors:
    """From the last one to the first."""
    return reduce(lambda came, own: f(own, came), vectors[::-1])


def star(vectors: Vectors, f: Combine) -> Vectors:
    return reduce(f, vectors)


def tree(vectors: Vectors, f: Combine) -> Vectors:
    level = list(vectors)
    while len(level) > 1:
        level = [reduce(f, level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0]


def two_phase(vectors: Vectors, f: Combine) -> Vectors:
    size = isqrt(len(vectors) - 1) + 1
    heads = [chained(vectors[at : at + size], f) for at in range(0, len(vectors), size)]
    return chained(np.array(heads), f)


def both_sides(vectors: Vectors, at: int, f: Combine) -> Vectors:
    """Into one of them: first what comes from behind it, then what comes from before."""
    total = vectors[at]
    if at + 1 < len(vectors):
        total = f(total, chained(vectors[at + 1 :], f))
    return f(total, chained(vectors[:at][::-1], f)) if at else total


def ktree(vectors: Vectors, f: Combine, groups: int) -> Vectors:
    bounds = [number * len(vectors) // groups for number in range(groups + 1)]
    parts = [np.arange(a, b) for a, b in pairwise(bounds)]
    middles = [both_sides(vectors[part], len(part) // 2, f) for part in parts]
    return both_sides(np.array(middles), groups // 2, f)


def ring(vectors: Vectors, f: Combine, per_wavelet: int) -> Vectors:
    """Part p begins in PE p and goes round to the east."""
    places, elements = vectors.shape
    wavelets = -(-elements // per_wavelet)
    total = np.empty_like(vectors[0])
    for part in range(places):
        ends = [min(n * wavelets // places * per_wavelet, elements) for n in (part, part + 1)]
        order = np.roll(np.arange(places), -part)
        total[slice(*ends)] = reduce(lambda came, own: f(own, came), vectors[order, slice(*ends)])
    return total


def left(kind: str, vectors: Vectors, f: Combine, groups: int = 0) -> Vectors:
    """What is in the first PE, or in all."""
    if kind == "broadcast":
        return vectors[0]
    if kind == "ktree_allreduce":
        return ktree(vectors, f, groups or isqrt(len(vectors)))
    if kind == "ring_allreduce":
        return ring(vectors, f, 4 // vectors.itemsize)
    chain = {"chain": chained, "chain_allreduce": chained}
    return {"star": star, "tree": tree, "two_phase": two_phase, **chain}[kind](vectors, f)


def merged(shorter: int, longer: int, wavelets: int) -> int:
    """Cycles until a middle has both sides, each the way of its first wavelet; 0: none."""
    if not shorter:
        return longer + wavelets if longer else 0
    early = shorter + wavelets - longer
    shared = min(max(early - (shorter == longer), 0), DOWN)
    return max(longer + wavelets, shorter + 2 * wavelets + shared)


def ktree_cycles(places: int, groups: int, wavelets: int) -> int:
    """Of groups of one size."""
    size, neighbour = places // groups, 2 * T_R + 1
    first = merged((size - 1 - size // 2) * (1 + neighbour), size // 2 * (1 + neighbour), wavelets)
    second = merged(
        (groups - 1 - groups // 2) * (size + neighbour), groups // 2 * (size + neighbour), wavelets
    )
    centre = groups // 2 * size + size // 2
    return first + second + max(centre, places - 1 - centre) + neighbour + wavelets


def model(kind: str, places: int, wavelets: int) -> int | None:
    """Cycles as published (Luczynski et al., HPDC 2024), where that applies."""
    neighbour = 2 * T_R + 1
    if kind == "chain":
        return wavelets + (2 * T_R + 2) * (places - 1)
    if kind == "broadcast":
        return wavelets + places + 2 * T_R
    levels, side = places.bit_length() - 1, isqrt(places)
    if kind == "tree" and places == 1 << levels:
        contention = max(2 * (places - 1) * wavelets * levels, places * wavelets * levels)
        return contention // (2 * (places - 1)) + places - 1 + neighbour * levels
    if kind == "two_phase" and places == side * side:
        return 2 * wavelets + places - 1 + neighbour * (2 * side - 2)
    if kind == "ring_allreduce" and wavelets % places == 0 and wavelets // places <= neighbour + 1:
        part = wavelets // places
        return 2 * (places - 1) * (part + neighbour) + 4 * places - 6
    # Not published: two control cycles for each PE between, and the hop that the model leaves out.
    if kind == "star":
        return wavelets * (places - 1) + neighbour + 1 + 2 * (places - 2)
    if kind == "chain_allreduce" and wavelets <= 2 * (neighbour + 1):
        return wavelets + (2 * T_R + 2) * (places - 1) + places + 2 * T_R
    if kind == "ktree_allreduce" and places == side * side:
        return ktree_cycles(places, side, wavelets)
    return None
