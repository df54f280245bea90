"""What a command needs, when it may issue, and what it does."""

from sim.dram.timing import apply_rules, ready_at
from sim.jit import njit
from sim.pim.state import CLOSED, NONE
from sim.pim.tables import CLOSE, OPEN


@njit
def wanted(c, pim, s, rows, command, bank, row):
    """The command itself if its row is open in all its banks, or what brings it closer."""
    kind = pim[command]
    if not kind["needs_row"]:
        return command
    span = kind["span"]
    if span == c["banks"] and s["whole_row"] == row:
        return command
    first = max(0, bank)
    closed = 0
    for one in range(first, first + span):
        if rows[one] == CLOSED:
            closed += 1
        elif rows[one] != row:
            return kind["closer"]
    if closed == 0:
        return command
    if closed == span or c["activate_partly"]:
        return kind["opener"]
    return kind["closer"]


@njit
def when_ready(c, commands, pim, ready, command, bank):
    """Cycle from which on a command may issue; a mode change in its place may issue then too."""
    when = ready[(c["commands"] + command) * c["banks"]]
    if pim[command]["single"]:
        return when
    return max(when, ready_at(c, commands, ready, command, max(0, bank)))


@njit
def issue(c, commands, pim, rules, whole, e, s, rows, ready, history, issued, log, channel, command,
          bank, row, column):  # fmt: skip
    """Give a command, or the mode change that it needs first; whether it was itself."""
    now = e["now"]
    given = command
    if c["command_mode"] >= 0 and pim[command]["register_mode"] != s["register_mode"]:
        given = c["command_mode"]
        s["register_mode"] = 1 - s["register_mode"]
    first = max(0, bank)
    kind = pim[given]
    for i in range(kind["first_whole"], kind["end_whole"]):
        rule = whole[i]
        following = rule["following"]
        ready[following] = max(ready[following], now + rule["cycles"])
    apply_rules(c, commands, rules, ready, history, given, first, now)
    if kind["action"] == OPEN:
        open_rows(c, s, rows, first, kind["span"], row, now)
    elif kind["action"] == CLOSE or kind["closes"]:
        close_rows(s, rows, first, kind["span"], now)
    issued[given] += 1
    if log.shape[0] > 0:
        line = log[e["logged"]]
        line["cycle"] = now
        line["command"] = given
        line["bank"] = bank
        line["row"] = row
        line["column"] = column
        line["channel"] = channel
        e["logged"] += 1
    return given == command


@njit
def repeat(c, commands, pim, rules, whole, s, run, ready, history, issued, now):
    """Give the same command again for the columns that follow, but for the last one, as long as
    nothing else can come between; returns the cycle of the last one given."""
    command = run["command"]
    kind = pim[command]
    steady = kind["steady_cycles"]
    if steady == 0:
        return now
    more = min(run["left"] - 2, (s["next_refresh"] - 1 - now) // steady)
    if more <= 0:
        return now
    last = now + more * steady
    for i in range(kind["first_whole"], kind["end_whole"]):
        following = whole[i]["following"]
        ready[following] = max(ready[following], last + whole[i]["cycles"])
    apply_rules(c, commands, rules, ready, history, command, max(0, run["bank"]), last)
    issued[command] += more
    s["hits"] += more * kind["needs_row"]
    run["left"] -= more
    run["column"] += more
    return last


@njit
def open_rows(c, s, rows, first, span, row, now):
    """Open a row in some banks."""
    if s["open_banks"] == 0:
        s["open_since"] = now
    for bank in range(first, first + span):
        if rows[bank] == CLOSED:
            s["open_banks"] += 1
        rows[bank] = row
    s["whole_row"] = row if span == c["banks"] else NONE


@njit
def close_rows(s, rows, first, span, now):
    """Close some banks."""
    before = s["open_banks"]
    for bank in range(first, first + span):
        if rows[bank] != CLOSED:
            s["open_banks"] -= 1
        rows[bank] = CLOSED
    if before > 0 and s["open_banks"] == 0:
        s["active_cycles"] += now - s["open_since"]
    s["whole_row"] = NONE


@njit
def note_row(pim, s, command, next_command):
    """Count a column command by what must come first."""
    if not pim[command]["needs_row"]:
        return
    if next_command == command:
        s["hits"] += 1
    elif pim[next_command]["action"] == OPEN:
        s["misses"] += 1
    else:
        s["conflicts"] += 1
