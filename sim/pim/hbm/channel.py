"""One cycle of a channel: a refresh that is due, or what is queued, or rows that nothing wants."""

from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.hbm.device import (
    give_activate,
    give_column,
    give_precharge,
    give_refresh,
    ready_of,
)
from sim.pim.hbm.state import CLOSED, NONE
from sim.pim.hbm.tables import ACT, PRE, QUEUE_MAX, RD, REF, WR
from traces.pim.hbm_dtype import SB, WORDS

NEVER_AGAIN = NEVER + 1
"""In place of a cycle: what is queued can never go."""
RING = QUEUE_MAX - 1
"""Places are taken modulo the size of the ring, a power of two."""


@njit
def seek(s, program, channel):
    """Go to the line from which the channel's next transaction comes. Returns whether there is
    one."""
    while s["line"] < program.shape[0]:
        line = program[s["line"]]
        if (line["channels"] >> channel) & 1 and s["taken"] < line["count"]:
            return True
        s["line"] += 1
        s["taken"] = 0
    return False


@njit
def take(c, s, entries, order, program, words):
    """Let the next transaction into the queue; ``seek`` has found its line."""
    line = program[s["line"]]
    i = s["taken"]
    slot = order[(s["head"] + s["queued"]) & RING]
    entry = entries[slot]
    column = line["column"] + i
    entry["write"] = line["kind"]
    entry["bank"] = line["bank"]
    entry["row"] = line["row"] + column // c["columns"]
    entry["column"] = column % c["columns"]
    s["since_fence"] += 1
    last = i == line["count"] - 1
    lost = c["lose_barrier"] and s["since_fence"] == c["front_entries"]
    entry["barrier"] = 1 if last and line["barrier"] and not lost else 0
    entry["opened"] = 0
    entry["line"] = line["line"]
    entry["tag"] = line["tag"]
    if line["data"] >= 0:
        for j in range(WORDS):
            entry["words"][j] = words[line["data"] + i, j]
    else:
        for j in range(WORDS):
            entry["words"][j] = 0
    s["taken"] = i + 1
    s["queued"] += 1


@njit
def catch_up(c, s, entries, order, program, words, channel, more, now):
    """Take the transactions that came in before ``now``, one a cycle where there is room.

    Returns False if more of the program is needed first.
    """
    while s["arrived_until"] < now - 1:
        if s["queued"] >= c["queue_entries"]:
            break
        if not seek(s, program, channel):
            if more:
                return False
            break
        take(c, s, entries, order, program, words)
        s["arrived_until"] += 1
    s["arrived_until"] = now - 1
    return True


@njit
def note_refreshes(c, s, now):
    """Refreshes that are due from now on."""
    for rank in range(c["ranks"]):
        if now >= s["next_refresh"][rank]:
            if c["drop_late_refresh"]:
                for other in range(c["ranks"]):
                    s["refreshes_due"][other] = 0
            waiting = 0
            for other in range(c["ranks"]):
                waiting += s["refreshes_due"][other]
            if waiting == 0:
                s["refresh_since"] = now
            s["refreshes_due"][rank] += 1
            s["next_refresh"][rank] += c["refresh_interval_cycles"]


@njit
def waiting_rank(c, s):
    """Rank whose refresh goes next; NONE."""
    for rank in range(c["ranks"]):
        if s["refreshes_due"][rank] > 0:
            return rank
    return NONE


@njit
def remove(s, order, place):
    """Take an entry out of the queue; the ring keeps its slot behind the free ones."""
    head = s["head"]
    slot = order[(head + place) & RING]
    for i in range(place, 0, -1):
        order[(head + i) & RING] = order[(head + i - 1) & RING]
    order[head] = slot
    s["head"] = (head + 1) & RING
    s["queued"] -= 1


@njit
def repeated(s, entries, order, place):
    """Whether an entry that is older goes to the same address."""
    mine = entries[order[(s["head"] + place) & RING]]
    for i in range(place):
        one = entries[order[(s["head"] + i) & RING]]
        same = one["bank"] == mine["bank"] and one["row"] == mine["row"]
        if same and one["column"] == mine["column"]:
            return True
    return False


@njit
def when_opens(c, w, u, rows, ready, bank, row):
    """Cycle from which on a row may open in a closed bank; NEVER as things are."""
    if u["mode"] == SB:
        if c["banks_together"] and u["entered"] != 0 and row != w["enter_row"]:
            return NEVER
        return ready_of(c, ready, ACT, bank)
    if bank >= 2:
        return NEVER
    if not c["banks_together"]:
        return ready_of(c, ready, ACT, bank)
    # What opens on the way from one mode to the other would be open in other banks after it.
    leaves = u["left"] != 0 or rows[0] == w["leave_row"] or rows[1] == w["leave_row"]
    if leaves and row != w["leave_row"]:
        return NEVER
    when = ready_of(c, ready, ACT, bank)
    for other in range(bank, c["banks"], 2):
        if rows[other] != CLOSED:
            return NEVER
        when = max(when, ready_of(c, ready, ACT, other))
    return when


