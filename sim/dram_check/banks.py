"""What state allows: open rows, activates in two steps, the data clock."""

from typing import Any

from sim.dram_check.rules import CODES
from sim.dram_check.state import CLOSED, OPENING, Findings, State
from sim.dram_check.tables import (
    ACT1_PENDING,
    ACT2_LATE,
    ACTIVATES,
    ACTIVATES_1,
    ACTIVATES_2,
    ALL,
    ALL_BANK_MODE,
    BANK_MODE,
    BOTH_BUFFERS,
    CAS_ALONE,
    CHANNEL,
    CLOSED_BANK,
    DATA_CLOCK,
    EACH_GROUP,
    ENTERS,
    GROUP_BANKS,
    HALF,
    LEAVES,
    MODES,
    NO_ACT1,
    OPEN_AT_REFRESH,
    OPEN_BANK,
    OTHER_ROW,
    PIM_ACTIVATES,
    PIM_PRECHARGES,
    PIM_READS,
    PRECHARGES,
    READS,
    REFRESHES,
    REGISTER_MODE,
    REGISTERS,
    SINGLE_BANK_MODE,
    SYNCS,
    WRITES,
    Tables,
)
from sim.jit import njit

CAS_RD = CODES["CAS_RD"]
HAB_PIM = CODES["HAB_PIM"]
ACT1 = CODES["ACT1"]


@njit
def note(f: Findings, rule: int, limit: int, kind: int, at: int, bank: int) -> None:
    """Count a violation by the command at hand, and write it down if there is room."""
    f.counts[rule] += 1
    place = f.total[0]["found"]
    f.total[0]["found"] += 1
    if place < len(f.violations):
        one, now = f.violations[place], f.now[0]
        one["number"] = now["number"]
        one["cycle"] = now["cycle"]
        one["kind"] = now["kind"]
        one["rank"] = now["rank"]
        one["bank"] = now["bank"]
        one["row"] = now["row"]
        one["rule"] = rule
        one["earlier_kind"] = kind
        one["earlier_cycle"] = at
        one["earlier_bank"] = bank
        one["limit"] = limit


@njit
def check_clock(now: int, code: int, r: int, tables: Tables, s: State, f: Findings) -> None:
    """A CAS goes right before its read or write, which needs one if the data clock has stopped."""
    rank = s.ranks[r]
    kind = tables.kinds[code]
    mine = False
    if rank["cas"] >= 0:
        reads = rank["cas"] == CAS_RD
        mine = kind["action"] == (READS if reads else WRITES) and now == rank["cas_at"] + 1
        if not mine:
            note(f, CAS_ALONE, 1, rank["cas"], rank["cas_at"], -1)
        rank["cas"] = -1
    if kind["action"] == SYNCS:
        rank["cas"] = code
        rank["cas_at"] = now
    elif kind["wck"] > 0:
        if now >= rank["clock_until"] and not mine:
            note(f, DATA_CLOCK, 0, -1, 0, -1)
        rank["clock_until"] = max(rank["clock_until"], now + kind["wck"])


@njit
def check_mode(code: int, tables: Tables, c: Any, f: Findings) -> None:
    """Registers are reached in register mode, banks in bank mode."""
    action = tables.kinds[code]["action"]
    if action == MODES:
        c["registers"] = 1 - c["registers"]
    elif action == REGISTERS and not c["registers"]:
        note(f, REGISTER_MODE, 0, -1, 0, -1)
    elif action != REGISTERS and c["registers"]:
        note(f, BANK_MODE, 0, -1, 0, -1)


@njit
def check_all_bank(code: int, row: int, tables: Tables, c: Any, f: Findings) -> None:
    """Halves are reached in an all-bank mode, single banks else; registers and precharges of single
    banks in both."""
    kind = tables.kinds[code]
    action = kind["action"]
    first = tables.device[0]["register_row"]
    if action == ENTERS:
        if code == HAB_PIM and not c["all_bank"]:
            note(f, ALL_BANK_MODE, 0, -1, 0, -1)
        c["all_bank"] = 1
    elif action == LEAVES:
        if not c["all_bank"]:
            note(f, ALL_BANK_MODE, 0, -1, 0, -1)
        c["all_bank"] = 0
    elif kind["reach"] == HALF:
        if not c["all_bank"]:
            note(f, ALL_BANK_MODE, 0, -1, 0, -1)
    elif c["all_bank"] and (action == ACTIVATES or (action in (READS, WRITES) and row < first)):
        note(f, SINGLE_BANK_MODE, 0, -1, 0, -1)


@njit
def addressed(code: int, place: Any, tables: Tables) -> tuple[int, int]:
    """The first bank that a command goes to and the one after the last."""
    r, _, g, b = place
    d = tables.device[0]
    reach = tables.kinds[code]["reach"]
    if reach == GROUP_BANKS:
        return g * d["banks"], (g + 1) * d["banks"]
    if reach == HALF:
        in_rank = d["stacks"] * d["groups"] * d["banks"]
        return r * in_rank + b % 2, (r + 1) * in_rank
    if reach in (ALL, CHANNEL):
        in_rank = d["stacks"] * d["groups"] * d["banks"]
        return r * in_rank, (r + 1) * in_rank
    return b, b + 1


