"""What a channel of memory and PIM commands does in each cycle, for accounts.

Data on the pins go first (``sim.dram.accounting.settle_channel``); this is for the other cycles.
"""

from sim.contract import (
    BUSY_PIM,
    IDLE,
    STALL_BUS,
    STALL_DISPATCH,
    STALL_REFRESH,
    STALL_ROW,
    cause_of_waiting,
)
from sim.dram.bank_queues_state import NONE
from sim.dram.state import READS
from sim.dram.tables import REFRESH
from sim.jit import njit


@njit
def cause(s, q, m, p, queue, commands):
    """Why no data move from here on. Writes that stay until there are more are no work."""
    memory = s["counts"][READS] + q["queued"]
    taken = m["queued"] + m["waiting"]
    if m["gwriting"]:
        return BUSY_PIM
    if taken == 0 and m["head"] < m["tail"] and memory == 0:
        return STALL_DISPATCH
    if m["tile"] or m["begun"]:
        return BUSY_PIM
    if memory + taken == 0:
        if p["ending"] != NONE:
            return BUSY_PIM
        if p["head"] < p["queue_end"] and p["waits_for"] != NONE:
            return cause_of_waiting(commands, p["waits_for"])
        return IDLE
    if s["pending"] > 0 or m["skip"] or s["last_action"] == REFRESH:
        return STALL_REFRESH
    for bank in range(queue.shape[0]):
        if queue[bank]["read"] != NONE or queue[bank]["write"] != NONE:
            return STALL_BUS
    return STALL_ROW