@njit
def when_closes(c, u, rows, ready, bank):
    """Cycle from which on an open bank may close, in an all-bank mode with its half."""
    if not c["banks_together"] or u["mode"] == SB:
        return ready_of(c, ready, PRE, bank)
    when = 0
    for other in range(bank & 1, c["banks"], 2):
        if rows[other] != CLOSED:
            when = max(when, ready_of(c, ready, PRE, other))
    return when


@njit
def look(c, w, s, u, entries, order, rows, ready, now, holds):
    """Look through the queue.

    Returns the place of the entry whose column goes next, of the one whose row opens next (NONE),
    the banks whose row is wanted (a bit each), when something of it may go (if not now), and
    whether what comes in next may matter.
    """
    opens, wanted, soonest = NONE, 0, NEVER
    # What one entry of a bank has been told holds for those behind it.
    tried = late_reads = late_writes = 0
    behind = False
    for i in range(s["queued"]):
        entry = entries[order[(s["head"] + i) & RING]]
        bank = entry["bank"]
        row = rows[bank]
        ends = i > 0 and entry["barrier"]
        if row == entry["row"]:
            if not behind:
                if not ends or c["barrier_holds_row"]:
                    wanted |= 1 << bank
                late = late_writes if entry["write"] else late_reads
                if not ends and not (late >> bank) & 1:
                    when = ready_of(c, ready, WR if entry["write"] else RD, bank)
                    if when > now:
                        soonest = min(soonest, when)
                        if entry["write"]:
                            late_writes |= 1 << bank
                        else:
                            late_reads |= 1 << bank
                    elif not repeated(s, entries, order, i):
                        return i, NONE, wanted, now, False
        elif row == CLOSED and not ends and not holds and not (tried >> bank) & 1:
            when = when_opens(c, w, u, rows, ready, bank, entry["row"])
            if when < NEVER:
                tried |= 1 << bank
            if when > now:
                soonest = min(soonest, when)
            elif opens < 0:
                opens = i
        if ends:
            return NONE, opens, wanted, soonest, False
        if entry["barrier"]:
            behind = True
    return NONE, opens, wanted, soonest, True


@njit
def whole_halves(c, banks):
    """The halves to which some banks belong (a bit each)."""
    found = 0
    for bank in range(c["banks"]):
        if (banks >> bank) & 1:
            found |= 1 << (bank & 1)
    whole = 0
    for bank in range(c["banks"]):
        whole |= ((found >> (bank & 1)) & 1) << bank
    return whole


@njit
def step(c, w, t, e, s, u, own, program, words, more, log, steps, channel):
    """Go through cycle ``now``, giving one command at most. Sets ``due``.

    Returns False if more of the program is needed before.
    """
    entries, order, rows, ready, history, issued = own
    now = s["now"]
    if not catch_up(c, s, entries, order, program, words, channel, more, now):
        return False
    note_refreshes(c, s, now)
    due = NEVER
    for rank in range(c["ranks"]):
        due = min(due, s["next_refresh"][rank])
    s["due"] = now + 1
    rank = waiting_rank(c, s)
    if rank >= 0:
        if rank > 0 or s["open_banks"] == 0:
            when = ready_of(c, ready, REF, 0) if rank == 0 else now
            if when <= now:
                give_refresh(c, t, e, s, u, ready, history, issued, log, channel, entries, rank,
                             now)  # fmt: skip
                return True
            due = min(due, when)
        else:
            for bank in range(c["banks"]):
                if rows[bank] != CLOSED:
                    when = when_closes(c, u, rows, ready, bank)
                    if when <= now:
                        give_precharge(c, w, t, e, s, u, rows, ready, history, issued, log, channel,
                                       entries, bank, now)  # fmt: skip
                        return True
                    due = min(due, when)
    holds = rank == 0 and c["activates_wait"]
    column, opens, wanted, soonest, open_ended = look(
        c, w, s, u, entries, order, rows, ready, now, holds
    )
    if column >= 0:
        entry = entries[order[(s["head"] + column) & RING]]
        give_column(c, w, t, e, s, u, ready, history, issued, log, channel, entry, steps, now)
        remove(s, order, column)
        return True
    if opens >= 0:
        entry = entries[order[(s["head"] + opens) & RING]]
        give_activate(c, w, t, e, s, u, rows, ready, history, issued, log, channel, entry, now)
        return True
    due = min(due, soonest)
    stuck = s["queued"] > 0 and soonest >= NEVER and rank < 0
    if c["refresh_interval_cycles"] < NEVER and s["still_refreshes"] < 2:
        stuck = False
    if s["open_banks"] > 0:
        if c["banks_together"] and u["mode"] != SB:
            wanted = whole_halves(c, wanted)
        for i in range(c["banks"]):
            bank = (s["last_closed"] + i) % c["banks"]
            if rows[bank] != CLOSED and not (wanted >> bank) & 1:
                when = when_closes(c, u, rows, ready, bank)
                if when <= now:
                    s["last_closed"] = bank
                    give_precharge(c, w, t, e, s, u, rows, ready, history, issued, log, channel,
                                   entries, bank, now)  # fmt: skip
                    return True
                stuck = False
                due = min(due, when)
    room = open_ended and s["queued"] < c["queue_entries"]
    if room and (more or seek(s, program, channel)):
        # What comes in at the end of this cycle may go in the next.
        stuck = False
        due = now + 1
    s["due"] = NEVER_AGAIN if stuck else max(now + 1, due)
    return True
