"""What ordinary requests want next in a channel, beside its PIM."""

import numpy as np

from sim.dram.bank_queues import dequeue, end_entry, look
from sim.dram.bank_queues_places import entry_of, first_row, slot
from sim.dram.bank_queues_state import NONE
from sim.dram.channel import issue, note_row
from sim.dram.state import CLOSED, COLUMNS, NOWHERE, ROWS
from sim.dram.tables import NEVER, READ, WRITE
from sim.dram.timing import ready_at
from sim.jit import njit
from sim.pim.joint.open_rows import note_rows


@njit
def clear_of(result, when, before, after):
    """First cycle from ``when`` on that is far enough from a result on the data pins."""
    if when > result - before and when < result + after:
        return result + after
    return when


@njit
def column_at(c, j, s, m, ready, write, bank):
    """Cycle from which on a read or write of an open row may go."""
    command = c["command_write"] if write else c["command_read"]
    when = max(s["now"], ready[command * c["banks"] + bank])
    before = j["before_write"] if write else j["before_read"]
    after = j["after_write"] if write else j["after_read"]
    when = clear_of(m["results_before"], when, before, after)
    return clear_of(m["columns_end"], when, before, after)


@njit
def bank_next(c, j, s, m, banks, pim_rows, ready, queue, queues, bank):
    """A bank's first command that may go, as ``sim.dram.bank_queues_cycle.first_of``: when, command
    and place in the queue.

    Requests for the row of a tile wait. Where PIM has work, rows open and close as far as the time
    before the next refresh allows.
    """
    now, own, wide = s["now"], queue[bank], c["banks"]
    checked = j["slack_checked"] == 1 and m["slack"] > 0 and m["queued"] > 0
    may_open = not checked or m["slack"] > j["rcd_wr"]
    may_close = not checked or m["slack"] > j["rp"] + j["rcd_wr"]
    opened, reserved = banks[bank]["row"], m["reserved"]
    if opened == CLOSED and not may_open:
        return NEVER, NONE, 0
    if opened == CLOSED:
        for i in range(own["count"]):
            row = queues[bank, slot(queue, queues, bank, i)]["wants"] >> 1
            if row == reserved:
                continue
            if j["dual"] and pim_rows[bank] == row:
                command = j["close"]
                allowed = may_close
            else:
                command = c["command_activate"]
                allowed = may_open
            if not allowed:
                return NEVER, NONE, 0
            return max(now, ready[command * wide + bank]), command, i
        return NEVER, NONE, 0
    when, chosen, place = NEVER, NONE, 0
    if own["may_close"] and may_close and first_row(queue, queues, bank) != reserved:
        chosen = c["command_precharge"]
        when = max(now, ready[chosen * wide + bank])
        if when == now:
            return when, chosen, 0
    if opened == reserved:
        return when, chosen, place
    if own["read"] != NONE:
        at = column_at(c, j, s, m, ready, False, bank)
        if at < when:
            when, chosen, place = at, c["command_read"], own["read"]
    if own["write"] != NONE:
        at = column_at(c, j, s, m, ready, True, bank)
        if at < when or (at == when and own["write"] < place):
            when, chosen, place = at, c["command_write"], own["write"]
    return when, chosen, place


@njit
def rows_from(c, j, banks, ready, bank):
    """Cycle before which no activate or precharge of a bank's queue may go, whatever else holds it
    up."""
    wide = c["banks"]
    if banks[bank]["row"] != CLOSED:
        return ready[c["command_precharge"] * wide + bank]
    when = ready[c["command_activate"] * wide + bank]
    if j["dual"]:
        when = min(when, ready[j["close"] * wide + bank])
    return when


@njit
def columns_from(c, ready, own, bank):
    """The same of reads and writes of the open row."""
    when = NEVER
    if own["read"] != NONE:
        when = ready[c["command_read"] * c["banks"] + bank]
    if own["write"] != NONE:
        when = min(when, ready[c["command_write"] * c["banks"] + bank])
    return when


@njit
def soonest_of(soon):
    """Cycle before which no queue's command may go."""
    soonest = NEVER
    for bank in range(soon.shape[1]):
        soonest = min(soonest, min(soon[COLUMNS, bank], soon[ROWS, bank]))
    return soonest


