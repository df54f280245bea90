"""A DRAM channel's registers, as the simulator's kernel has them.

The kernel's cycle ``now`` is the hardware's cycle ``now`` - 1.
"""

import numpy as np

from rtl.lockstep.requests import (
    FIELDS,
    PASSED,
    REFUSED,
    TAKEN,
    VALID,
    WRITE,
    write_request,
)
from rtl.lockstep.streams import show_kept
from rtl.lockstep.timers import show_bank_timers, show_pasts, show_wide_timers
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
        write_request(shapes[0], incoming, given)
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
def show_queue(shape, s, entries, incoming, order, shown, at):
    """Registers of the queue; returns where those of the next part begin."""
    at = show_kept(incoming, 0, VALID, shown, at)
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
        at = show_bank_timers(s, shape["banks"], ready, timers, bank, shown, at + 3)
    return show_wide_timers(s, shape["banks"], ready, wide, shown, at)


@njit
def show_registers(shape, s, entries, banks, ready, history, pending, incoming, order, timers,
                   wide, pasts, rows, shown, at):  # fmt: skip
    """All registers, as they are during a cycle."""
    at = show_queue(shape, s, entries, incoming, order, shown, at)
    shown[at] = s["draining"]
    at = show_banks(shape, s, banks, ready, timers, wide, rows, shown, at + 1)
    at = show_pasts(s, history, pasts, shown, at)
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
