"""What the PIM wants next in a channel, and what its commands do.

Estimates are those of NeuPIMs' simulator (casys-kaist/NeuPIMs, commit f299af3): a precharge takes
nRTP, groups open two in nFAW, and a tile has six columns at least.
"""

from sim.dram.bank_queues import look
from sim.dram.bank_queues_state import NONE
from sim.dram.channel import issue
from sim.dram.state import CLOSED, NOWHERE
from sim.dram.tables import NEVER
from sim.dram.timing import apply_rules, ready_at
from sim.jit import njit
from sim.pim.joint.open_rows import note_rows
from sim.pim.joint.state import COMP, GWRITE, HEADER, READRES

COLUMNS_MIN = 6
"""Columns of a tile, as estimated, at least."""


@njit
def pim_row(j, banks, pim_rows, bank):
    """Row that is open in the buffer of the PIM."""
    return pim_rows[bank] if j["dual"] else banks[bank]["row"]


@njit
def until_refresh(j, s):
    """Cycles left before the next refresh falls due."""
    if s["next_refresh"] >= NEVER:
        return NEVER
    left = s["next_refresh"] - s["now"]
    if j["lenient_deadline"]:
        left = j["refresh_gap"] if left == 1 else left - 1
    return left


@njit
def estimate_gwrite(j, banks, bank, row):
    """Cycles that a GWRITE takes, its row's activate included."""
    opened = banks[bank]["row"]
    if opened == row:
        return j["gwrite_cycles"]
    closes = j["rtp"] if opened != CLOSED else 0
    return closes + j["rp"] + j["rcd_rd"] + j["gwrite_cycles"]


