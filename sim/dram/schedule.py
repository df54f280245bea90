"""One cycle of a controller's scheduling."""

from sim.dram.channel import choose_drain, issue, serve
from sim.dram.picking import closes_owned, edge_after, locate_all, pick_again, pick_anew
from sim.dram.state import (
    ACTIVATED,
    ACTIVATING,
    BANKS,
    COLUMNS,
    FIRST,
    NOWHERE,
    ONE,
    ORDER,
    READS,
    ROWS,
    WRITES,
)
from sim.dram.tables import NEVER, READ, REFRESH, WRITE
from sim.dram.timing import next_command, next_refresh_command, ready_at
from sim.jit import inlined, njit

OWN, WAITING = 0, 1
"""Picks: of requests that have activated their row, and of reads or writes that wait."""


@njit
def renew(picks):
    """Something has changed: all picks are to be made anew."""
    for kind in range(2):
        for slot in range(2):
            picks[kind, slot]["stale"] = 1


@njit
def refresh(c, s, commands, rules, entries, keys, banks, ready, history, issued, log,
            pending, slot):  # fmt: skip
    """Serve the first refresh that waits, if its command may issue on this bus in this cycle.

    Returns the cycle at which it may, ``now`` if it has.
    """
    command, bank = next_refresh_command(c, commands, banks, pending[s["pending_at"]])
    if slot >= 0 and commands[command]["slot"] != slot:
        return NEVER
    if closes_owned(commands, banks, command, bank):
        return NEVER
    now = s["now"]
    when = edge_after(
        c, s, commands, command, bank, max(now, ready_at(c, commands, ready, command, bank))
    )
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
        locate_all(c, s, commands, entries, keys, banks, bank, commands[command]["span"])
        if commands[command]["action"] == REFRESH:
            note_refresh(c, commands, banks, ready, command, bank)
            s["pending"] -= 1
            s["pending_at"] = (s["pending_at"] + 1) % pending.shape[0]
    return when


@njit
def note_refresh(c, commands, banks, ready, command, bank):
    """Keep for how long a refresh holds its banks."""
    activates = c["command_activate"] * c["banks"]
    span, step = commands[command]["span"], commands[command]["step"]
    for other in range(bank, bank - bank % span + span, step):
        banks[other]["refreshed_at"] = ready[activates + other]


@njit
def close_idle(c, s, commands, rules, entries, keys, banks, ready, history, issued, log):
    """Close a row that no request waits for, if one is due. Returns the cycle at which one is."""
    now = s["now"]
    command = c["command_precharge"]
    soonest, chosen = NEVER, -1
    for bank in range(c["banks"]):
        due = banks[bank]["close_at"]
        if due == NEVER or banks[bank]["row"] < 0 or banks[bank]["owners"] > 0:
            continue
        if row_wanted(s, entries, bank, banks[bank]["row"]):
            continue
        due = max(max(now, due), ready[command * c["banks"] + bank])
        due = edge_after(c, s, commands, command, bank, due)
        if due < soonest:
            soonest, chosen = due, bank
    if soonest == now:
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
            chosen,
            NOWHERE,
            NOWHERE,
        )
        locate_all(c, s, commands, entries, keys, banks, chosen, ONE)
    return soonest


@njit
def row_wanted(s, entries, bank, row):
    """Whether a read or write waits for a row."""
    for kind in range(2):
        for i in range(s["counts"][kind]):
            if entries[kind, i]["bank"] == bank and entries[kind, i]["row"] == row:
                return True
    return False


@njit
def refresh_comes_first(c, s):
    """Whether the refreshes that wait go before reads and writes."""
    if s["pending"] == 0:
        return False
    waiting = s["counts"][READS] + s["counts"][WRITES] + s["counts"][ACTIVATED]
    return s["pending"] > c["refresh_slack"] or waiting == 0


@inlined
def schedule_slot(c, s, commands, rules, picks, entries, keys, banks, ready, history, issued,
                  latencies, pending, finished, log, slot):  # fmt: skip
    """Issue what may issue on one command bus. Returns when something may, ``now`` if it has."""
    now = s["now"]
    bus = slot if c["slots"] == 2 else -1
    future = NEVER
    if slot == COLUMNS and s["counts"][ACTIVATED] > 0:
        pick = picks[OWN, slot]
        if pick["stale"]:
            pick_anew(c, s, commands, entries, keys, ready, ACTIVATED, slot, now, pick)
        if pick["when"] <= now:
            proceed(c, s, commands, rules, picks, entries, keys, banks, ready, history, issued,
                    latencies, finished, log, ACTIVATED, pick["entry"])  # fmt: skip
            return now
        future = pick["when"]
    if refresh_comes_first(c, s):
        when = refresh(c, s, commands, rules, entries, keys, banks, ready, history, issued, log,
                       pending, bus)  # fmt: skip
        if when == now:
            renew(picks)
        return min(future, when)
    if choose_drain(c, s, entries):
        picks[WAITING, COLUMNS]["stale"] = 1
        picks[WAITING, ROWS]["stale"] = 1
    kind = WRITES if s["draining"] else READS
    pick = picks[WAITING, slot]
    if pick["stale"] or pick["until"] <= now:
        pick_anew(c, s, commands, entries, keys, ready, kind, slot, now, pick)
    if pick["when"] <= now:
        proceed(c, s, commands, rules, picks, entries, keys, banks, ready, history, issued,
                latencies, finished, log, kind, pick["entry"])  # fmt: skip
        return now
    future = min(future, min(pick["when"], pick["until"]))
    if s["counts"][READS + WRITES - kind] > 0:
        # The other list's oldest may have waited for long then.
        limit = s["oldest"][READS + WRITES - kind] + c["cap_cycles"]
        future = min(future, max(now + 1, limit)) if limit > now else future
    if c["close_after_cycles"] < NEVER and slot == c["slots"] - 1:
        when = close_idle(c, s, commands, rules, entries, keys, banks, ready, history, issued,
                          log)  # fmt: skip
        if when == now:
            renew(picks)
        future = min(future, when)
    return future


