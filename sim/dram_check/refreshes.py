"""The judge of refreshes: whether they come in time."""

from typing import Any

from sim.dram_check.banks import note
from sim.dram_check.state import NEVER, Findings, State
from sim.dram_check.tables import ALL, EACH_GROUP, REFRESH_DEBT, REFRESH_LATE, Tables
from sim.jit import njit


@njit
def check_refresh(now: int, b: int, tables: Tables, s: State, f: Findings) -> int:
    """Whether a bank's refresh has waited too long, and for how many; 1 if something is wrong."""
    d = tables.device[0]
    interval = d["refresh_interval"]
    bank = s.banks[b]
    since = bank["refreshed"]
    started = f.total[0]["started"]
    if bank["refreshes"] == 0 and since == NEVER:
        since = started
    if now - since > (d["postponed"] + 1) * interval:
        note(f, REFRESH_LATE, (d["postponed"] + 1) * interval, -1, since, b)
        return 1
    if (now - started) // interval - bank["refreshes"] > d["postponed"]:
        note(f, REFRESH_DEBT, d["postponed"], -1, since, b)
        return 1
    return 0


@njit
def refresh(now: int, b: int, tables: Tables, s: State, f: Findings) -> None:
    """Count a refresh; what comes too early counts for ``postponed`` intervals ahead at most."""
    d = tables.device[0]
    bank = s.banks[b]
    due = (now - f.total[0]["started"]) // d["refresh_interval"]
    bank["refreshed"] = now
    bank["refreshes"] = min(bank["refreshes"] + 1, due + d["postponed"])


@njit
def check_refreshes(now: int, code: int, place: Any, tables: Tables, s: State, f: Findings) -> None:
    """The refreshes of all banks that this one refreshes."""
    r, b = place[0], place[3]
    d = tables.device[0]
    in_rank = d["stacks"] * d["groups"] * d["banks"]
    reach = tables.kinds[code]["reach"]
    told = 0
    for bank in range(r * in_rank, (r + 1) * in_rank):
        same_number = bank % d["banks"] == b % d["banks"]
        if reach == ALL or bank == b or (reach == EACH_GROUP and same_number):
            if told == 0:
                told = check_refresh(now, bank, tables, s, f)
            refresh(now, bank, tables, s, f)
