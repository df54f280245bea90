"""A DRAM channel's registers, as the simulator's kernel has them.

The kernel's cycle ``now`` is the hardware's cycle ``now`` - 1.
"""

import numpy as np

from sim.dram.cycle import advance, offer
from sim.dram.state import ACTIVATED, READS, WRITES
from sim.jit import njit

SHAPE = np.dtype(
    [
        ("banks", np.int64),
        ("rows", np.int64),
        ("columns", np.int64),
        ("entries", np.int64),  # of the queue
        ("tag_bits", np.int64),
        ("cap_cycles", np.int64),  # 0: none
        ("refreshes", np.int64),  # 1: there are
        ("refresh_span", np.int64),  # banks that one takes
        ("refresh_turns", np.int64),  # of a node
        ("refresh_nodes", np.int64),
    ]
)

TIMER = np.dtype(
    [
        ("command", np.int64),  # of the kernel
        ("first", np.int64),  # bank; of timers of single banks, not used
        ("span", np.int64),  # banks
    ]
)

PAST = np.dtype(
    [
        ("history", np.int64),  # of the kernel
        ("first", np.int64),  # bank
        ("place", np.int64),  # 0: of the last command
        ("cycles", np.int64),  # of the window
    ]
)

BANK, ROW, COLUMN, WRITE, TAG, VALID = range(6)
"""Of a stimulus, and of the request that comes in."""
FIELDS = 5
"""Of a request."""

REFUSED, TAKEN, PASSED = range(3)
"""What becomes of a request that comes in."""


@njit
def step(config, commands, rules, channel, picks, entries, keys, banks, ready, history,
         issued, latencies, pending, finished, log, shapes, incoming, request):  # fmt: skip
    """One cycle of the kernel, as ``sim.dram.replay.run`` goes through it.

    Returns what becomes of the request that comes in. ``log`` has this cycle's commands.
    """
    c, s = config[0], channel[0]
    s["finished"] = 0
    s["logged"] = 0
    came = REFUSED
    if incoming[VALID] and not s["refused"]:
        given = request[0]
        given["bank"] = incoming[BANK]
        given["row"] = incoming[ROW]
        given["column"] = incoming[COLUMN]
        row = incoming[BANK] * shapes[0]["rows"] + incoming[ROW]
        given["address"] = row * shapes[0]["columns"] + incoming[COLUMN]
        given["write"] = incoming[WRITE]
        given["tag"] = incoming[TAG]
        if offer(c, s, commands, picks, entries, keys, banks, ready, latencies, finished, given):
            came = PASSED if s["finished"] > 0 else TAKEN
    advance(c, s, commands, rules, picks, entries, keys, banks, ready, history, issued,
            latencies, pending, finished, log)  # fmt: skip
    s["now"] += 1
    return came


@njit
def arrivals(s, entries, order):
    """Fill ``order`` [request, (list, entry)] by arrival; returns how many there are."""
    count = 0
    for kind in range(ACTIVATED + 1):
        for i in range(s["counts"][kind]):
            at = count
            sequence = entries[kind, i]["sequence"]
            while at > 0 and entries[order[at - 1, 0], order[at - 1, 1]]["sequence"] > sequence:
                order[at, 0] = order[at - 1, 0]
                order[at, 1] = order[at - 1, 1]
                at -= 1
            order[at, 0] = kind
            order[at, 1] = i
            count += 1
    return count


@njit
def wait_of(s, banks, ready, command, first, span):
    """Cycles until a command may go to a node."""
    latest = 0
    for place in range(command * banks + first, command * banks + first + span):
        latest = max(latest, ready[place])
    return max(0, latest - s["now"])


@njit
def show_queue(shape, s, entries, incoming, order, shown, at):
    """Registers of the queue; returns where those of the next part begin."""
    shown[at] = incoming[VALID]
    at += 1
    for i in range(FIELDS):
        shown[at + i] = incoming[i]
    at += FIELDS
    shown[at] = s["counts"][READS]
    shown[at + 1] = s["counts"][WRITES]
    at += 2
    waiting = arrivals(s, entries, order)
    width = 2 + FIELDS + (shape["cap_cycles"] > 0)
    for i in range(shape["entries"] * width):
        shown[at + i] = 0
    for i in range(waiting):
        kind = order[i, 0]
        entry = entries[kind, order[i, 1]]
        here = at + i * width
        shown[here] = 1
        shown[here + 1] = kind == ACTIVATED
        shown[here + 2] = entry["bank"]
        shown[here + 3] = entry["row"]
        shown[here + 4] = entry["column"]
        shown[here + 5] = entry["write"]
        shown[here + 6] = entry["tag"]
        if shape["cap_cycles"] > 0:
            shown[here + 7] = min(shape["cap_cycles"], s["now"] - entry["arrival"])
    return at + shape["entries"] * width


@njit
def show_banks(shape, s, banks, ready, timers, wide, rows, shown, at):
    """Registers of the banks and of wider nodes; ``rows`` [bank]: the last that was open."""
    for bank in range(shape["banks"]):
        opened = banks[bank]["row"]
        if opened >= 0:
            rows[bank] = opened
        shown[at] = opened >= 0
        shown[at + 1] = rows[bank]
        shown[at + 2] = banks[bank]["owners"]
        at += 3
        for i in range(timers.shape[0]):
            shown[at] = wait_of(s, shape["banks"], ready, timers[i]["command"], bank, 1)
            at += 1
    for i in range(wide.shape[0]):
        timer = wide[i]
        shown[at] = wait_of(
            s, shape["banks"], ready, timer["command"], timer["first"], timer["span"]
        )
        at += 1
    return at


@njit
def show_registers(shape, s, entries, banks, ready, history, pending, incoming, order, timers,
                   wide, pasts, rows, shown, at):  # fmt: skip
    """All registers, as they are during a cycle."""
    at = show_queue(shape, s, entries, incoming, order, shown, at)
    shown[at] = s["draining"]
    at = show_banks(shape, s, banks, ready, timers, wide, rows, shown, at + 1)
    for i in range(pasts.shape[0]):
        past = pasts[i]
        since = history[past["history"], past["first"], past["place"]]
        shown[at] = max(0, since + past["cycles"] - s["now"])
        at += 1
    if not shape["refreshes"]:
        return
    shown[at] = s["next_refresh"] - s["now"]
    shown[at + 1] = s["pending"]
    at += 2
    place = s["refresh_bank"]
    if s["pending"] > 0:
        place = pending[s["pending_at"]] // shape["refresh_span"]
    if shape["refresh_nodes"] > 1:
        shown[at] = place // shape["refresh_turns"]
        at += 1
    if shape["refresh_turns"] > 1:
        shown[at] = place % shape["refresh_turns"]


OUTPUTS = 11


@njit
def show_outputs(s, finished, log, codes, incoming, came, shown):
    """All outputs of a cycle. ``codes`` [command of the kernel], that of the hardware."""
    for i in range(OUTPUTS):
        shown[i] = 0
    shown[0] = incoming[VALID] == 0 or came != REFUSED
    if s["logged"] > 0:
        shown[1] = 1
        shown[2] = codes[log[0]["command"]]
        shown[3] = log[0]["bank"]
        shown[4] = max(0, log[0]["row"])
        shown[5] = max(0, log[0]["column"])
    passed = came == PASSED
    if passed:
        shown[6] = 1
        shown[7] = incoming[WRITE]
        shown[8] = finished[0]["tag"]
    if s["finished"] > passed:
        shown[9] = 1
        shown[10] = finished[s["finished"] - 1]["tag"]