@njit
def memory_next(c, j, s, q, m, banks, pim_rows, ready, queue, soon, queues, refreshing):
    """The next command, of the banks in turn: when, bank, command and place in the queue.

    Banks of a rank that waits for its refresh give none, nor does that of a GWRITE under way.
    Ready times only grow, so what they say of a bank holds until it or its queue changes: if not
    exactly, the cycle is too early.
    """
    now, span = s["now"], j["rank_banks"]
    if q["queued"] == 0:
        return NEVER, NONE, NONE, 0
    soonest = soonest_of(soon)
    if soonest > now:
        return soonest, NONE, NONE, 0
    soonest = NEVER
    bank = q["turn"]
    for _ in range(c["banks"]):
        bank = bank + 1 if bank + 1 < c["banks"] else 0
        if soon[ROWS, bank] <= now:
            soon[ROWS, bank] = rows_from(c, j, banks, ready, bank)
        if soon[COLUMNS, bank] <= now:
            soon[COLUMNS, bank] = columns_from(c, ready, queue[bank], bank)
        first = min(soon[ROWS, bank], soon[COLUMNS, bank])
        if first > now:
            soonest = min(soonest, first)
            continue
        if m["gwriting"] and bank == m["gwrite_bank"]:
            continue
        if refreshing and bank // span == q["refreshing"] // span:
            continue
        when, command, place = bank_next(c, j, s, m, banks, pim_rows, ready, queue, queues, bank)
        if when == now:
            return when, bank, command, place
        soonest = min(soonest, when)
    return soonest, NONE, NONE, 0


@njit
def hold_columns(soon, until):
    """No read or write goes before a cycle, as one has gone."""
    for bank in range(soon.shape[1]):
        soon[COLUMNS, bank] = max(soon[COLUMNS, bank], until)


@njit
def give_memory(c, j, s, q, m, commands, rules, banks, pim_rows, ready, history, issued, latencies,
                finished, log, entries, queue, soon, queues, shared, marks, bank, command,
                place):  # fmt: skip
    """Give the command of a queued request."""
    at = entry_of(queue, queues, bank, place)
    entry = entries[at]
    note_row(s, banks, entry)
    action = commands[command]["action"]
    issue(c, s, commands, rules, banks, ready, history, issued, log, command, bank,
          np.int64(entry["row"]), np.int64(entry["column"]))  # fmt: skip
    checked = m["slack"] > 0 and m["queued"] > 0
    if action in (READ, WRITE):
        s["data_until"] = s["now"] + c["burst_cycles"]
        queue[bank]["hits"] += 1
        m["grant"] -= 1
        end_entry(s, q, entries, shared, marks, latencies, finished, at,
                  s["now"] + c["read_latency_cycles"])  # fmt: skip
        dequeue(s, q, banks, queue, soon, queues, bank, place)
        apart = j["columns_after_read"] if action == READ else j["columns_after_write"]
        hold_columns(soon, s["now"] + apart)
        return
    if command == c["command_activate"]:
        if checked:
            m["slack"] = max(0, m["slack"] - j["rcd_wr"])
    else:
        if checked:
            m["slack"] = max(0, m["slack"] - j["rp"])
        if command == c["command_precharge"]:
            queue[bank]["hits"] = 0
        else:
            pim_rows[bank] = CLOSED
    look(banks, queue, soon, queues, bank)
    note_rows(j, m, banks, pim_rows, s["now"], bank)


@njit
def refresh(c, j, s, q, m, commands, rules, banks, pim_rows, ready, history, issued, log, queue,
            soon, queues):  # fmt: skip
    """Bring the refresh that waits closer: close the banks of its rank, the first that may, in both
    row buffers, then refresh.

    Returns the cycle at which a command may go, ``now`` if it has.
    """
    now, wide = s["now"], c["banks"]
    soonest, opened = NEVER, False
    first = q["refreshing"]
    for bank in range(first, first + j["rank_banks"]):
        if banks[bank]["row"] != CLOSED:
            command = c["command_precharge"]
        elif pim_rows[bank] != CLOSED:
            command = j["close"]
        else:
            continue
        opened = True
        when = max(now, ready[command * wide + bank])
        if when == now:
            issue(c, s, commands, rules, banks, ready, history, issued, log, command, bank, NOWHERE,
                  NOWHERE)  # fmt: skip
            if command == c["command_precharge"]:
                queue[bank]["hits"] = 0
                look(banks, queue, soon, queues, bank)
            else:
                pim_rows[bank] = CLOSED
            note_rows(j, m, banks, pim_rows, now, bank)
            return now
        soonest = min(soonest, when)
    if opened:
        return soonest
    command = c["command_refresh"]
    when = max(now, ready_at(c, commands, ready, command, first))
    if when == now:
        issue(c, s, commands, rules, banks, ready, history, issued, log, command, first, NOWHERE,
              NOWHERE)  # fmt: skip
        s["pending"] -= 1
        q["refreshing"] = (first + j["rank_banks"]) % wide
        m["refreshes"] += 1
        m["skip"] = m["slack"] = 0
        m["reserved"] = CLOSED
    return when
