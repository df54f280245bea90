"""Scratchpad ports: what the array leaves free for the DMA.

The array comes first. While its demand is constant, each of its advances takes
``advance_cycles`` cycles and ``accesses`` of a scratchpad that serves ``capacity`` a cycle, used as
early as possible; the rest is free. Counts over any interval follow without looking at each
cycle.
"""

import numpy as np

from sim.contract import NEVER
from sim.jit import njit

PADS_MAX = 3

DEMAND = np.dtype(
    [
        ("at", np.int64),  # tick from which it holds
        ("advance_cycles", np.int64),  # cycles of one advance of the array
        ("accesses", np.int64, PADS_MAX),  # an advance takes of each scratchpad
    ]
)

DEMAND_RING = 8
"""Changes of demand that the buffer may not have seen yet; it sees each one cycle later."""


@njit
def free_since_start(capacity, accesses, advance_cycles, cycles):
    """Free accesses in the first ``cycles`` cycles of a demand."""
    whole = cycles // advance_cycles
    part = cycles % advance_cycles
    free = whole * (advance_cycles * capacity - accesses)
    return free + max(0, part * capacity - accesses)


@njit
def cycles_until_free(capacity, accesses, advance_cycles, cycles, wanted):
    """Cycles since the start of a demand after which ``wanted`` more accesses have been free
    than after the first ``cycles``; NEVER if the demand leaves none."""
    each = advance_cycles * capacity - accesses
    if each <= 0:
        return NEVER
    target = free_since_start(capacity, accesses, advance_cycles, cycles) + wanted
    whole = (target - 1) // each
    rest = target - whole * each
    return whole * advance_cycles + (rest + accesses + capacity - 1) // capacity
