"""What a command does: to the times of others, to rows, to modes, to the sequencer, to the log."""

from sim.dram.timing import apply_rules
from sim.jit import njit
from sim.pim.hbm.state import CLOSED, NONE
from sim.pim.hbm.tables import ACT, PRE, RD, REF, WR
from traces.pim.hbm_dtype import SB
from traces.pim.hbm_sequencer import closed, control, opened, trigger, triggers


@njit
def note(e, log, now, command, bank, row, column, channel, rank, mode, entry, given):
    """Write a line of the log."""
    line = log[e["logged"]]
    line["cycle"] = now
    line["command"] = command
    line["bank"] = bank
    line["row"] = row
    line["column"] = column
    line["channel"] = channel
    line["rank"] = rank
    line["mode"] = mode
    line["pc"] = NONE
    line["word"] = NONE
    line["barrier"] = entry["barrier"] if given else 0
    line["tag"] = entry["tag"] if given else NONE
    line["line"] = entry["line"] if given else NONE
    e["logged"] += 1


@njit
def follow(c, t, ready, history, kind, bank, now):
    """The command of a kind issues: what may follow it later only."""
    commands, rules, whole, spans = t
    command = c["given"][kind]
    for i in range(spans[command]["first"], spans[command]["end"]):
        rule = whole[i]
        following = rule["following"]
        ready[following] = max(ready[following], now + rule["cycles"])
    apply_rules(c, commands, rules, ready, history, command, bank, now)


@njit
def ready_of(c, ready, kind, bank):
    """Cycle from which on a command of a kind may go to a bank."""
    command = c["given"][kind]
    return max(ready[(c["commands"] + command) * c["banks"]], ready[command * c["banks"] + bank])


@njit
def name_of(c, u, kind, bank):
    """How a command is called in the mode of now; a bank that no half begins with is alone."""
    if u["mode"] == SB or bank >= 2 or kind == REF:
        return c["given"][kind]
    return c["all_bank"][kind]


@njit
def change_mode(s, u, before, now):
    """Count the cycles in each mode."""
    if u["mode"] != before:
        s["mode_cycles"][before] += now - s["mode_since"]
        s["mode_since"] = now


@njit
def give_activate(c, w, t, e, s, u, rows, ready, history, issued, log, channel, entry, now):
    """Open a row for an entry."""
    bank, row = entry["bank"], entry["row"]
    name = name_of(c, u, ACT, bank)
    issued[name] += 1
    before = u["mode"]
    if log.shape[0] > 0:
        note(e, log, now, name, bank, row, entry["column"], channel, 0, before, entry, True)
    follow(c, t, ready, history, ACT, bank, now)
    rows[bank] = row
    entry["opened"] = 1
    s["still_refreshes"] = 0
    if s["open_banks"] == 0:
        s["open_since"] = now
    s["open_banks"] += 1
    if opened(w, u, bank, row, entry["column"]):
        change_mode(s, u, before, now)
        if log.shape[0] > 0:
            note(e, log, now, c["HAB"], NONE, NONE, NONE, channel, 0, u["mode"], entry, True)


@njit
def together(c, ready):
    """All-bank modes have ended: what holds back one bank of a half holds back all."""
    for kind in range(4):
        first = c["given"][kind] * c["banks"]
        for bank in range(2, c["banks"]):
            ready[first + bank] = max(ready[first + bank], ready[first + (bank & 1)])


@njit
def give_precharge(c, w, t, e, s, u, rows, ready, history, issued, log, channel, entries, bank,
                   now):  # fmt: skip
    """Close a bank; in an all-bank mode its half, if banks go together."""
    first, end, by = bank, bank + 1, 1
    if c["banks_together"] and u["mode"] != SB:
        bank = bank & 1
        first, end, by = bank, c["banks"], 2
    row = rows[bank]
    name = name_of(c, u, PRE, bank)
    issued[name] += 1
    before = u["mode"]
    if log.shape[0] > 0:
        note(e, log, now, name, bank, row, NONE, channel, 0, before, entries[0], False)
    for one in range(first, end, by):
        if rows[one] != CLOSED:
            follow(c, t, ready, history, PRE, one, now)
            rows[one] = CLOSED
            s["open_banks"] -= 1
    if s["open_banks"] == 0:
        s["active_cycles"] += now - s["open_since"]
    if closed(w, u, bank, row):
        change_mode(s, u, before, now)
        if c["banks_together"]:
            together(c, ready)
        if log.shape[0] > 0:
            note(e, log, now, c["SB"], NONE, NONE, NONE, channel, 0, SB, entries[0], False)


@njit
def give_column(c, w, t, e, s, u, ready, history, issued, log, channel, entry, steps, now):
    """Read or write a column, and do what that means."""
    bank, row, column = entry["bank"], entry["row"], entry["column"]
    kind = WR if entry["write"] else RD
    name = name_of(c, u, kind, bank)
    issued[name] += 1
    follow(c, t, ready, history, kind, bank, now)
    latency = c["write_done_cycles"] if entry["write"] else c["read_done_cycles"]
    s["done_at"] = max(s["done_at"], now + latency)
    s["still_refreshes"] = 0
    if not entry["opened"]:
        s["hits"] += 1
    before = u["mode"]
    logs = log.shape[0] > 0
    if triggers(w, u, bank, row):
        done, wrong = trigger(w, u, steps)
        if wrong and s["fault"] == 0:
            s["fault"] = wrong
            s["fault_line"] = entry["line"]
        s["triggered"] += 1
        s["jumps"] += done - 1
        if logs:
            for i in range(done):
                shown = name if i == done - 1 else c["JUMP"]
                note(e, log, now, shown, bank, row, column, channel, 0, before, entry, True)
                log[e["logged"] - 1]["pc"] = steps[i]
                log[e["logged"] - 1]["word"] = u["crf"][steps[i]]
        return
    if logs:
        note(e, log, now, name, bank, row, column, channel, 0, before, entry, True)
    if before == SB or not entry["write"] or row != w["register_row"]:
        return
    crf = column - w["crf"]
    if column == w["control"]:
        words = entry["words"]
        if logs and words[5] & 255:
            note(e, log, now, c["ZERO_GRF_A"], NONE, NONE, NONE, channel, 0, before, entry, True)
        if logs and (words[5] >> 8) & 255:
            note(e, log, now, c["ZERO_GRF_B"], NONE, NONE, NONE, channel, 0, before, entry, True)
        control(w, u, words)
        change_mode(s, u, before, now)
        if logs:
            shown = c["HAB_PIM"] if words[0] & 1 else c["HAB"]
            note(e, log, now, shown, NONE, NONE, NONE, channel, 0, u["mode"], entry, True)
    elif 0 <= crf < 4:
        for i in range(8):
            u["crf"][8 * crf + i] = entry["words"][i]


@njit
def give_refresh(c, t, e, s, u, ready, history, issued, log, channel, entries, rank, now):
    """Refresh all banks of a rank."""
    issued[c["given"][REF]] += 1
    if log.shape[0] > 0:
        note(e, log, now, c["given"][REF], NONE, NONE, NONE, channel, rank, u["mode"], entries[0],
             False)  # fmt: skip
    if rank == 0:
        follow(c, t, ready, history, REF, 0, now)
        s["still_refreshes"] += 1
    s["refreshes_due"][rank] -= 1
    s["refresh_cycles"] += now - s["refresh_since"]
    s["refresh_since"] = now
