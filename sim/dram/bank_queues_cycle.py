"""One cycle of a controller with a command queue for each bank: refresh, then the banks in turn."""

import numpy as np

from sim.dram.bank_queues import (
    dequeue,
    end_entry,
    long_since,
    look,
    move_transaction,
)
from sim.dram.bank_queues_places import entry_of
from sim.dram.bank_queues_state import NONE
from sim.dram.channel import issue, note_row
from sim.dram.picking import edge_after, when_at
from sim.dram.state import CLOSED, NOWHERE, READS, WRITES
from sim.dram.tables import NEVER, PRECHARGE, READ, WRITE
from sim.dram.timing import next_command, ready_at
from sim.jit import inlined, njit


@njit
def refresh(c, k, s, q, commands, rules, banks, ready, history, issued, log, queue, soon,
            queues):  # fmt: skip
    """Bring the refresh that waits closer: close its banks, the first that may, then refresh.

    Returns the cycle at which a command may issue and which bus it takes, ``now`` if it has.
    """
    now, soonest = s["now"], NEVER
    first, span = q["refreshing"], c["refresh_span"]
    opened = False
    command = c["command_precharge"]
    for bank in range(first, first + span):
        if banks[bank]["row"] == CLOSED:
            continue
        opened = True
        when = when_at(c, s, commands, ready, command * c["banks"] + bank, now)
        if when == now:
            issue(
                c,
                s,
                commands,
                rules,
                banks,
                ready,
                history,
                issued,
                log,
                command,
                bank,
                NOWHERE,
                NOWHERE,
            )
            queue[bank]["hits"] = 0
            look(banks, queue, soon, queues, bank)
            return now, commands[command]["slot"]
        soonest = min(soonest, when)
    if opened:
        return soonest, NONE
    command = c["command_refresh"]
    when = max(now, ready_at(c, commands, ready, command, first))
    when = edge_after(c, s, commands, command, first, when)
    if when == now:
        issue(
            c,
            s,
            commands,
            rules,
            banks,
            ready,
            history,
            issued,
            log,
            command,
            first,
            NOWHERE,
            NOWHERE,
        )
        s["pending"] -= 1
        q["refreshing"] = (first + span) % c["banks"]
    return when, commands[command]["slot"]


@njit
def long_queued(c, s, q, entries, queue, queues):
    """Bank and place of the oldest queued command, if it has waited for long, or NONE."""
    if q["queued"] == 0 or s["now"] - q["oldest"] < c["cap_cycles"]:
        return NONE, 0
    oldest, bank, place = NEVER, NONE, 0
    for i in range(c["banks"]):
        for j in range(queue[i]["count"]):
            arrival = entries[entry_of(queue, queues, i, j)]["arrival"]
            if arrival < oldest:
                oldest, bank, place = arrival, i, j
    q["oldest"] = oldest
    if s["now"] - oldest < c["cap_cycles"]:
        return NONE, 0
    return bank, place


@njit
def first_of(c, s, commands, banks, ready, queue, bank):
    """A bank's first command that may issue now: when, command and place in the queue."""
    now, own, wide = s["now"], queue[bank], c["banks"]
    if banks[bank]["row"] == CLOSED:
        command = c["command_activate"]
        return when_at(c, s, commands, ready, command * wide + bank, now), command, 0
    when, chosen, place = NEVER, NONE, 0
    if own["may_close"]:
        chosen = c["command_precharge"]
        when = when_at(c, s, commands, ready, chosen * wide + bank, now)
        if when == now:
            return when, chosen, 0
    if own["read"] != NONE:
        at = when_at(c, s, commands, ready, c["command_read"] * wide + bank, now)
        if at < when:
            when, chosen, place = at, c["command_read"], own["read"]
    if own["write"] != NONE:
        at = when_at(c, s, commands, ready, c["command_write"] * wide + bank, now)
        if at < when or (at == when and own["write"] < place):
            when, chosen, place = at, c["command_write"], own["write"]
    return when, chosen, place


