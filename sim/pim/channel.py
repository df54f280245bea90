"""One cycle of a channel."""

from sim.dram.tables import NEVER
from sim.jit import inlined, njit
from sim.pim.command import issue, note_row, repeat, wanted, when_ready
from sim.pim.dispatch import next_run
from sim.pim.progress import note_done
from sim.pim.requests import (
    activate,
    choose_drain,
    has_activated,
    oldest_ready,
    push_pending,
    remove,
)
from sim.pim.state import ACTIVATED, NONE, READS, WRITES
from sim.pim.tables import CLOSE, OPEN


@njit
def answer(c, e, s, pending, progress):
    """Hand back the first read on its way, if it is done: one a cycle, in order."""
    now = e["now"]
    if s["pending"] == 0:
        return
    head = pending[s["first_pending"]]
    if head["done"] > now or (head["fence"] and s["writes_until"] >= now):
        return
    s["first_pending"] = (s["first_pending"] + 1) % pending.shape[0]
    s["pending"] -= 1
    note_done(c, e, s, progress, head["instruction"], now)
    if head["waits"]:
        e["waits_for"] -= s["members"]
        if e["waits_for"] == 0 and e["held_channels"] == 0:
            e["cursor"] += 1
            e["dispatch_at"] = now + 1


@njit
def answer_at(s, pending, now):
    """Cycle at which the next read on its way may be done."""
    if s["pending"] == 0:
        return NEVER
    head = pending[s["first_pending"]]
    when = max(now + 1, head["done"])
    if head["fence"]:
        when = max(when, s["writes_until"] + 1)
    return when


@njit
def serve_entry(c, commands, pim, rules, whole, e, s, entries, pending, rows, ready, history,
                issued, progress, log, channel, kind, i):  # fmt: skip
    """Give the next command of a read or write; whether one was given."""
    entry = entries[kind, i]
    bank, row, write = entry["bank"], entry["row"], entry["write"]
    final = c["command_write"] if write else c["command_read"]
    command = wanted(c, pim, s, rows, final, bank, row)
    if pim[command]["action"] == CLOSE and has_activated(s, entries, bank):
        return False
    if not entry["noted"]:
        note_row(pim, s, final, command)
        entry["noted"] = 1
    if not issue(c, commands, pim, rules, whole, e, s, rows, ready, history, issued, log, channel,
                 command, bank, row, entry["column"]):  # fmt: skip
        return True
    if command == final:
        done = e["now"] + pim[final]["latency_cycles"]
        note_done(c, e, s, progress, entry["instruction"], done)
        if write:
            s["writes_until"] = max(s["writes_until"], done)
        else:
            push_pending(s, pending, done, 0, 0, NONE)
        remove(s, entries, kind, i)
    elif kind != ACTIVATED and pim[command]["action"] == OPEN:
        activate(s, entries, kind, i)
    return True


@njit
def refresh(c, commands, pim, rules, whole, e, s, rows, ready, history, issued, log, channel):
    """Bring a refresh that is due closer. Returns when that may be, ``now`` if it was."""
    now = e["now"]
    command = c["command_close_all"] if s["open_banks"] > 0 else c["command_refresh"]
    if s["open_banks"] > 0 and c["activated_first"] and s["counts"][ACTIVATED] > 0:
        return NEVER
    when = max(now, when_ready(c, commands, pim, ready, command, 0))
    if when > now:
        return when
    itself = issue(c, commands, pim, rules, whole, e, s, rows, ready, history, issued, log, channel,
                   command, NONE, NONE, NONE)  # fmt: skip
    if itself and command == c["command_refresh"]:
        s["refreshes_due"] -= 1
        s["refresh_cycles"] += now - s["refresh_since"]
        s["refresh_since"] = now
    return now


