"""The places of a bank's command queue, which are a ring."""

import numpy as np

from sim.jit import njit


@njit
def wants(row, write):
    """What stands in a place for a request of a row."""
    return np.int64(row) * 2 + write


@njit
def slot(queue, queues, bank, place):
    """Where in its ring a place of a bank's queue is."""
    return (queue[bank]["first"] + place) & (queues.shape[1] - 1)


@njit
def entry_of(queue, queues, bank, place):
    """Entry at a place of a bank's queue."""
    return np.int64(queues[bank, slot(queue, queues, bank, place)]["entry"])


@njit
def first_row(queue, queues, bank):
    """Row that the first command of a bank's queue is for."""
    return queues[bank, queue[bank]["first"]]["wants"] >> 1
