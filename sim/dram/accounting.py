"""What a channel does in each cycle, for accounts.

A column command keeps the data pins busy for a burst. A cycle in which they are not is charged to
what holds up the command that may come first.
"""

from sim.contract import (
    BUSY_TRANSFER,
    IDLE,
    NEVER,
    STALL_BUS,
    STALL_REFRESH,
    STALL_ROW,
    charge,
)
from sim.dram.schedule import OWN, WAITING, refresh_comes_first
from sim.dram.state import ACTIVATED, ACTIVATING, COLUMNS, READS, WRITES
from sim.dram.tables import READ, REFRESH, WRITE
from sim.jit import njit


@njit
def cause(c, s, commands, picks, keys, entries, banks):
    """Why no data move from here on."""
    if s["last_command"] == s["now"]:
        # Picks are to be made anew; if data move they are counted first.
        return STALL_REFRESH if s["last_action"] == REFRESH else STALL_ROW
    if s["sync_command"] >= 0:
        return STALL_BUS
    when, why = NEVER, IDLE
    if s["counts"][ACTIVATED] > 0:
        when, why = picks[OWN, COLUMNS]["when"], STALL_ROW
    if s["counts"][ACTIVATING] > 0:
        return STALL_ROW
    if refresh_comes_first(c, s):
        return STALL_REFRESH if why == IDLE else why
    kind = WRITES if s["draining"] else READS
    if s["counts"][READS] + s["counts"][WRITES] > 0 and why == IDLE:
        why = STALL_ROW
    for slot in range(c["slots"]):
        pick = picks[WAITING, slot]
        if s["counts"][kind] > 0 and pick["entry"] >= 0 and pick["when"] < when:
            when = pick["when"]
            command = keys[slot, kind, pick["entry"]] // c["banks"]
            bank = entries[kind, pick["entry"]]["bank"]
            if commands[command]["action"] in (READ, WRITE):
                why = STALL_BUS
            elif banks[bank]["refreshed_at"] >= when:
                why = STALL_REFRESH
            else:
                why = STALL_ROW
    return why


@njit
def settle_channel(s, accounts, ticks_by_cause, row, now, period):
    """Account for the cycles up to ``now`` (tick)."""
    since = accounts[row]["since"]
    busy = max(0, min(s["data_until"] * period, now) - since)
    ticks_by_cause[row, BUSY_TRANSFER] += busy
    accounts[row]["since"] = since + busy
    charge(accounts, ticks_by_cause, row, accounts[row]["why"], now)
