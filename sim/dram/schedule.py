"""One cycle of a controller's scheduling."""

from sim.dram.channel import choose_drain, issue, serve
from sim.dram.picking import closes_owned, edge_after, locate_all, pick_again, pick_anew
from sim.dram.state import ACTIVATED, ACTIVATING, COLUMNS, READS, ROWS, WRITES
from sim.dram.tables import NEVER, READ, REFRESH, WRITE
from sim.dram.timing import next_command, next_refresh_command, ready_at
from sim.jit import njit

OWN, WAITING = 0, 1
"""Picks: of requests that have activated their row, and of reads or writes that wait."""


@njit
def renew(picks):
    """Something has changed: all picks are to be made anew."""
    for kind in range(2):
        for slot in range(2):
            picks[kind, slot]["stale"] = 1


@njit
def refresh(c, s, commands, rules, entries, places, rows, owners, ready, history, issued, log,
            pending, slot):  # fmt: skip
    """Serve the first refresh that waits, if its command may issue on this bus in this cycle.

    Returns the cycle at which it may, ``now`` if it has.
    """
    bank = pending[s["pending_at"]]
    command = next_refresh_command(c, commands, rows, bank)
    if slot >= 0 and commands[command]["slot"] != slot:
        return NEVER
    if closes_owned(commands, owners, command, bank):
        return NEVER
    now = s["now"]
    when = edge_after(
        c, s, commands, command, bank, max(now, ready_at(c, commands, ready, command, bank))
    )
    if when == now:
        issue(c, s, commands, rules, rows, ready, history, issued, log, command, bank, -1, -1)
        locate_all(c, s, commands, entries, places, rows, owners, bank, commands[command]["span"])
        if commands[command]["action"] == REFRESH:
            s["pending"] -= 1
            s["pending_at"] = (s["pending_at"] + 1) % pending.shape[0]
    return when


@njit
def schedule_slot(c, s, commands, rules, picks, entries, places, rows, owners, ready, history,
                  issued, latencies, pending, done, log, slot):  # fmt: skip
    """Issue what may issue on one command bus. Returns when something may, ``now`` if it has."""
    now = s["now"]
    bus = slot if c["slots"] == 2 else -1
    future = NEVER
    if slot == COLUMNS and s["counts"][ACTIVATED] > 0:
        pick = picks[OWN, slot]
        if pick["stale"]:
            pick_anew(c, s, commands, entries, places, ready, ACTIVATED, slot, now, pick)
        if pick["when"] <= now:
            proceed(c, s, commands, rules, picks, entries, places, rows, owners, ready, history,
                    issued, latencies, done, log, ACTIVATED, pick["entry"])  # fmt: skip
            return now
        future = pick["when"]
    if s["pending"] > 0:
        when = refresh(
            c, s, commands, rules, entries, places, rows, owners, ready, history, issued, log,
            pending, bus,
        )  # fmt: skip
        if when == now:
            renew(picks)
        return min(future, when)
    pick = picks[WAITING, slot]
    if choose_drain(c, s):
        picks[WAITING, COLUMNS]["stale"] = 1
        picks[WAITING, ROWS]["stale"] = 1
    kind = WRITES if s["draining"] else READS
    if pick["stale"]:
        pick_anew(c, s, commands, entries, places, ready, kind, slot, now, pick)
    if pick["when"] <= now:
        proceed(c, s, commands, rules, picks, entries, places, rows, owners, ready, history, issued,
                latencies, done, log, kind, pick["entry"])  # fmt: skip
        return now
    return min(future, pick["when"])


@njit
def proceed(c, s, commands, rules, picks, entries, places, rows, owners, ready, history, issued,
            latencies, done, log, kind, i):  # fmt: skip
    """Serve a pick; where the data clock has stopped, start it first (LPDDR5)."""
    entry = entries[kind, i]
    bank = entry["bank"]
    command = next_command(c, rows, bank, entry["row"], entry["write"])
    action = commands[command]["action"]
    if c["command_sync_read"] >= 0 and action in (READ, WRITE):
        if s["now"] >= s["sync_until"] and s["sync_command"] < 0:
            if s["counts"][ACTIVATING] > 0 and s["deadline"] <= s["now"] + 1:
                activate_second(c, s, commands, rules, entries, places, rows, owners, ready,
                                history, issued, log)  # fmt: skip
                renew(picks)
                return
            sync = c["command_sync_write"] if action == WRITE else c["command_sync_read"]
            if ready[sync * c["banks"] + entry["bank"]] <= s["now"]:
                issue(c, s, commands, rules, rows, ready, history, issued, log, sync,
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
    serve(c, s, commands, rules, entries, places, rows, owners, ready, history, issued, latencies,
          done, log, kind, i, command)  # fmt: skip
    if kind != ACTIVATED:
        renew(picks)
        return
    picks[OWN, COLUMNS]["stale"] = 1
    if owners[bank] == 0:
        locate_all(c, s, commands, entries, places, rows, owners, bank, 1)
    waiting = WRITES if s["draining"] else READS
    for slot in range(c["slots"]):
        pick_again(c, s, commands, entries, places, rows, owners, ready, waiting, slot, bank,
                   picks[WAITING, slot])  # fmt: skip


@njit
def activate_second(
    c, s, commands, rules, entries, places, rows, owners, ready, history, issued, log
):
    """Issue the second activate of the bank that has its first."""
    command = c["command_activate_2"]
    entry = entries[ACTIVATING, 0]
    bank = entry["bank"]
    issue(c, s, commands, rules, rows, ready, history, issued, log, command, bank,
          entry["row"], entry["column"])  # fmt: skip
    owners[bank] += 1
    at = s["counts"][ACTIVATED]
    entries[ACTIVATED, at] = entry
    s["counts"][ACTIVATED] = at + 1
    s["counts"][ACTIVATING] = 0
    # No bank could begin to open meanwhile.
    locate_all(c, s, commands, entries, places, rows, owners, 0, c["banks"])


@njit
def schedule(c, s, commands, rules, picks, entries, places, rows, owners, ready, history, issued,
             latencies, pending, done, log):  # fmt: skip
    """Issue what may issue in this cycle. Returns the next cycle at which something may."""
    now = s["now"]
    if s["sync_command"] >= 0:
        entry = entries[s["sync_list"], s["sync_entry"]]
        when = ready[s["sync_command"] * c["banks"] + entry["bank"]]
        if when > now:
            return when
        proceed(c, s, commands, rules, picks, entries, places, rows, owners, ready, history, issued,
                latencies, done, log, s["sync_list"], s["sync_entry"])  # fmt: skip
        return now + 1
    opening = s["counts"][ACTIVATING] > 0
    if opening and s["deadline"] <= now:
        activate_second(
            c, s, commands, rules, entries, places, rows, owners, ready, history, issued, log
        )
        renew(picks)
        return now + 1
    future = NEVER
    for slot in range(c["slots"]):
        when = schedule_slot(c, s, commands, rules, picks, entries, places, rows, owners, ready,
                             history, issued, latencies, pending, done, log, slot)  # fmt: skip
        future = min(future, max(now + 1, when))
    if opening and s["last_command"] < now:
        activate_second(
            c, s, commands, rules, entries, places, rows, owners, ready, history, issued, log
        )
        renew(picks)
        return now + 1
    return future
