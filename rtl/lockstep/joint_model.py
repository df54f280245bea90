"""One cycle of a channel with memory and PIM commands, as that of ``sim.pim.joint.kernel.run``.

The kernel's cycle ``now`` is that of the hardware.
"""

import numpy as np

from rtl.lockstep.requests import FIELDS, PASSED, REFUSED, TAKEN, VALID, write_request
from sim.jit import njit
from sim.pim.joint.cycle import advance, offer, take_pim

SHAPE = np.dtype(
    [
        ("banks", np.int64),
        ("rows", np.int64),
        ("columns", np.int64),
        ("tag_bits", np.int64),
        ("count_bits", np.int64),
        ("transactions", np.int64),  # entries of the queues
        ("pim_commands", np.int64),
        ("bank_entries", np.int64),
        ("hits", np.int64),  # where their count ends
        ("turns", np.int64),  # 1: sides take turns
        ("side", np.int64),  # 1: and alternate
        ("since", np.int64),  # 1 + the side whose last command is of interest, or 0
        ("gwrite_left", np.int64),  # 1: there is such a register
        ("refreshes", np.int64),
        ("clear_after", np.int64),  # of results on the data pins
    ]
)

OP, PIM_BANK, PIM_ROW, COUNT, RESULTS, LAST, PIM_TAG, PIM_VALID = range(8)
"""Of an instruction, which is behind the request in a stimulus and in what comes in."""
PIM_FIELDS = 7
PIM_FIRST = FIELDS + 1
INPUTS = PIM_FIRST + PIM_FIELDS + 1
OUTPUTS = 15


@njit
def receive(config, joint, shapes, channel, arbiter, state, entries, lists, queue, queues, shared,
            marks, latencies, finished, items, came, incoming, request):  # fmt: skip
    """The first part of a cycle: what comes in is taken, or not.

    Returns what becomes of the request and whether an instruction was taken. ``items``: its place
    is that of the instruction that comes in.
    """
    c, j, s, q, m = config[0], joint[0], channel[0], arbiter[0], state[0]
    s["finished"] = s["logged"] = 0
    became = REFUSED
    if incoming[VALID] and not s["refused"]:
        given = request[0]
        write_request(shapes[0], incoming, given)
        served = s["coalesced"] + s["forwarded"]
        if offer(c, j, s, q, m, entries, lists, queue, queues, shared, marks, latencies, finished,
                 given):  # fmt: skip
            became = PASSED if s["coalesced"] + s["forwarded"] > served else TAKEN
        else:
            s["refused"] = 1
    before = m["taken"]
    m["tail"] = before
    if incoming[PIM_FIRST + PIM_VALID]:
        m["tail"] = before + 1
        item = items[before & (items.shape[0] - 1)]
        item["arrival"] = item["stride"] = 0
        item["op"] = incoming[PIM_FIRST + OP]
        item["bank"] = incoming[PIM_FIRST + PIM_BANK]
        item["row"] = incoming[PIM_FIRST + PIM_ROW]
        item["count"] = incoming[PIM_FIRST + COUNT]
        item["results"] = incoming[PIM_FIRST + RESULTS]
        item["last"] = incoming[PIM_FIRST + LAST]
        item["tag"] = incoming[PIM_FIRST + PIM_TAG]
    take_pim(c, j, s, m, items, came)
    return became, m["taken"] > before


@njit
def go(config, commands, rules, limits, joint, channel, arbiter, state, entries, lists, queue,
       soon, queues, shared, marks, banks, pim_rows, ready, history, issued, latencies, finished,
       items, came, log):  # fmt: skip
    """The rest of a cycle. ``log`` has its command."""
    s = channel[0]
    advance(config[0], limits[0], joint[0], s, arbiter[0], state[0], commands, rules, banks,
            pim_rows, ready, history, issued, latencies, finished, log, entries, lists, queue,
            soon, queues, shared, marks, items, came)  # fmt: skip
    s["now"] += 1
