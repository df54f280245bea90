"""One channel of AttAcc, cycle by cycle.

The policy is that of its controller (scale-snu/attacc_simulator, commit c600051,
hbm3_pim_controller.cpp and pim_scheduler.cpp): one row and one column command a cycle; a refresh
that is due first, and no other row command meanwhile; else of the queue up to its first barrier,
and of what opens and closes rows beyond it, the first that may go. A move to a bank for whose open
row a column waits lets what came first wait on.
"""

import numpy as np

from arch.pim.attacc import TIMINGS
from sim.jit import njit
from traces.mapping.attacc import BARRIER, MAC, MVGB

STATE = np.dtype(
    [
        ("now", np.int64),  # cycle
        ("next", np.int64),  # first command that is not in the queue
        ("queued", np.int64),
        ("row", np.int64),  # open in all banks, or CLOSED
        ("column_at", np.int64),  # cycle from which on a column of all banks may go,
        ("activate_at", np.int64),
        ("precharge_at", np.int64),
        ("bus_at", np.int64),  # a move on the bus of its pseudo-channel
        ("refresh_at", np.int64),  # the next one is due
        ("refreshes", np.int64),  # that wait, of pseudo-channels
        ("activates", np.int64),  # counts
        ("precharges", np.int64),
        ("refreshed", np.int64),
    ]
)
CONFIG = np.dtype(
    [
        *((name, np.int64) for name in TIMINGS),
        ("pseudo_channels", np.int64),
        ("beyond", np.int64),  # rows open beyond a barrier
        ("group_banks", np.int64),
        ("rank_banks", np.int64),
    ]
)
CLOSED = -1
NONE = -1
COLUMN, MOVE, ACTIVATE, PRECHARGE, REFRESH = range(5)
NO_BUS, COLUMN_BUS, ROW_BUS = range(3)
COUNTS = MVGB + 1


@njit
def wanted(s, queue, at):
    """What a queued command needs first, or itself."""
    if queue[at, 0] != MAC:
        return MOVE
    if s["row"] == queue[at, 2]:
        return COLUMN
    return ACTIVATE if s["row"] == CLOSED else PRECHARGE


@njit
def may_go(c, s, group_at, rank_at, kind, bank):
    """Whether a command may go in this cycle."""
    now = s["now"]
    if kind == COLUMN:
        return now >= s["column_at"]
    if kind == ACTIVATE:
        return now >= s["activate_at"]
    if kind == PRECHARGE:
        return now >= s["precharge_at"]
    near = max(group_at[bank // c["group_banks"]], rank_at[bank // c["rank_banks"]])
    return now >= max(s["bus_at"], near)


@njit
def drop(s, queue, place):
    """Take a command out of the queue."""
    for i in range(place, s["queued"] - 1):
        for k in range(3):
            queue[i, k] = queue[i + 1, k]
    s["queued"] -= 1


@njit
def wanted_row(s, queue):
    """Whether a column in the queue finds its row open."""
    found = False
    for i in range(s["queued"]):
        found = found or wanted(s, queue, i) == COLUMN
    return found


@njit
def pick(c, s, queue, group_at, rank_at):
    """The command of the queue that comes first, or NONE if it may not go: its place and what it
    needs. A barrier at the head is gone."""
    if s["queued"] > 0 and queue[0, 0] == BARRIER:
        drop(s, queue, 0)
    if s["queued"] == 0:
        return NONE, MOVE
    hit = wanted_row(s, queue)
    chosen, kind, ready = NONE, MOVE, False
    beyond = False
    for i in range(s["queued"]):
        if queue[i, 0] == BARRIER:
            beyond = True
            continue
        mine = wanted(s, queue, i)
        if beyond and (mine in (COLUMN, MOVE) or not c["beyond"]):
            continue
        may = may_go(c, s, group_at, rank_at, mine, queue[i, 1])
        passes = may and not ready and (mine == COLUMN or not hit or queue[i, 1] != 0)
        if chosen == NONE or passes:
            chosen, kind, ready = i, mine, may
            if ready:
                break
    return (chosen if ready else NONE), kind


@njit
def give(c, s, queue, group_at, rank_at, place, kind):
    """Give a command, and note what must wait for it."""
    now = s["now"]
    if kind == ACTIVATE:
        s["row"] = queue[place, 2]
        s["activate_at"] = max(s["activate_at"], now + c["nRC"])
        s["column_at"] = max(s["column_at"], now + c["nRCDRD"])
        s["precharge_at"] = max(s["precharge_at"], now + c["nRAS"])
        s["activates"] += 1
    elif kind == PRECHARGE:
        s["row"] = CLOSED
        s["activate_at"] = max(s["activate_at"], now + c["nRP"])
        s["precharges"] += 1
    elif kind == COLUMN:
        s["column_at"] = max(s["column_at"], now + c["nCCDAB"])
        s["precharge_at"] = max(s["precharge_at"], now + c["nRTPL"])
        drop(s, queue, place)
    elif kind == MOVE:
        bank = queue[place, 1]
        s["bus_at"] = now + c["nBL"]
        rank_at[bank // c["rank_banks"]] = now + c["nCCDS"]
        group_at[bank // c["group_banks"]] = now + c["nCCDL"]
        drop(s, queue, place)
    else:
        s["activate_at"] = max(s["activate_at"], now + c["nRFC"])
        s["refreshes"] -= 1
        s["refreshed"] += 1


@njit
def refresh_next(c, s):
    """What brings a refresh closer, and whether it may go: all banks must be closed for nRP."""
    if s["row"] != CLOSED:
        return PRECHARGE, s["now"] >= s["precharge_at"]
    return REFRESH, s["now"] >= s["activate_at"] or s["refreshes"] < c["pseudo_channels"]


@njit
def run(config, state, stream, queue, group_at, rank_at):
    """Give all commands of ``stream``; returns the cycle in which nothing is left."""
    c, s = config[0], state[0]
    while True:
        while s["next"] < stream.shape[0] and s["queued"] < queue.shape[0]:
            for k in range(3):
                queue[s["queued"], k] = stream[s["next"], k]
            s["queued"] += 1
            s["next"] += 1
        if s["queued"] == 0 and s["refreshes"] == 0:
            return s["now"]
        s["now"] += 1
        if s["now"] == s["refresh_at"]:
            s["refreshes"] += c["pseudo_channels"]
            s["refresh_at"] += c["nREFI"]
        taken = NO_BUS
        if s["refreshes"] > 0:
            kind, may = refresh_next(c, s)
            if may:
                give(c, s, queue, group_at, rank_at, NONE, kind)
            taken = ROW_BUS
        for _ in range(2):
            place, kind = pick(c, s, queue, group_at, rank_at)
            if place == NONE:
                break
            bus = COLUMN_BUS if kind in (COLUMN, MOVE) else ROW_BUS
            if bus == taken:
                break
            give(c, s, queue, group_at, rank_at, place, kind)
            if taken != NO_BUS:
                break
            taken = bus