@njit
def choose(c, s, q, commands, banks, ready, entries, queue, queues):
    """The next command, of the banks in turn: when, bank, command and place in the queue.

    The queues of a node that waits for its refresh give none. One that has waited for long is the
    only one that may go.
    """
    now = s["now"]
    long, place = long_queued(c, s, q, entries, queue, queues)
    if long != NONE:
        if s["pending"] > 0 and long // c["refresh_span"] == q["refreshing"] // c["refresh_span"]:
            return NEVER, long, NONE, place
        entry = entries[entry_of(queue, queues, long, place)]
        command = next_command(c, banks, long, entry["row"], entry["write"])
        when = when_at(c, s, commands, ready, command * c["banks"] + long, now)
        return when, long, command, place
    soonest = NEVER
    bank = q["turn"]
    for _ in range(c["banks"]):
        bank = bank + 1 if bank + 1 < c["banks"] else 0
        if queue[bank]["count"] == 0:
            continue
        if s["pending"] > 0 and bank // c["refresh_span"] == q["refreshing"] // c["refresh_span"]:
            continue
        when, command, place = first_of(c, s, commands, banks, ready, queue, bank)
        if when == now:
            return when, bank, command, place
        soonest = min(soonest, when)
    return soonest, NONE, NONE, 0


@njit
def give(c, s, q, commands, rules, banks, ready, history, issued, latencies, finished, log,
         entries, queue, soon, queues, shared, marks, bank, command, place):  # fmt: skip
    """Issue the command of a queued request."""
    at = entry_of(queue, queues, bank, place)
    entry = entries[at]
    note_row(s, banks, entry)
    action = commands[command]["action"]
    issue(c, s, commands, rules, banks, ready, history, issued, log, command, bank,
          np.int64(entry["row"]), np.int64(entry["column"]))  # fmt: skip
    if action in (READ, WRITE):
        s["data_until"] = s["now"] + c["burst_cycles"]
        queue[bank]["hits"] += 1
        end_entry(s, q, entries, shared, marks, latencies, finished, at,
                  s["now"] + c["read_latency_cycles"])  # fmt: skip
        dequeue(s, q, banks, queue, soon, queues, bank, place)
        return
    if action == PRECHARGE:
        queue[bank]["hits"] = 0
    look(banks, queue, soon, queues, bank)


@inlined
def advance(c, k, s, q, commands, rules, banks, ready, history, issued, latencies, finished, log,
            entries, lists, queue, soon, queues, shared, marks):  # fmt: skip
    """Go through cycle ``now``: commands first, then a transaction moves.

    Returns the next cycle at which something may happen unasked, refreshes yet to come aside.
    """
    now = s["now"]
    if now >= s["next_refresh"]:
        s["pending"] += 1
        s["next_refresh"] += k["refresh_gap"]
    future, first = NEVER, NONE
    if s["pending"] > 0:
        future, first = refresh(c, k, s, q, commands, rules, banks, ready, history, issued, log,
                                queue, soon, queues)  # fmt: skip
    # A second command must be for the other bus; if not, its bank has had its turn.
    for _ in range(c["slots"] - (1 if future == now else 0)):
        when, bank, command, place = choose(c, s, q, commands, banks, ready, entries, queue, queues)
        if when > now:
            future = min(future, when)
            break
        q["turn"] = bank
        slot = commands[command]["slot"]
        if future == now and slot == first:
            break
        give(c, s, q, commands, rules, banks, ready, history, issued, latencies, finished, log,
             entries, queue, soon, queues, shared, marks, bank, command, place)  # fmt: skip
        future, first = now, slot
    if (
        move_transaction(c, k, s, q, banks, entries, lists, queue, soon, queues, marks)
        or future == now
    ):
        return now + 1
    if c["cap_cycles"] < NEVER:
        for kind in (READS, WRITES):
            if s["counts"][kind] > 0 and long_since(c, s, entries, lists, kind) == NEVER:
                limit = entries[lists[kind, 0]]["arrival"] + c["cap_cycles"]
                future = min(future, limit)
        if q["queued"] > 0 and now - q["oldest"] < c["cap_cycles"]:
            future = min(future, q["oldest"] + c["cap_cycles"])
    return future