@njit
def check_banks(
    now: int, code: int, place: Any, row: int, tables: Tables, s: State, f: Findings
) -> None:
    """What the command finds in its bank or banks, and what it makes of them."""
    r, b = place[0], place[3]
    kind = tables.kinds[code]
    action = kind["action"]
    first, end = addressed(code, place, tables)
    step = 2 if kind["reach"] == HALF else 1
    registers = tables.device[0]["register_row"]
    if action in (PIM_ACTIVATES, PIM_PRECHARGES, PIM_READS):
        check_pim(action, first, end, row, tables, s, f)
    elif action == ACTIVATES:
        told = False
        for one in range(first, end, step):
            if s.banks[one]["row"] != CLOSED and not told:
                note(f, OPEN_BANK, 0, -1, 0, -1)
                told = True
            if s.banks[one]["pim_row"] == row:
                note(f, BOTH_BUFFERS, 0, -1, 0, -1)
            s.banks[one]["row"] = row
    elif action in (ACTIVATES_1, ACTIVATES_2):
        check_two_steps(now, code, r, b, row, tables, s, f)
    elif action in (READS, WRITES):
        told = False
        if kind["reach"] == HALF and row >= registers:
            first, end = b, b + 1
        for one in range(first, end, step):
            bank = s.banks[one]
            if told:
                pass
            elif bank["row"] < 0:
                note(f, CLOSED_BANK, 0, -1, 0, -1)
                told = True
            elif row >= 0 and row != bank["row"]:
                note(f, OTHER_ROW, bank["row"], -1, 0, -1)
                told = True
            if kind["closes"]:
                bank["row"] = CLOSED
    elif action in (PRECHARGES, REFRESHES):
        close(code, place, tables, s, f)


@njit
def check_pim(
    action: int, first: int, end: int, row: int, tables: Tables, s: State, f: Findings
) -> None:
    """Rows that a PIM opens, closes and reads, in a row buffer of its own or in the only one."""
    own = tables.device[0]["row_buffers"] == 2
    told = False
    for one in range(first, end):
        bank = s.banks[one]
        opened = bank["pim_row"] if own else bank["row"]
        if action == PIM_READS:
            if opened == CLOSED and not told:
                note(f, CLOSED_BANK, 0, -1, 0, one)
                told = True
            elif 0 <= row != opened and not told:
                note(f, OTHER_ROW, opened, -1, 0, one)
                told = True
            continue
        if action == PIM_PRECHARGES:
            bank["pim_row"] = CLOSED
            continue
        if opened != CLOSED and not told:
            note(f, OPEN_BANK, 0, -1, 0, one)
            told = True
        if own:
            if bank["row"] == row:
                note(f, BOTH_BUFFERS, 0, -1, 0, one)
            bank["pim_row"] = row
        else:
            bank["row"] = row


@njit
def check_two_steps(
    now: int, code: int, r: int, b: int, row: int, tables: Tables, s: State, f: Findings
) -> None:
    """ACT-2 follows ACT-1 of its bank in time, and no other ACT-1 goes between."""
    rank, bank = s.ranks[r], s.banks[b]
    limit = tables.device[0]["activate_within"]
    if code == ACT1:
        if rank["opening"] >= 0:
            note(f, ACT1_PENDING, 0, ACT1, rank["opening_at"], rank["opening"])
        elif bank["row"] != CLOSED:
            note(f, OPEN_BANK, 0, -1, 0, -1)
        bank["row"] = OPENING
        rank["opening"] = b
        rank["opening_at"] = now
        rank["opening_row"] = row
        return
    if rank["opening"] != b or (row >= 0 and row != rank["opening_row"]):
        note(f, NO_ACT1, 0, -1, 0, -1)
    elif now - rank["opening_at"] > limit:
        note(f, ACT2_LATE, limit, ACT1, rank["opening_at"], b)
    if bank["row"] < 0:
        bank["row"] = rank["opening_row"] if rank["opening"] == b else row
    if rank["opening"] == b:
        rank["opening"] = -1


@njit
def close(code: int, place: Any, tables: Tables, s: State, f: Findings) -> None:
    """A refresh wants its banks closed; a precharge closes what is open."""
    r, b = place[0], place[3]
    d = tables.device[0]
    kind = tables.kinds[code]
    first, last = addressed(code, place, tables)
    if kind["reach"] == EACH_GROUP:
        in_rank = d["stacks"] * d["groups"] * d["banks"]
        first, last = r * in_rank, (r + 1) * in_rank
    told = False
    for one in range(first, last):
        if kind["reach"] == EACH_GROUP and one % d["banks"] != b % d["banks"]:
            continue
        if kind["reach"] == HALF and one % 2 != b % 2:
            continue
        if s.banks[one]["row"] == OPENING:
            if not told:
                note(f, ACT1_PENDING, 0, ACT1, s.ranks[r]["opening_at"], one)
            told = True
            if s.ranks[r]["opening"] == one:
                s.ranks[r]["opening"] = -1
        elif kind["action"] == REFRESHES and max(s.banks[one]["row"], s.banks[one]["pim_row"]) >= 0:
            if not told:
                note(f, OPEN_AT_REFRESH, 0, -1, 0, one)
            told = True
            s.banks[one]["pim_row"] = CLOSED
        s.banks[one]["row"] = CLOSED
