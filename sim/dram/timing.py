"""When commands may issue: one ready time for each command and bank."""

from sim.dram.state import CLOSED, OPENING
from sim.dram.tables import ACTIVATE, ACTIVATE_1, ACTIVATE_2, NEVER, PRECHARGE
from sim.jit import njit


@njit
def raise_all(ready, begin, end, until):
    """Let ready times be no sooner than ``until``. Of a part, whose places are never negative, and
    so the loop becomes one of vectors."""
    part = ready[begin:end]
    for i in range(part.shape[0]):
        part[i] = max(part[i], until)


@njit
def apply_rules(c, commands, rules, ready, history, command, bank, now):
    """A command has issued at ``now``: what may follow it later only."""
    for i in range(commands[command]["first_rule"], commands[command]["end_rule"]):
        rule = rules[i]
        span = rule["span"]
        first = bank - bank % span
        following = rule["following"] * c["banks"]
        if rule["window"] > 1:
            at = rule["history"]
            last = rule["window"] - 1
            for j in range(last, 0, -1):
                history[at, first, j] = history[at, first, j - 1]
            history[at, first, 0] = now
            until = history[at, first, last] + rule["cycles"]
        else:
            until = now + rule["cycles"]
        if rule["sibling_span"] > 0:
            above = following + bank - bank % rule["sibling_span"]
            raise_all(ready, above, following + first, until)
            raise_all(ready, following + first + span, above + rule["sibling_span"], until)
        else:
            step, end = rule["step"], following + first + rule["width"]
            if step == 1:
                raise_all(ready, following + first, end, until)
                continue
            for other in range(following + first + (bank - first) % step, end, step):
                ready[other] = max(ready[other], until)


@njit
def ready_at(c, commands, ready, command, bank):
    """Cycle from which on a command may issue to the banks that it addresses."""
    span, step = commands[command]["span"], commands[command]["step"]
    first = bank - bank % span
    latest = ready[command * c["banks"] + first + (bank - first) % step]
    for other in range(first + (bank - first) % step + step, first + span, step):
        latest = max(latest, ready[command * c["banks"] + other])
    return latest


@njit
def change_banks(commands, banks, command, bank, row):
    """What a command does to the rows of its banks."""
    action = commands[command]["action"]
    if action in (ACTIVATE, ACTIVATE_2):
        banks[bank]["row"] = row
        banks[bank]["close_at"] = NEVER
    elif action == ACTIVATE_1:
        banks[bank]["row"] = OPENING
    elif action == PRECHARGE:
        span = commands[command]["span"]
        first = bank - bank % span
        for other in range(first, first + span):
            banks[other]["row"] = CLOSED
            banks[other]["close_at"] = NEVER


@njit
def next_command(c, banks, bank, row, write):
    """What brings a request closer to its data."""
    opened = banks[bank]["row"]
    if opened == row:
        return c["command_write"] if write else c["command_read"]
    if opened == CLOSED:
        return c["command_activate"]
    if opened == OPENING:
        return c["command_activate_2"]
    return c["command_precharge"]


@njit
def next_refresh_command(c, commands, banks, bank):
    """What brings a refresh closer, and the bank that it goes to: its banks must be closed."""
    command = commands[c["command_refresh"]]
    first = bank - bank % command["span"]
    for other in range(bank, first + command["span"], command["step"]):
        if banks[other]["row"] != CLOSED:
            closing = commands[c["command_precharge_all"]]
            return c["command_precharge_all"], other if closing["span"] == 1 else bank
    return c["command_refresh"], bank
