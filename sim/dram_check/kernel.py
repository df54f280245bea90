"""The judge: each command against the last ones of each kind around it."""

from typing import Any

from sim.dram_check.banks import (
    check_all_bank,
    check_banks,
    check_clock,
    check_mode,
    note,
)
from sim.dram_check.refreshes import check_refresh, check_refreshes
from sim.dram_check.rules import BANK, GROUP, OTHER_GROUP, OTHER_RANK, RANK
from sim.dram_check.state import NEVER, Array, Findings, State
from sim.dram_check.tables import (
    ALL,
    BUS,
    CHANNEL,
    EACH_GROUP,
    FALLING_EDGE,
    GROUP_BANKS,
    HALF,
    ONE,
    PAIRING,
    PRECHARGES,
    Tables,
)
from sim.jit import njit


@njit
def newest(last: Array, first: int, size: int, mine: int, p: int) -> int:
    """Of nodes ``first`` to ``first + size`` without ``mine``, where ``p`` was last; -1: none."""
    best, at = -1, NEVER
    for node in range(first, first + size):
        if node != mine and last[node, p]["cycle"] > at:
            best, at = node, last[node, p]["cycle"]
    return best


@njit
def newest_half(last: Array, first: int, size: int, odd: int, p: int) -> int:
    """Of the even or odd banks from ``first`` on, where ``p`` was last; -1: none."""
    best, at = -1, NEVER
    for bank in range(first + odd, first + size, 2):
        if last[bank, p]["cycle"] > at:
            best, at = bank, last[bank, p]["cycle"]
    return best


@njit
def check_distances(now: int, code: int, place: Any, tables: Tables, s: State, f: Findings) -> None:
    """Each row of the table that ends in this command."""
    r, stack, g, b = place
    d = tables.device[0]
    in_rank = d["stacks"] * d["groups"]
    for n in range(tables.kinds[code]["first"], tables.kinds[code + 1]["first"]):
        p = tables.rows[n]["earlier"]
        scope = tables.rows[n]["scope"]
        last = s.rank_last
        node = r
        if scope == BANK:
            last = s.bank_last
            node = b
            if tables.kinds[code]["reach"] == EACH_GROUP:
                for group in range(r * in_rank, (r + 1) * in_rank):
                    other = group * d["banks"] + b % d["banks"]
                    if last[other, p]["cycle"] > last[node, p]["cycle"]:
                        node = other
            elif tables.kinds[code]["reach"] == GROUP_BANKS:
                node = newest(last, g * d["banks"], d["banks"], -1, p)
            elif tables.kinds[code]["reach"] == HALF:
                first = r * in_rank * d["banks"]
                node = newest_half(last, first, in_rank * d["banks"], b % 2, p)
        elif scope == GROUP:
            last = s.group_last
            node = g
            if tables.kinds[code]["reach"] == HALF:
                node = newest(last, r * in_rank, in_rank, -1, p)
        elif scope == OTHER_GROUP:
            last = s.group_last
            mine = -1 if tables.kinds[code]["reach"] == HALF else g
            node = newest(last, r * in_rank, in_rank, mine, p)
        elif scope == OTHER_RANK:
            node = newest(last, r - r % d["ranks"], d["ranks"], r, p)
        elif scope != RANK:
            last = s.stack_last
            node = newest(last, r * d["stacks"], d["stacks"], stack, p)
        least = tables.rows[n]["minimum"]
        if node >= 0 and now - last[node, p]["cycle"] < least:
            note(f, tables.rows[n]["name"], least, p, last[node, p]["cycle"], last[node, p]["bank"])


@njit
def check_windows(now: int, code: int, place: Any, tables: Tables, s: State, f: Findings) -> None:
    """At most so many commands in so many cycles."""
    r, b = place[0], place[3]
    for w in range(tables.device[0]["windows"]):
        window = tables.windows[w]
        if (window["commands"] >> code) & 1:
            turn = s.turns[r, w]
            oldest = s.rings[r, w, turn]
            if now - oldest["cycle"] < window["minimum"]:
                first = oldest["kind"]
                note(f, window["name"], window["minimum"], first, oldest["cycle"], oldest["bank"])
            oldest["cycle"] = now
            oldest["bank"] = b
            oldest["kind"] = code
            s.turns[r, w] = (turn + 1) % window["count"]


@njit
def check_bus(now: int, code: int, place: Any, tables: Tables, c: Any, f: Findings) -> None:
    """One command at a time on a bus; and in half clocks, on which edge it begins."""
    r, b = place[0], place[3]
    kind = tables.kinds[code]
    bus = c["bus"][kind["bus"]]
    cycles = tables.kinds[bus["kind"]]["cycles"]
    if now - bus["cycle"] < cycles:
        note(f, BUS, cycles, bus["kind"], bus["cycle"], bus["bank"])
    bus["cycle"] = now
    bus["kind"] = code
    bus["bank"] = b if kind["reach"] == ONE else -1
    if not tables.device[0]["half_clocks"]:
        return
    if now % 2 == 0:
        if kind["action"] != PRECHARGES:
            note(f, FALLING_EDGE, 0, -1, 0, -1)
        elif now == c["edge_at"] and r == c["edge_rank"]:
            whole = kind["reach"] == ALL or tables.kinds[c["edge_kind"]]["reach"] == ALL
            if whole or b == c["edge_bank"]:
                before = tables.kinds[c["edge_kind"]]["cycles"]
                note(f, PAIRING, 0, c["edge_kind"], now - before, c["edge_bank"])
    elif not kind["column"]:
        # ACT ends on the rising edge after the next; the falling edge behind it is its pair.
        c["edge_at"] = now + kind["cycles"]
        c["edge_kind"] = code
        c["edge_rank"] = r
        c["edge_bank"] = b if kind["reach"] == ONE else -1