@njit
def estimate_tile(c, j, banks, pim_rows, item):
    """Cycles that a tile takes, from its first precharge to its last result."""
    row, span = item["row"], j["group_banks"]
    groups = closes = 0
    for first in range(0, c["banks"], span):
        right = wrong = 0
        for bank in range(first, first + span):
            opened = pim_row(j, banks, pim_rows, bank)
            if opened == row:
                right += 1
            elif opened != CLOSED:
                wrong += 1
        if right < span:
            groups += 1
            closes += wrong
    cycles = closes * j["rtp"] + j["faw"] * (groups // 2 - 1) + j["rcd_rd"]
    cycles += j["comp_cycles"] * max(item["count"], COLUMNS_MIN)
    return cycles + j["results_cycles"] * (item["results"] - 1)


@njit
def gwrite_next(c, j, s, banks, pim_rows, ready, item):
    """What brings a GWRITE closer: when, command and bank."""
    bank, row = item["bank"], item["row"]
    opened = banks[bank]["row"]
    command = j["gwrite"]
    if opened == CLOSED:
        held = j["dual"] == 1 and pim_rows[bank] == row
        command = j["close"] if held else c["command_activate"]
    elif opened != row:
        command = c["command_precharge"]
    return max(s["now"], ready[command * c["banks"] + bank]), command, bank


@njit
def partly(j, banks, pim_rows, bank, row):
    """Whether a bank of its group has not this row open for PIM."""
    first = bank - bank % j["group_banks"]
    for other in range(first, first + j["group_banks"]):
        if pim_row(j, banks, pim_rows, other) != row:
            return True
    return False


@njit
def header_next(c, j, s, banks, pim_rows, ready, row):
    """What brings a header closer: all banks of a group must be closed, or all have its row open
    for PIM."""
    now, wide = s["now"], c["banks"]
    soonest, chosen, where = NEVER, NONE, 0
    for bank in range(wide):
        opened = pim_row(j, banks, pim_rows, bank)
        command = NONE
        if opened == CLOSED:
            if j["dual"] and banks[bank]["row"] == row:
                command = c["command_precharge"]
        elif opened != row or (j["whole_groups"] and partly(j, banks, pim_rows, bank, row)):
            command = j["close"]
        if command != NONE:
            when = max(now, ready[command * wide + bank])
            if when < soonest:
                soonest, chosen, where = when, command, bank
                if when == now:
                    return when, command, bank
    if chosen == NONE:
        return now, j["header"], 0
    return soonest, chosen, where


@njit
def columns_next(c, j, s, m, commands, banks, pim_rows, ready, item):
    """What brings columns and results closer: groups that are closed open first."""
    now, wide = s["now"], c["banks"]
    soonest, where = NEVER, NONE
    for bank in range(wide):
        if pim_row(j, banks, pim_rows, bank) == CLOSED:
            when = ready[j["gact"] * wide + bank]
            if j["whole_groups"]:
                when = ready_at(c, commands, ready, j["gact"], bank)
            if where == NONE or max(now, when) < soonest:
                soonest, where = max(now, when), bank
                if soonest == now:
                    return now, j["gact"], bank
    if where != NONE:
        return soonest, j["gact"], where
    if item["op"] == COMP:
        return max(now, ready_at(c, commands, ready, j["comp"], 0)), j["comp"], 0
    if item["op"] == READRES:
        return max(now, ready_at(c, commands, ready, j["readres"], 0)), j["readres"], 0
    if not j["counted"]:
        return max(now, ready_at(c, commands, ready, j["comps"], 0)), j["comps"], 0
    when = max(now, ready_at(c, commands, ready, j["comp"], 0))
    result = ready_at(c, commands, ready, j["readres"], 0)
    return max(when, result - result_after(j, item["count"])), j["comps"], 0


@njit
def result_after(j, columns):
    """Cycles from the first column of a composite to its result."""
    return max(columns * j["comp_cycles"], j["fill_cycles"])


@njit
def pim_next(c, j, s, m, commands, banks, pim_rows, ready, items):
    """The next command for the first PIM instruction of the queue: when, command and bank.

    NEVER where it waits for a GWRITE's end, or for a refresh.
    """
    item = items[m["head"] & (items.shape[0] - 1)]
    op = item["op"]
    if m["gwriting"]:
        if op != GWRITE:
            return NEVER, NONE, 0
        return gwrite_next(c, j, s, banks, pim_rows, ready, item)
    if op not in (GWRITE, HEADER):
        return columns_next(c, j, s, m, commands, banks, pim_rows, ready, item)
    if op == GWRITE:
        cycles = estimate_gwrite(j, banks, item["bank"], item["row"])
    else:
        cycles = estimate_tile(c, j, banks, pim_rows, item)
    m["slack"] = max(0, until_refresh(j, s) - cycles)
    if m["slack"] == 0:
        m["skip"] = 1
        m["held"] += 1
        return NEVER, NONE, 0
    if op == GWRITE:
        m["gwriting"] = 1
        m["gwrite_bank"] = item["bank"]
        return gwrite_next(c, j, s, banks, pim_rows, ready, item)
    m["reserved"] = item["row"]
    m["begun"] = 1
    return header_next(c, j, s, banks, pim_rows, ready, item["row"])


@njit
def end_instruction(m, item, until):
    """The first instruction of the queue has been given; it is done at ``until``."""
    m["done_tag"] = item["tag"]
    m["done_at"] = until
    m["last_done"] = max(m["last_done"], until)
    m["queued"] -= 1
    if item["op"] == COMP and m["head_part"] + 1 < item["count"]:
        m["head_part"] += 1
    else:
        m["head"] += 1
        m["head_part"] = 0


@njit
def end_tile(j, m):
    """The last result of a tile has been asked for."""
    m["tile"] = m["begun"] = 0
    m["tiles"] += 1
    m["units"] += 1
    m["grant"] -= 1
    if j["release_rows"]:
        m["reserved"] = CLOSED
        m["slack"] = 0


@njit
def set_rows(j, banks, pim_rows, queue, soon, queues, first, row):
    """A group of banks opens a row for PIM."""
    for bank in range(first, first + j["group_banks"]):
        if j["dual"]:
            pim_rows[bank] = row
        else:
            banks[bank]["row"] = row
            look(banks, queue, soon, queues, bank)


@njit
def give_pim(c, j, s, m, commands, rules, banks, pim_rows, ready, history, issued, log, queue, soon,
             queues, items, command, bank):  # fmt: skip
    """Give a command for the first PIM instruction of the queue."""
    now, wide = s["now"], c["banks"]
    item = items[m["head"] & (items.shape[0] - 1)]
    columns = item["count"] if command == j["comps"] else NOWHERE
    issue(c, s, commands, rules, banks, ready, history, issued, log, command, bank, item["row"],
          columns)  # fmt: skip
    if command == j["gact"]:
        set_rows(
            j, banks, pim_rows, queue, soon, queues, bank - bank % j["group_banks"], item["row"]
        )
        note_rows(j, m, banks, pim_rows, now, bank)
    elif command == j["header"]:
        m["tile"] = 1
        end_instruction(m, item, now)
    elif command == j["gwrite"]:
        m["units"] += 1
        m["grant"] -= 1
        m["gwrite_done"] = now + j["gwrite_cycles"]
        end_instruction(m, item, m["gwrite_done"])
    elif command == j["comp"]:
        m["columns"] += 1
        if not m["filling"]:
            m["filling"] = 1
            first = j["readres"] * wide
            ready[first] = max(ready[first], now + j["fill_cycles"])
        end_instruction(m, item, now)
    elif command in (j["readres"], j["comps"]):
        result = now
        if command == j["comps"]:
            m["columns"] += item["count"]
            result = start_composite(c, j, s, m, commands, rules, ready, history, item["count"])
        m["filling"] = 0
        m["results"] += 1
        last = item["last"]
        end_instruction(m, item, result + j["answer_cycles"])
        if last:
            end_tile(j, m)
    elif command == j["close"] and j["dual"]:
        pim_rows[bank] = CLOSED
        note_rows(j, m, banks, pim_rows, now, bank)
    else:
        queue[bank]["hits"] = 0
        look(banks, queue, soon, queues, bank)
        note_rows(j, m, banks, pim_rows, now, bank)


@njit
def start_composite(c, j, s, m, commands, rules, ready, history, columns):
    """What may follow a composite command that begins now; returns the cycle of its result."""
    now = s["now"]
    if not j["counted"]:
        first = j["comps"] * c["banks"]
        until = now + result_after(j, columns) + j["comp_cycles"]
        ready[first] = max(ready[first], until)
        return now
    result = now + result_after(j, columns)
    last = now + (columns - 1) * j["comp_cycles"]
    apply_rules(c, commands, rules, ready, history, j["comp"], 0, last)
    apply_rules(c, commands, rules, ready, history, j["result"], 0, result)
    m["results_before"] = m["columns_end"]
    m["columns_end"] = result
    return result
