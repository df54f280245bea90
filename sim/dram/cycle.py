"""One cycle of a channel: what it is offered, the refreshes that fall due, its commands."""

from sim.dram.channel import take
from sim.dram.picking import locate, restricted, when_at
from sim.dram.schedule import WAITING, schedule
from sim.dram.state import READS, WRITES
from sim.dram.tables import NEVER
from sim.jit import inlined, njit


@njit
def start_refresh(c, s, pending):
    """A refresh is due, of each node or of one bank of each."""
    first = s["refresh_bank"]
    while first < c["banks"]:
        pending[(s["pending_at"] + s["pending"]) % pending.shape[0]] = first
        s["pending"] += 1
        first += c["refresh_node"]
    s["refresh_bank"] = (s["refresh_bank"] + 1) % max(1, c["refresh_turns"])
    s["next_refresh"] += c["refresh_interval_cycles"]


@njit
def offer(c, s, commands, picks, entries, keys, banks, ready, latencies, finished, given):
    """Offer a request; whether it is taken."""
    kind = WRITES if given["write"] else READS
    at = s["counts"][kind]
    if not take(c, s, entries, keys, latencies, finished, given):
        return False
    if s["counts"][kind] > at and (kind == WRITES) == (s["draining"] == 1):
        locate(c, s, commands, entries, keys, banks, kind, at)
        for slot in range(c["slots"]):
            pick = picks[WAITING, slot]
            # A pick of the oldest alone stays, whatever comes.
            if not pick["stale"] and (at == 0 or not restricted(c, pick)):
                if c["cap_cycles"] < NEVER:
                    pick["until"] = s["oldest"][kind] + c["cap_cycles"]
                when = when_at(c, s, commands, ready, keys[slot, kind, at], s["now"])
                if when < pick["when"]:
                    pick["when"] = when
                    pick["entry"] = at
    elif s["counts"][kind] > at:
        locate(c, s, commands, entries, keys, banks, kind, at)
    return True


@inlined
def advance(c, s, commands, rules, picks, entries, keys, banks, ready, history, issued,
            latencies, pending, finished, log):  # fmt: skip
    """Go through cycle ``now``. Returns the next cycle at which something may happen unasked."""
    if s["now"] >= s["next_refresh"]:
        start_refresh(c, s, pending)
    future = schedule(c, s, commands, rules, picks, entries, keys, banks, ready, history,
                      issued, latencies, pending, finished, log)  # fmt: skip
    return min(future, s["next_refresh"])


@njit
def waiting(s):
    """Requests that have no column command yet."""
    count = 0
    for kind in range(s["counts"].shape[0]):
        count += s["counts"][kind]
    return count