@njit
def remember(now: int, code: int, place: Any, tables: Tables, s: State) -> None:
    """This command is now the last of its kind wherever it went."""
    r, stack, g, b = place
    d = tables.device[0]
    reach = tables.kinds[code]["reach"]
    s.rank_last[r, code]["cycle"] = now
    s.rank_last[r, code]["bank"] = b if reach == ONE else -1
    if reach == ONE:
        s.bank_last[b, code]["cycle"] = now
        s.bank_last[b, code]["bank"] = b
        s.group_last[g, code]["cycle"] = now
        s.group_last[g, code]["bank"] = b
        s.stack_last[stack, code]["cycle"] = now
        s.stack_last[stack, code]["bank"] = b
    elif reach == GROUP_BANKS:
        s.group_last[g, code]["cycle"] = now
        s.group_last[g, code]["bank"] = -1
        for bank in range(g * d["banks"], (g + 1) * d["banks"]):
            s.bank_last[bank, code]["cycle"] = now
            s.bank_last[bank, code]["bank"] = bank
    elif reach == HALF:
        in_rank = d["stacks"] * d["groups"]
        for group in range(r * in_rank, (r + 1) * in_rank):
            s.group_last[group, code]["cycle"] = now
            s.group_last[group, code]["bank"] = -1
            for bank in range(group * d["banks"] + b % 2, (group + 1) * d["banks"], 2):
                s.bank_last[bank, code]["cycle"] = now
                s.bank_last[bank, code]["bank"] = bank
    elif reach == EACH_GROUP:
        in_rank = d["stacks"] * d["groups"]
        for group in range(r * in_rank, (r + 1) * in_rank):
            bank = group * d["banks"] + b % d["banks"]
            s.bank_last[bank, code]["cycle"] = now
            s.bank_last[bank, code]["bank"] = bank


@njit
def check_channel(
    now: int, code: int, channel: int, row: int, tables: Tables, s: State, f: Findings
) -> None:
    """A command to all ranks, as one to each."""
    d = tables.device[0]
    for r in range(channel * d["ranks"], (channel + 1) * d["ranks"]):
        f.now[0]["rank"] = r
        stack = r * d["stacks"]
        place = (r, stack, stack * d["groups"], stack * d["groups"] * d["banks"])
        check_distances(now, code, place, tables, s, f)
        check_windows(now, code, place, tables, s, f)
        check_banks(now, code, place, row, tables, s, f)
        remember(now, code, place, tables, s)


@njit
def check(log: Array, number: int, tables: Tables, s: State, f: Findings) -> int:
    """Judge a chunk of a log whose first command has this number.

    Returns the place of a command that is earlier than the one before it in its channel, where it
    stops, or -1.
    """
    d = tables.device[0]
    for i in range(len(log)):
        command = log[i]
        now = command["cycle"]
        code = command["kind"]
        c = s.channels[command["channel"]]
        if now < c["now"]:
            return i
        c["now"] = now
        r = command["channel"] * d["ranks"] + command["rank"]
        stack = r * d["stacks"] + command["stack"]
        g = stack * d["groups"] + max(0, command["group"])
        b = g * d["banks"] + max(0, command["bank"])
        place = (r, stack, g, b)
        kind = tables.kinds[code]
        total = f.total[0]
        if total["started"] < 0:
            total["started"] = now
        total["ended"] = max(total["ended"], now)
        total["commands"] += 1
        s.used[stack] = 1
        told = f.now[0]
        told["number"] = number + i
        told["cycle"] = now
        told["kind"] = code
        told["rank"] = r
        told["bank"] = -1 if kind["reach"] == ALL else b
        told["row"] = command["row"]
        if kind["cycles"] > 0:
            check_bus(now, code, place, tables, c, f)
        if kind["reach"] == CHANNEL:
            told["bank"] = -1
            check_channel(now, code, command["channel"], command["row"], tables, s, f)
            continue
        check_distances(now, code, place, tables, s, f)
        check_windows(now, code, place, tables, s, f)
        check_clock(now, code, r, tables, s, f)
        check_mode(code, tables, c, f)
        check_all_bank(code, command["row"], tables, c, f)
        check_banks(now, code, place, command["row"], tables, s, f)
        if kind["counts"]:
            total["refreshes"] += 1
            check_refreshes(now, code, place, tables, s, f)
        remember(now, code, place, tables, s)
    return -1


@njit
def check_end(tables: Tables, s: State, f: Findings) -> None:
    """Refreshes that are missing at the end, the first of each rank or stack."""
    d = tables.device[0]
    in_stack = d["groups"] * d["banks"]
    told = f.now[0]
    told["number"] = -1
    told["cycle"] = f.total[0]["ended"]
    told["kind"] = -1
    told["row"] = -1
    for stack in range(len(s.used)):
        told["rank"] = stack // d["stacks"]
        if s.used[stack]:
            for b in range(stack * in_stack, (stack + 1) * in_stack):
                told["bank"] = b
                if check_refresh(f.total[0]["ended"], b, tables, s, f):
                    break
