"""Reads and writes that drive a memory's channel, in bursts and at random."""

import numpy as np

from rtl.lockstep.draws import draw
from sim.jit import njit

EPOCH_CYCLES = 1024
"""For so long traffic keeps its rates, places and manners."""

BANK, ROW, COLUMN, WRITE, TAG, VALID = range(6)
"""Of a stimulus, and of the request that comes in."""
FIELDS = 5
"""Of a request."""

REFUSED, TAKEN, PASSED = range(3)
"""What becomes of a request that comes in: it waits outside, in its list, or is served at once."""

REQUESTS = np.dtype(
    [
        ("random", np.int64),  # state of the generator, never 0
        ("cycle", np.int64),
        ("hostile", np.int64),  # 1: valid and payload change whatever ready says
        ("rate", np.int64),  # of 64, that a request is offered in a burst
        ("burst_below", np.int64),  # cycles of a burst
        ("gap_below", np.int64),  # cycles between two
        ("bursts", np.int64),  # 1: in a burst
        ("left", np.int64),  # cycles of it or of the gap
        ("bank_first", np.int64),
        ("bank_below", np.int64),  # banks from the first on, and so rows and columns
        ("row_first", np.int64),
        ("row_below", np.int64),
        ("column_first", np.int64),
        ("column_below", np.int64),
        ("stay", np.int64),  # of 16, that bank and row are those of the request before
        ("write_share", np.int64),  # of 16
        ("reset_rate", np.int64),  # of 65536
        ("useful_cycles", np.int64),
    ]
)


@njit
def draw_some(t, size):
    """How many of ``size`` there are to choose from: one, a few, or all."""
    few = draw(t, 6)
    return size if few > 3 else min(size, 1 << few)


@njit
def begin_bursts(t):
    """Choose an epoch's rates and manners."""
    t["hostile"] = draw(t, 2)
    t["rate"] = 4 << draw(t, 5)
    t["burst_below"] = 2 << draw(t, 8)
    t["gap_below"] = 1 << draw(t, 7)


@njit
def begin_places(t, shape, rows):
    """Choose an epoch's places, of ``rows`` rows at most, and how often writes and resets come."""
    t["bank_first"] = draw(t, shape["banks"])
    t["bank_below"] = draw_some(t, shape["banks"])
    t["row_first"] = draw(t, shape["rows"])
    t["row_below"] = draw_some(t, rows)
    t["column_first"] = draw(t, shape["columns"])
    t["column_below"] = draw_some(t, shape["columns"])
    t["stay"] = 5 * draw(t, 4)
    shares = draw(t, 5)
    t["write_share"] = 4 * shares
    t["reset_rate"] = draw(t, 3) * draw(t, 32)


@njit
def offer_request(t, shape, ready, given):
    """The request of a cycle, from that of the cycle before, still in ``given``, and whether the
    stream was ready then."""
    if t["left"] == 0:
        t["bursts"] = 1 - t["bursts"]
        t["left"] = 1 + draw(t, t["burst_below"] if t["bursts"] else t["gap_below"])
    t["left"] -= 1
    if t["hostile"] or ready or not given[VALID]:
        given[VALID] = 1 if t["bursts"] and draw(t, 64) < t["rate"] else 0
        if draw(t, 16) >= t["stay"]:
            given[BANK] = (t["bank_first"] + draw(t, t["bank_below"])) % shape["banks"]
            given[ROW] = (t["row_first"] + draw(t, t["row_below"])) % shape["rows"]
        given[COLUMN] = (t["column_first"] + draw(t, t["column_below"])) % shape["columns"]
        given[WRITE] = 1 if draw(t, 16) < t["write_share"] else 0
        given[TAG] = draw(t, 1 << shape["tag_bits"])


@njit
def write_request(shape, incoming, request):
    """The request that comes in, as the kernel takes it."""
    request["bank"] = incoming[BANK]
    request["row"] = incoming[ROW]
    request["column"] = incoming[COLUMN]
    row = incoming[BANK] * shape["rows"] + incoming[ROW]
    request["address"] = row * shape["columns"] + incoming[COLUMN]
    request["write"] = incoming[WRITE]
    request["tag"] = incoming[TAG]