@njit
def proceed(c, s, commands, rules, picks, entries, keys, banks, ready, history, issued,
            latencies, finished, log, kind, i):  # fmt: skip
    """Serve a pick; where the data clock has stopped, start it first (LPDDR5)."""
    entry = entries[kind, i]
    bank = entry["bank"]
    command = next_command(c, banks, bank, entry["row"], entry["write"])
    action = commands[command]["action"]
    if c["command_sync_read"] >= 0 and action in (READ, WRITE):
        if s["now"] >= s["sync_until"] and s["sync_command"] < 0:
            if s["counts"][ACTIVATING] > 0 and s["deadline"] <= s["now"] + 1:
                activate_second(c, s, commands, rules, entries, keys, banks, ready,
                                history, issued, log)  # fmt: skip
                renew(picks)
                return
            sync = c["command_sync_write"] if action == WRITE else c["command_sync_read"]
            if ready[sync * c["banks"] + entry["bank"]] <= s["now"]:
                issue(c, s, commands, rules, banks, ready, history, issued, log, sync,
                      entry["bank"], entry["row"], entry["column"])  # fmt: skip
                s["sync_command"] = command
                s["sync_list"] = kind
                s["sync_entry"] = i
            renew(picks)
            return
        renew(picks)
        held = c["sync_hold_write_cycles"] if action == WRITE else c["sync_hold_read_cycles"]
        s["sync_until"] = max(s["sync_until"], s["now"] + held)
        s["sync_command"] = -1
    serve(c, s, commands, rules, entries, keys, banks, ready, history, issued, latencies,
          finished, log, kind, i, command)  # fmt: skip
    if kind != ACTIVATED:
        renew(picks)
        return
    picks[OWN, COLUMNS]["stale"] = 1
    if banks[bank]["owners"] == 0:
        locate_all(c, s, commands, entries, keys, banks, bank, ONE)
    waiting = WRITES if s["draining"] else READS
    for slot in range(c["slots"]):
        pick_again(c, s, commands, entries, keys, banks, ready, waiting, slot, bank,
                   picks[WAITING, slot])  # fmt: skip


@njit
def activate_second(c, s, commands, rules, entries, keys, banks, ready, history, issued, log):
    """Issue the second activate of the bank that has its first."""
    command = c["command_activate_2"]
    entry = entries[ACTIVATING, 0]
    bank = entry["bank"]
    issue(c, s, commands, rules, banks, ready, history, issued, log, command, bank,
          entry["row"], entry["column"])  # fmt: skip
    banks[bank]["owners"] += 1
    at = s["counts"][ACTIVATED]
    entries[ACTIVATED, at] = entry
    keys[ORDER, ACTIVATED, at] = entry["sequence"]
    keys[BANKS, ACTIVATED, at] = bank
    s["counts"][ACTIVATED] = at + 1
    s["counts"][ACTIVATING] = 0
    # No bank could begin to open meanwhile.
    locate_all(c, s, commands, entries, keys, banks, FIRST, c["banks"])


@inlined
def schedule(c, s, commands, rules, picks, entries, keys, banks, ready, history, issued,
             latencies, pending, finished, log):  # fmt: skip
    """Issue what may issue in this cycle. Returns the next cycle at which something may."""
    now = s["now"]
    if s["sync_command"] >= 0:
        entry = entries[s["sync_list"], s["sync_entry"]]
        when = ready[s["sync_command"] * c["banks"] + entry["bank"]]
        if when > now:
            return when
        proceed(c, s, commands, rules, picks, entries, keys, banks, ready, history, issued,
                latencies, finished, log, s["sync_list"], s["sync_entry"])  # fmt: skip
        return now + 1
    opening = s["counts"][ACTIVATING] > 0
    if opening and s["deadline"] <= now:
        activate_second(c, s, commands, rules, entries, keys, banks, ready, history, issued, log)
        renew(picks)
        return now + 1
    future = NEVER
    for slot in range(c["slots"]):
        when = schedule_slot(c, s, commands, rules, picks, entries, keys, banks, ready,
                             history, issued, latencies, pending, finished, log, slot)  # fmt: skip
        future = min(future, max(now + 1, when))
    if opening and s["last_command"] < now:
        activate_second(c, s, commands, rules, entries, keys, banks, ready, history, issued, log)
        renew(picks)
        return now + 1
    return future
