"""The order in which allreduces sum a line of PEs, written from their declarations."""

import itertools
import math
from collections.abc import Callable

import numpy as np
from mesh_runs import once

Add = Callable[[np.ndarray, np.ndarray], np.ndarray]


def adder(format: str) -> Add:
    return lambda a, b: once(a.astype(np.longdouble) + b.astype(np.longdouble), format)


def from_the_far_end(parts: list[np.ndarray], add: Add) -> np.ndarray:
    """x0 + (x1 + (x2 + ...))."""
    total = parts[-1]
    for part in reversed(parts[:-1]):
        total = add(part, total)
    return total


def to_the_middle(parts: list[np.ndarray], middle: int, add: Add) -> np.ndarray:
    """The middle takes what comes from behind it, then from before it."""
    total = parts[middle]
    if middle + 1 < len(parts):
        total = add(total, from_the_far_end(parts[middle + 1 :], add))
    if middle:
        total = add(total, from_the_far_end(parts[:middle][::-1], add))
    return total


def reduced(kind: str, parts: list[np.ndarray], add: Add, groups: int = 0) -> np.ndarray:
    """The sum of the vectors of a line."""
    places = len(parts)
    if places == 1:
        return parts[0]
    if kind == "chain":
        return from_the_far_end(parts, add)
    if kind == "two_phase":
        size = math.ceil(math.sqrt(places))
        heads = [
            from_the_far_end(parts[start : start + size], add) for start in range(0, places, size)
        ]
        return from_the_far_end(heads, add)
    if kind == "k_tree":
        groups = groups or math.isqrt(places)
        edges = [number * places // groups for number in range(groups + 1)]
        sums = [
            to_the_middle(parts[start:end], (end - start) // 2, add)
            for start, end in itertools.pairwise(edges)
        ]
        return to_the_middle(sums, groups // 2, add)
    raise AssertionError(kind)


def ring_reduced(parts: list[np.ndarray], add: Add, per_wavelet: int) -> np.ndarray:
    """Part p of the vector is x(p-1) + (... (x(p+1) + x(p)))."""
    places, elements = len(parts), len(parts[0])
    wavelets = -(-elements // per_wavelet)
    whole = np.zeros(elements, parts[0].dtype)
    for part in range(places):
        begin, end = (min(n * wavelets // places * per_wavelet, elements) for n in (part, part + 1))
        total = parts[part][begin:end]
        for step in range(1, places):
            total = add(parts[(part + step) % places][begin:end], total)
        whole[begin:end] = total
    return whole
