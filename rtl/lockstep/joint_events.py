"""What a channel with memory and PIM commands has shown, counted in cycles."""

from rtl.lockstep.joint_model import PIM_FIRST, PIM_VALID
from rtl.lockstep.requests import PASSED, REFUSED, TAKEN, VALID, WRITE
from sim.dram.bank_queues_places import first_row
from sim.dram.state import CLOSED, READS, WRITES
from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.joint.cycle import SLACK_MIN
from sim.pim.joint.memory_side import memory_next
from sim.pim.joint.pim_side import pim_next
from sim.pim.joint.state import MEMORY, PIM

EVENTS = (
    "request taken",
    "read served by a waiting write",
    "write takes the place of another",
    "request behind a read of its place",
    "list full",
    "drain begins",
    "instruction taken",
    "instruction waits for room",
    "instruction moves before a read",
    "both could go, PIM does",
    "both could go, memory does",
    "memory waits for the time left",
    "row kept for the time left",
    "unit waits for a refresh",
    "unit begins in the last cycle",
    "refresh waits for a tile",
    "refresh in a tile",
    "refresh closes rows",
    "refresh closes rows of PIM",
    "request waits for the row of a tile",
    "rows of both sides open",
    "PIM closes a row of memory",
    "memory closes a row of PIM",
    "column between those of a composite",
    "turn of memory begins",
    "turn of PIM begins",
    "stalled stream changes",
    "reset while dirty",
)
"""In the order in which they are counted."""


@njit
def probe(config, joint, channel, arbiter, tried, commands, banks, pim_rows, ready, queue, soon,
          queues, items):  # fmt: skip
    """What each side could give in a cycle, before it goes on, in mode concurrent.

    ``tried``: a copy of the state, which changes. Returns whether PIM could, whether memory could,
    whether it could but for the time left, and whether it waits for PIM.
    """
    c, j, s, q, m = config[0], joint[0], channel[0], arbiter[0], tried[0]
    now = s["now"]
    if m["gwriting"] and now >= m["gwrite_done"]:
        m["gwriting"] = m["slack"] = 0
    pending = s["pending"] + (now >= s["next_refresh"])
    if j["blocked"] or (pending > 0 and (m["tile"] == 0 or j["tile_ends_first"] == 0)):
        return False, False, False, False
    pim_at, waits = NEVER, False
    if m["queued"] > 0 and m["skip"] == 0:
        due = s["next_refresh"]
        if now >= due:
            s["next_refresh"] += j["refresh_gap"]
        pim_at, _, _ = pim_next(c, j, s, m, commands, banks, pim_rows, ready, items)
        s["next_refresh"] = due
        waits = pim_at > now and j["slack_checked"] == 1 and m["slack"] < SLACK_MIN
    could, free = False, False
    for untimed in range(2):
        if untimed:
            m["slack"] = 0
        when, _, _, _ = memory_next(
            c, j, s, q, m, banks, pim_rows, ready, queue, soon, queues, False
        )
        if untimed:
            free = when == now
        else:
            could = when == now
    return pim_at == now, could, free and not could, waits


@njit
def count_before(config, joint, channel, arbiter, state, queue, queues, banks,
                 pim_rows, incoming, reset, events):  # fmt: skip
    """Count what a cycle shows of the state with which it begins."""
    c, j, s, q, m = config[0], joint[0], channel[0], arbiter[0], state[0]
    full = False
    if incoming[VALID]:
        kind = WRITES if incoming[WRITE] else READS
        room = c["write_entries"] if incoming[WRITE] else c["read_entries"]
        full = s["counts"][kind] >= room
        if j["among_reads"] and kind == READS:
            full = full or s["counts"][READS] + m["waiting"] >= room
    events[4] += full
    events[15] += s["pending"] > 0 and m["tile"] == 1 and j["tile_ends_first"] == 1
    kept, both = False, False
    for bank in range(c["banks"]):
        if queue[bank]["count"] > 0 and m["reserved"] != CLOSED:
            kept = kept or first_row(queue, queues, bank) == m["reserved"]
        both = both or (banks[bank]["row"] != CLOSED and pim_rows[bank] != CLOSED)
    events[19] += kept
    events[20] += both
    events[27] += reset == 1 and s["counts"][READS] + q["queued"] + m["queued"] > 0
    return full


@njit
def count_after(config, joint, channel, state, log, incoming, became, pim_taken, full, drained,
                old, could, events, issued):  # fmt: skip
    """Count what a cycle has done. ``old``: the state with which it began; ``could``: as of
    ``probe``."""
    c, j, s, m = config[0], joint[0], channel[0], state[0]
    now, before = s["now"] - 1, old[0]
    pim_could, memory_could, kept, waits = could
    events[0] += became == TAKEN
    events[1] += became == PASSED and not incoming[WRITE]
    events[2] += became == PASSED and incoming[WRITE]
    events[3] += incoming[VALID] == 1 and became == REFUSED and not full
    events[5] += s["draining"] > drained
    events[6] += pim_taken
    events[7] += incoming[PIM_FIRST + PIM_VALID] == 1 and not pim_taken
    events[8] += m["transactions"] > before["transactions"] and s["counts"][READS] > 0
    events[13] += m["held"] > before["held"]
    events[24] += before["owner"] == PIM and m["owner"] == MEMORY
    events[25] += before["owner"] == MEMORY and m["owner"] == PIM
    begins = m["begun"] > before["begun"] or m["gwriting"] > before["gwriting"]
    events[14] += begins and s["next_refresh"] == now + 1
    events[12] += kept
    if s["logged"] == 0:
        events[11] += waits and memory_could
        return
    command = log[0]["command"]
    issued[command] += 1
    of_memory, of_pim = m["gave_at"][MEMORY] == now, m["gave_at"][PIM] == now
    if command == c["command_refresh"]:
        events[16] += m["tile"]
        return
    if log[0]["row"] < 0:
        events[17] += 1
        events[18] += j["dual"] == 1 and command == j["close"]
        return
    of_pim = m["side"] == PIM
    of_memory = not of_pim
    events[9] += of_pim and memory_could and pim_could
    events[10] += of_memory and memory_could and pim_could
    events[21] += of_pim and command == c["command_precharge"]
    events[22] += of_memory and j["dual"] == 1 and command == j["close"]
    column = command == c["command_read"] or command == c["command_write"]
    events[23] += column and j["counted"] == 1 and now < m["columns_end"]
