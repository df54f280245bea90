"""One cycle of a channel: what it takes, a refresh, a command, a transaction."""

from sim.dram.bank_queues import move_of, take
from sim.dram.bank_queues_state import IDLE_DRAIN, NONE
from sim.dram.state import READS, WRITES
from sim.dram.tables import NEVER
from sim.jit import inlined, njit
from sim.pim.joint.memory_side import give_memory, memory_next, refresh, soonest_of
from sim.pim.joint.pim_side import give_pim, pim_next
from sim.pim.joint.state import COMP, MEMORY, PIM
from sim.pim.joint.tables import ALTERNATING, MEMORY_FIRST, PIM_FIRST

SLACK_MIN = 10
"""Memory gives nothing while PIM waits for its turn with less than so many cycles left, as in
NeuPIMs' simulator."""
REFRESHES_MAX = 8
"""Of a rank, between which nothing is given: nothing ever will be."""


@njit
def offer(c, j, s, q, m, entries, lists, queue, queues, shared, marks, latencies, finished, given):
    """Offer a read or write in cycle ``now`` - 1; whether it is taken."""
    full = s["counts"][READS] + m["waiting"] >= c["read_entries"]
    if j["among_reads"] and given["write"] == 0 and full:
        return False
    idle = s["counts"][READS] + s["counts"][WRITES] + q["queued"] == 0
    if not take(c, s, q, entries, lists, queue, queues, shared, marks, latencies, finished, given):
        return False
    if idle:
        m["gave_at"][MEMORY] = s["now"]
    return True


@njit
def tile_waits(j, m):
    """Whether a tile is open that waits for an instruction, which may pass others."""
    return j["tile_goes_on"] == 1 and m["tile"] == 1 and m["queued"] == 0


@njit
def take_pim(c, j, s, m, items, came):
    """Take a PIM instruction that is there, if it has room; returns when the next may be taken."""
    now = s["now"]
    if m["taken"] >= m["tail"]:
        return NEVER
    item = items[m["taken"] & (items.shape[0] - 1)]
    arrival = item["arrival"] + m["taken_part"] * item["stride"]
    if arrival > now:
        return arrival
    if m["waiting"] >= j["transactions"]:
        return NEVER
    full = j["among_reads"] and s["counts"][READS] + m["waiting"] >= c["read_entries"]
    if full and (m["waiting"] > 0 or not tile_waits(j, m)):
        return NEVER
    if m["waiting"] + m["queued"] == 0:
        m["gave_at"][PIM] = now
    came[(m["transactions"] + m["waiting"]) % came.shape[0]] = s["taken"]
    m["waiting"] += 1
    if item["op"] == COMP and m["taken_part"] + 1 < item["count"]:
        m["taken_part"] += 1
    else:
        m["taken"] += 1
        m["taken_part"] = 0
    return now + 1


@njit
def move_pim(j, m, items):
    """Move a PIM instruction to the command queue; whether one has moved."""
    if m["waiting"] == 0 or m["queued"] >= j["commands"]:
        return False
    item = items[m["moved"] & (items.shape[0] - 1)]
    m["transactions"] += 1
    m["waiting"] -= 1
    m["queued"] += 1
    if item["op"] == COMP and m["moved_part"] + 1 < item["count"]:
        m["moved_part"] += 1
    else:
        m["moved"] += 1
        m["moved_part"] = 0
    return True


@njit
def pim_came_first(m, came, entries, lists):
    """Whether the first PIM instruction that waits came before the first read."""
    return came[m["transactions"] % came.shape[0]] <= entries[lists[READS, 0]]["sequence"]


@njit
def move(c, k, j, s, q, m, banks, entries, lists, queue, soon, queues, marks, items, came):
    """Move a transaction to the queue of its bank or of PIM; whether anything changes by that."""
    before, writes = s["draining"], s["counts"][WRITES]
    full = writes >= c["write_entries"]
    if before == 0 and (full or (writes > IDLE_DRAIN and q["queued"] == 0)):
        s["draining"] = writes
    memory = j["blocked"] == 0 or m["queued"] == 0 or m["owner"] == MEMORY
    pim, kind = False, READS
    if s["draining"] > 0:
        kind = WRITES
    if j["among_reads"]:
        if s["draining"] == 0 and m["waiting"] > 0:
            pim = not memory or s["counts"][READS] == 0
            pim = pim or pim_came_first(m, came, entries, lists)
            pim = pim and (m["queued"] < j["commands"] or not memory)
        if m["waiting"] > 0 and tile_waits(j, m):
            pim = True
    elif m["waiting"] > 0:
        pim = not memory or s["counts"][kind] == 0
        if m["queued"] < min(2, j["commands"]):
            pim = True
    moved = False
    if pim:
        moved = move_pim(j, m, items)
        if moved and j["among_reads"]:
            s["refused"] = 0
    elif memory:
        moved = move_of(k, s, q, banks, entries, lists, queue, soon, queues, marks, kind)
    return moved or s["draining"] != before


@njit
def take_turns(j, s, q, m):
    """Whose turn it is in mode blocked, where none may wait for ever."""
    now = s["now"]
    waiting = s["counts"][READS] + q["queued"]
    # A few writes stay until there are more.
    if s["draining"] > 0 or s["counts"][WRITES] > IDLE_DRAIN:
        waiting += s["counts"][WRITES]
    memory, pim = waiting > 0, m["queued"] + m["waiting"] > 0
    if m["owner"] == PIM:
        busy = m["tile"] + m["begun"] + m["gwriting"] > 0
        waited = j["priority"] != PIM_FIRST or now - m["owner_since"] >= j["fairness_cycles"]
        if memory and pim and not busy and m["grant"] <= 0 and waited:
            m["owner"] = MEMORY
            m["owner_since"] = now
            m["grant"] = waiting
        return
    waited = m["grant"] <= 0
    if j["priority"] == MEMORY_FIRST:
        waited = now - m["owner_since"] >= j["fairness_cycles"]
    if not memory or (pim and waited):
        m["owner"] = PIM
        m["owner_since"] = now
        m["grant"] = 1


