"""Sharing out the ports that the array leaves free: loads first, then stores."""

from sim.buffer.ports import DEMAND_RING, PADS_MAX, cycles_until_free, free_since_start
from sim.buffer.state import LOAD, STORE
from sim.contract import NEVER
from sim.jit import njit


@njit
def serve(s, pads, engines, core, start, end, period):
    """Give the free accesses of ``[start, end)`` ticks to the engines' bursts."""
    for pad in range(s["pads"]):
        load = engines[core, LOAD]
        store = engines[core, STORE]
        load_here = load["job_command"] >= 0 and load["job_pad"] == pad
        store_here = store["job_command"] >= 0 and store["job_pad"] == pad
        if not (load_here or store_here):
            continue
        capacity = pads[core, pad]["accesses_per_cycle"]
        accesses = pads[core, pad]["demand"]
        if accesses == 0:
            free = (end - start) // period * capacity
        else:
            advance = s["advance_cycles"]
            begin = (start - s["demand_at"]) // period
            free = free_since_start(capacity, accesses, advance, (end - s["demand_at"]) // period)
            free -= free_since_start(capacity, accesses, advance, begin)
        if load_here:
            taken = min(free, load["job_accesses"])
            load["job_accesses"] -= taken
            free -= taken
        if store_here:
            store["job_accesses"] -= min(free, store["job_accesses"])


@njit
def settle(s, pads, engines, core, demands, demand_tail, now, period):
    """Account for port use up to ``now``, change of demand by change of demand."""
    while s["demand_head"] < demand_tail:
        change = demands[core, s["demand_head"] % DEMAND_RING]
        if change["at"] >= now:
            break
        serve(s, pads, engines, core, s["served_until"], change["at"], period)
        s["served_until"] = change["at"]
        s["demand_at"] = change["at"]
        s["advance_cycles"] = change["advance_cycles"]
        for pad in range(PADS_MAX):
            pads[core, pad]["demand"] = change["accesses"][pad]
        s["demand_head"] += 1
    serve(s, pads, engines, core, s["served_until"], now, period)
    s["served_until"] = now


@njit
def served_at(s, pads, engines, core, engine, now, period):
    """Tick at which an engine's burst has been served if nothing changes."""
    e = engines[core, engine]
    pad = e["job_pad"]
    wanted = e["job_accesses"]
    load = engines[core, LOAD]
    if engine == STORE and load["job_command"] >= 0 and load["job_pad"] == pad:
        wanted += load["job_accesses"]
    capacity = pads[core, pad]["accesses_per_cycle"]
    accesses = pads[core, pad]["demand"]
    if accesses == 0:
        return now + (wanted + capacity - 1) // capacity * period
    since = (now - s["demand_at"]) // period
    cycles = cycles_until_free(capacity, accesses, s["advance_cycles"], since, wanted)
    if cycles >= NEVER:
        return NEVER
    return s["demand_at"] + cycles * period


@njit
def starved(s, pads, engines, core, engine):
    """Whether a burst gets no access at all while nothing changes."""
    pad = engines[core, engine]["job_pad"]
    load = engines[core, LOAD]
    if engine == STORE and load["job_command"] >= 0 and load["job_pad"] == pad:
        return True
    free = s["advance_cycles"] * pads[core, pad]["accesses_per_cycle"]
    return free <= pads[core, pad]["demand"]


@njit
def begin_job(pads, core, e, command, size, pad):
    """Put a burst in front of the ports."""
    e["job_command"] = command
    e["job_bytes"] = size
    e["job_pad"] = pad
    width = pads[core, pad]["width_bytes"]
    e["job_accesses"] = (size + width - 1) // width
