"""Ordinary reads and writes of a channel: lists, which goes next, and reads on their way."""

from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.command import wanted, when_ready
from sim.pim.progress import note_done
from sim.pim.state import ACTIVATED, NONE, READS, WRITES


@njit
def push_pending(s, pending, done, waits, fence, instruction):
    """A read, or an answer that is waited for, is done in a cycle."""
    room = pending.shape[0]
    place = pending[(s["first_pending"] + s["pending"]) % room]
    place["done"] = done
    place["waits"] = waits
    place["fence"] = fence
    place["instruction"] = instruction
    s["pending"] += 1


@njit
def offer_request(c, e, s, entries, pending, progress):
    """Offer the read or write that is held; whether it is taken."""
    if s["queued"] > 0:
        return False
    bank, row, column, write = s["held_bank"], s["held_row"], s["held_column"], s["held_write"]
    if not write and serves(c, s, entries, bank, row, column):
        s["forwarded"] += 1
        push_pending(s, pending, e["now"], 0, 0, NONE)
        note_done(c, e, s, progress, s["held_instruction"], e["now"])
        return True
    kind = WRITES if write else READS
    at = s["counts"][kind]
    if at >= c["entries"][kind]:
        return False
    entry = entries[kind, at]
    entry["bank"] = bank
    entry["row"] = row
    entry["column"] = column
    entry["instruction"] = s["held_instruction"]
    entry["write"] = write
    entry["sequence"] = s["sequence"]
    entry["noted"] = 0
    s["sequence"] += 1
    s["counts"][kind] = at + 1
    return True


@njit
def serves(c, s, entries, bank, row, column):
    """Whether a waiting write has what a read wants."""
    for i in range(s["counts"][WRITES]):
        entry = entries[WRITES, i]
        if c["forward_any"]:
            return True
        if entry["bank"] == bank and entry["row"] == row and entry["column"] == column:
            return True
    return False


@njit
def oldest_ready(c, commands, pim, s, entries, rows, ready, kind, now):
    """Entry that goes next and the first cycle at which one may: the oldest of those that may now,
    or else NONE."""
    best, soonest = NONE, NEVER
    for i in range(s["counts"][kind]):
        entry = entries[kind, i]
        final = c["command_write"] if entry["write"] else c["command_read"]
        command = wanted(c, pim, s, rows, final, entry["bank"], entry["row"])
        when = when_ready(c, commands, pim, ready, command, entry["bank"])
        soonest = min(soonest, when)
        if when <= now and (best < 0 or entry["sequence"] < entries[kind, best]["sequence"]):
            best = i
    return best, soonest


@njit
def remove(s, entries, kind, i):
    """Take an entry out of its list."""
    last = s["counts"][kind] - 1
    for j in range(i, last):
        entries[kind, j] = entries[kind, j + 1]
    s["counts"][kind] = last


@njit
def activate(s, entries, kind, i):
    """An entry has activated its row."""
    at = s["counts"][ACTIVATED]
    entries[ACTIVATED, at] = entries[kind, i]
    s["counts"][ACTIVATED] = at + 1
    remove(s, entries, kind, i)


@njit
def has_activated(s, entries, bank):
    """Whether a read or write has activated its row in a bank and waits for its data."""
    found = False
    for i in range(s["counts"][ACTIVATED]):
        found = found or entries[ACTIVATED, i]["bank"] == bank
    return found


@njit
def choose_drain(c, s):
    """Whether writes go first from now on."""
    reads, writes = s["counts"][READS], s["counts"][WRITES]
    if reads + writes == 0:
        return
    if s["draining"]:
        if writes < c["drain_below"] and reads > 0:
            s["draining"] = 0
    elif writes > c["drain_above"] or reads == 0:
        s["draining"] = 1
