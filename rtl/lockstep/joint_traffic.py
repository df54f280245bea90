"""What drives a channel with memory and PIM commands: requests and PIM programs at random."""

import numpy as np

from rtl.lockstep.dram_traffic import draw, draw_some
from rtl.lockstep.joint_model import (
    BANK,
    COLUMN,
    COUNT,
    INPUTS,
    LAST,
    OP,
    PIM_BANK,
    PIM_FIRST,
    PIM_ROW,
    PIM_TAG,
    PIM_VALID,
    RESULTS,
    ROW,
    TAG,
    VALID,
    WRITE,
)
from sim.jit import njit
from sim.pim.joint.state import COMP, COMPS, GWRITE, HEADER, READRES

EPOCH_CYCLES = 1024
"""For so long traffic keeps its rates, places and manners."""
QUIET_CYCLES = 1000
"""A channel that has given no command but refreshes for so long is reset: among reads that wait for
the row of a tile, or behind a full queue, PIM instructions may wait for ever."""

TRAFFIC = np.dtype(
    [
        ("random", np.int64),  # state of the generator, never 0
        ("cycle", np.int64),
        ("hostile", np.int64),  # 1: what is offered changes whatever ready says
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
        ("pim_rate", np.int64),  # of 64, that an instruction is offered
        ("gwrite_share", np.int64),  # of 16, of units
        ("composite_share", np.int64),  # of 16, of tiles
        ("same_row", np.int64),  # of 16, that a unit is of the row of the one before
        ("columns_below", np.int64),  # of an instruction
        ("results_below", np.int64),  # of a tile
        ("columns_max", np.int64),  # that an estimate may have
        ("results", np.int64),  # that the tile at hand has left
        ("columns", np.int64),  # of each
        ("column", np.int64),  # single columns until its read
        ("composite", np.int64),
        ("row", np.int64),  # of the unit at hand
        ("quiet", np.int64),  # cycles since a command
        ("useful_cycles", np.int64),
    ]
)


@njit
def begin_epoch(t, shape):
    """Choose rates, places and manners."""
    t["hostile"] = draw(t, 2)
    t["rate"] = 4 << draw(t, 5)
    t["burst_below"] = 2 << draw(t, 8)
    t["gap_below"] = 1 << draw(t, 7)
    if draw(t, 4) == 0:
        t["rate"], t["gap_below"] = 64, 1
    t["bank_first"] = draw(t, shape["banks"])
    t["bank_below"] = draw_some(t, shape["banks"])
    t["row_first"] = draw(t, shape["rows"])
    t["row_below"] = draw_some(t, min(8, shape["rows"]))
    t["column_first"] = draw(t, shape["columns"])
    t["column_below"] = draw_some(t, shape["columns"])
    t["stay"] = 5 * draw(t, 4)
    shares = draw(t, 5)
    t["write_share"] = 4 * shares
    t["reset_rate"] = draw(t, 3) * draw(t, 32)
    t["pim_rate"] = 8 << draw(t, 4)
    t["gwrite_share"] = 2 << draw(t, 4)
    t["composite_share"] = 8 * draw(t, 3)
    t["same_row"] = 5 * draw(t, 4)
    t["columns_below"] = 1 << draw(t, 5)
    t["results_below"] = 1 << draw(t, 4)


@njit
def offer_request(t, shape, ready, given):
    """The request of a cycle, from that of the cycle before, still in ``given``, and whether it
    was taken over."""
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
def next_instruction(t, shape, given):
    """Go on in the program: units one after the other."""
    given[PIM_BANK] = draw(t, shape["banks"])
    given[LAST] = given[RESULTS] = 0
    given[COUNT] = 1
    if t["results"] == 0:
        if draw(t, 16) >= t["same_row"]:
            t["row"] = (t["row_first"] + draw(t, t["row_below"])) % shape["rows"]
        given[PIM_ROW] = t["row"]
        if draw(t, 16) < t["gwrite_share"]:
            given[OP] = GWRITE
            return
        given[OP] = HEADER
        t["results"] = 1 + draw(t, t["results_below"])
        t["columns"] = 1 + draw(t, min(t["columns_below"], t["columns_max"]))
        t["column"] = t["columns"]
        t["composite"] = draw(t, 16) < t["composite_share"]
        given[COUNT], given[RESULTS] = t["columns"], t["results"]
        return
    given[PIM_ROW] = t["row"]
    if t["composite"] == 0 and t["column"] > 0:
        given[OP] = COMP
        t["column"] -= 1
        return
    given[OP] = READRES
    if t["composite"]:
        given[OP], given[COUNT] = COMPS, t["columns"]
    t["column"] = t["columns"]
    t["results"] -= 1
    given[LAST] = t["results"] == 0


@njit
def offer_instruction(t, shape, ready, given):
    """The same for PIM. What changes while it waits is no part of the program."""
    if t["hostile"] or ready or not given[PIM_VALID]:
        given[PIM_VALID] = draw(t, 64) < t["pim_rate"]
        given[PIM_TAG] = draw(t, 1 << shape["tag_bits"])


@njit
def stimulate(t, shape, before, given):
    """The stimulus of a cycle, from that of the cycle before, still in ``given``. Returns whether
    it resets. ``before`` [INPUTS]: whether each stream was ready then."""
    if t["cycle"] % EPOCH_CYCLES == 0:
        begin_epoch(t, shape)
    t["cycle"] += 1
    pim = given[PIM_FIRST:]
    taken = pim[PIM_VALID] and before[INPUTS + 1]
    offer_request(t, shape, before[INPUTS], given)
    if taken or t["cycle"] == 1:
        next_instruction(t, shape, pim)
    offer_instruction(t, shape, before[INPUTS + 1], pim)
    resets = draw(t, 65536) < t["reset_rate"] or t["quiet"] > QUIET_CYCLES
    return 1 if resets else 0