@njit
def serve_pim(c, commands, pim, rules, whole, e, s, runs, entries, pending, rows, ready, history,
              issued, progress, log, channel, together):  # fmt: skip
    """Give the next command of the first PIM command in the queue. Returns when that may be,
    ``now`` if it was."""
    now = e["now"]
    run = runs[s["first_run"]]
    final = run["command"]
    if final == NONE:
        push_pending(s, pending, now, run["waits"], 1, run["instruction"])
        next_run(c, s, runs)
        return now
    bank, row = run["bank"], run["row"]
    command = wanted(c, pim, s, rows, final, bank, row)
    when = when_ready(c, commands, pim, ready, command, bank)
    if when > now:
        return when
    closes = pim[command]["action"] == CLOSE or pim[command]["closes"]
    if closes and s["counts"][ACTIVATED] > 0 and has_activated(s, entries, bank):
        return now + 1
    if not s["noted"]:
        note_row(pim, s, final, command)
        s["noted"] = 1
    itself = issue(c, commands, pim, rules, whole, e, s, rows, ready, history, issued, log, channel,
                   command, bank, row, run["column"])  # fmt: skip
    if itself and command == final:
        last = now
        if together and run["left"] > 2 and not run["waits"] and s["counts"][ACTIVATED] == 0:
            last = repeat(c, commands, pim, rules, whole, s, run, ready, history, issued, now)
        done = last + pim[final]["latency_cycles"]
        if run["left"] == 1:
            note_done(c, e, s, progress, run["instruction"], done)
        if run["waits"]:
            push_pending(s, pending, done, 1, 0, NONE)
        else:
            s["writes_until"] = max(s["writes_until"], done)
        next_run(c, s, runs)
    return now


@njit
def pim_at(c, commands, pim, s, runs, rows, ready, now):
    """Cycle at which the first PIM command in the queue may go on, if nothing else happens."""
    if s["queued"] == 0:
        return NEVER
    run = runs[s["first_run"]]
    if run["command"] == NONE:
        return now + 1
    command = wanted(c, pim, s, rows, run["command"], run["bank"], run["row"])
    return max(now + 1, when_ready(c, commands, pim, ready, command, run["bank"]))


@inlined
def step(c, commands, pim, rules, whole, e, s, runs, entries, pending, rows, ready, history, issued,
         progress, log, channel, together):  # fmt: skip
    """Go through cycle ``now``: hand back what is done, then give one command at most.

    Sets ``due``; returns whether something was given.
    """
    now = e["now"]
    answer(c, e, s, pending, progress)
    if now >= s["next_refresh"]:
        if s["refreshes_due"] == 0:
            s["refresh_since"] = now
        s["refreshes_due"] += 1
        s["next_refresh"] += c["refresh_interval_cycles"]
    gave = False
    due = s["next_refresh"]
    if s["counts"][ACTIVATED] > 0:
        i, when = oldest_ready(c, commands, pim, s, entries, rows, ready, ACTIVATED, now)
        due = min(due, when)
        if i >= 0:
            gave = serve_entry(c, commands, pim, rules, whole, e, s, entries, pending, rows, ready,
                               history, issued, progress, log, channel, ACTIVATED, i)  # fmt: skip
    if not gave:
        if s["refreshes_due"] > 0:
            when = refresh(c, commands, pim, rules, whole, e, s, rows, ready, history, issued, log,
                           channel)  # fmt: skip
        elif s["queued"] > 0:
            when = serve_pim(c, commands, pim, rules, whole, e, s, runs, entries, pending, rows,
                             ready, history, issued, progress, log, channel, together)  # fmt: skip
        else:
            choose_drain(c, s)
            kind = WRITES if s["draining"] else READS
            i, when = oldest_ready(c, commands, pim, s, entries, rows, ready, kind, now)
            if i >= 0:
                gave = serve_entry(
                    c, commands, pim, rules, whole, e, s, entries, pending, rows, ready, history,
                    issued, progress, log, channel, kind, i,
                )  # fmt: skip
                when = now
        gave = gave or when == now
        due = min(due, when)
    if gave:
        due = now + 1
        # Where only PIM commands are left, what has been given tells when the next may be.
        if s["refreshes_due"] + s["counts"][READS] + s["counts"][WRITES] == 0 and (
            s["counts"][ACTIVATED] == 0 and s["queued"] > 0
        ):
            due = pim_at(c, commands, pim, s, runs, rows, ready, now)
            due = min(due, s["next_refresh"])
    s["due"] = max(now + 1, min(due, answer_at(s, pending, now)))
    return gave