@njit
def memory_goes_first(j, s, m):
    """Which side goes in a cycle in which both may."""
    now, limit = s["now"], j["fairness_cycles"]
    if j["priority"] == ALTERNATING:
        return m["side"] == PIM
    if j["priority"] == MEMORY_FIRST:
        return now - m["gave_at"][PIM] < limit
    return now - m["gave_at"][MEMORY] >= limit


@inlined
def advance(c, k, j, s, q, m, commands, rules, banks, pim_rows, ready, history, issued, latencies,
            finished, log, entries, lists, queue, soon, queues, shared, marks, items,
            came):  # fmt: skip
    """Go through cycle ``now``. Returns the next cycle at which something may happen unasked."""
    now = s["now"]
    m["done_tag"] = m["done_at"] = -1
    if m["gwriting"] and now >= m["gwrite_done"]:
        m["gwriting"] = m["slack"] = 0
        m["gwrite_done"] = NEVER
    if now >= s["next_refresh"]:
        s["pending"] += 1
        s["next_refresh"] += j["refresh_gap"]
    turns = j["blocked"] == 1 and j["fairness_cycles"] < NEVER
    if turns:
        take_turns(j, s, q, m)
    future = min(s["next_refresh"], m["gwrite_done"])
    refreshing = s["pending"] > 0 and (m["tile"] == 0 or j["tile_ends_first"] == 0)
    gave = closing = False
    if refreshing:
        when = refresh(c, j, s, q, m, commands, rules, banks, pim_rows, ready, history, issued, log,
                       queue, soon, queues)  # fmt: skip
        closing = when == now
        future = min(future, when)
    if not closing:
        working = m["queued"] > 0 and m["skip"] == 0
        memory, pim_at = True, NEVER
        command, bank = NONE, 0
        if j["blocked"]:
            unit = m["tile"] + m["begun"] > 0
            mine = m["skip"] == 0 and (q["queued"] == 0 or unit)
            if turns and m["owner"] == MEMORY and not unit:
                mine = False
            memory = not mine
            working = working and mine
        if working and not refreshing:
            pim_at, command, bank = pim_next(c, j, s, m, commands, banks, pim_rows, ready, items)
            if m["skip"] == 0 and m["slack"] > 0:
                future = min(future, now + m["slack"])
            future = min(future, pim_at)
            if pim_at > now and j["slack_checked"] and m["slack"] < SLACK_MIN:
                memory = False
                if m["skip"]:
                    future = min(future, now + 1)
        if pim_at == now and memory and not memory_goes_first(j, s, m):
            memory = False
        if memory:
            when, place_bank, chosen, place = memory_next(
                c, j, s, q, m, banks, pim_rows, ready, queue, soon, queues, refreshing
            )
            future = min(future, when)
            if when == now:
                q["turn"] = place_bank
                give_memory(c, j, s, q, m, commands, rules, banks, pim_rows, ready, history, issued,
                            latencies, finished, log, entries, queue, soon, queues, shared, marks,
                            place_bank, chosen, place)  # fmt: skip
                m["gave_at"][MEMORY] = now
                m["side"] = MEMORY
                gave = True
        if pim_at == now and not gave:
            give_pim(c, j, s, m, commands, rules, banks, pim_rows, ready, history, issued, log,
                     queue, soon, queues, items, command, bank)  # fmt: skip
            m["gave_at"][PIM] = now
            m["side"] = PIM
            gave = True
    if gave:
        m["refreshes"] = 0
    moved = move(c, k, j, s, q, m, banks, entries, lists, queue, soon, queues, marks, items, came)
    if turns:
        future = min(future, turn_at(j, m, now))
    if gave or closing or moved:
        future = now + 1
        if not turns and only_queues(c, s, q, m):
            future = min(s["next_refresh"], min(m["gwrite_done"], soonest_of(soon)))
            future = max(future, now + 1)
    return future


@njit
def only_queues(c, s, q, m):
    """Whether nothing but commands that wait in the queues of banks is to be seen to."""
    writes = s["counts"][WRITES]
    if m["queued"] + m["waiting"] + s["pending"] + s["counts"][READS] + s["draining"] > 0:
        return False
    return q["queued"] > 0 and writes <= IDLE_DRAIN and writes < c["write_entries"]


@njit
def turn_at(j, m, now):
    """Cycle at which a turn of mode blocked may end by time alone."""
    at = m["owner_since"] + j["fairness_cycles"]
    return at if at > now else NEVER


@njit
def settle(s, m):
    """Count the cycles since the last step in which PIM had commands; ``now`` is a new cycle."""
    if m["queued"] > 0:
        m["busy_cycles"] += s["now"] - m["since"]
    m["since"] = s["now"]


@njit
def stuck(c, j, s, q, m):
    """Whether nothing is given any more though there is work, or refreshes wait for a tile that
    does not end."""
    most = REFRESHES_MAX * (c["banks"] // j["rank_banks"])
    if m["queued"] + m["waiting"] + s["counts"][READS] + q["queued"] == 0:
        m["refreshes"] = 0
    return m["refreshes"] > most or s["pending"] > most
