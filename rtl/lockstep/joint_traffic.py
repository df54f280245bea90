"""What drives a channel with memory and PIM commands: requests and PIM programs at random."""

import numpy as np

from rtl.lockstep.draws import draw
from rtl.lockstep.joint_model import (
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
)
from rtl.lockstep.requests import (
    EPOCH_CYCLES,
    REQUESTS,
    begin_bursts,
    begin_places,
    offer_request,
)
from sim.jit import njit
from sim.pim.joint.state import COMP, COMPS, GWRITE, HEADER, READRES

ROWS = 8
"""Of both sides, at most, so that they meet."""
QUIET_CYCLES = 1000
"""A channel that has given no command but refreshes for so long is reset. With ``open_tile: waits``
a tile's instructions may wait for ever: among reads that wait for its row, or behind a full queue.
"""

TRAFFIC = np.dtype(
    [
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
        # Last, as Numba takes a record for another that it begins with.
        *REQUESTS.descr,
    ]
)


@njit
def begin_epoch(t, shape):
    """Choose rates, places and manners."""
    begin_bursts(t)
    if draw(t, 4) == 0:
        t["rate"], t["gap_below"] = 64, 1
    begin_places(t, shape, min(ROWS, shape["rows"]))
    t["pim_rate"] = 8 << draw(t, 4)
    t["gwrite_share"] = 2 << draw(t, 4)
    t["composite_share"] = 8 * draw(t, 3)
    t["same_row"] = 5 * draw(t, 4)
    t["columns_below"] = 1 << draw(t, 5)
    t["results_below"] = 1 << draw(t, 4)


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
