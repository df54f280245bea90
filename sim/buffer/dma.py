"""The buffer's step: ports are shared out, bursts move, requests are issued.

Each of the two engines issues at most one request a cycle, has at most ``outstanding`` in
flight, and moves one burst at a time through a scratchpad's ports: the load engine writes what
the memory has answered, the store engine reads what it then sends. Where both want the same
scratchpad the load comes first. A completion frees its place in the cycle in which it is seen.
"""

import numpy as np

from sim.buffer.ports import DEMAND_RING, PADS_MAX, cycles_until_free, free_since_start
from sim.contract import (
    BUSY_TRANSFER,
    IDLE,
    NEVER,
    STALL_MEMORY,
    STALL_PORTS,
    arrival,
    cause_of_waiting,
    charge,
    finish,
    first_missing,
    seen_at,
    wake,
)
from sim.jit import njit
from sim.memory import INTERFACES_MAX, ring_of

LOAD, STORE = 0, 1

ENGINE = np.dtype(
    [
        ("head", np.int64),  # position in the queue of the command that issues
        ("queue_end", np.int64),
        ("issued_bytes", np.int64),  # of that command
        ("in_flight", np.int64),  # requests that hold a place
        ("issue_at", np.int64),  # tick from which the next request may be issued
        ("job_command", np.int64),  # whose burst uses the ports, -1 for none
        ("job_bytes", np.int64),
        ("job_pad", np.int64),
        ("job_accesses", np.int64),  # left to serve
        ("requests", np.int64),  # count issued
    ]
)

BUFFER_STATE = np.dtype(
    [
        ("pads", np.int64),
        ("accesses_per_cycle", np.int64, PADS_MAX),
        ("width_bytes", np.int64, PADS_MAX),
        ("pad_of_operand", np.int64, 3),
        ("separate", np.int64),  # 1: the memory has an interface an operand
        ("request_bytes", np.int64),
        ("outstanding", np.int64),
        ("memory_unit", np.int64),
        ("served_until", np.int64),  # tick up to which port use is settled
        ("demand_head", np.int64),  # next change of demand to take over
        ("demand_at", np.int64),  # the array's demand now: since when
        ("advance_cycles", np.int64),
        ("demand", np.int64, PADS_MAX),
        ("fill_bytes", np.int64, PADS_MAX),  # count written by loads
        ("drain_bytes", np.int64, PADS_MAX),  # count read by stores
    ]
)


@njit
def serve(s, engines, core, start, end, period):
    """Give the free accesses of ``[start, end)`` ticks to the engines' bursts."""
    for pad in range(s["pads"]):
        load = engines[core, LOAD]
        store = engines[core, STORE]
        load_here = load["job_command"] >= 0 and load["job_pad"] == pad
        store_here = store["job_command"] >= 0 and store["job_pad"] == pad
        if not (load_here or store_here):
            continue
        capacity = s["accesses_per_cycle"][pad]
        accesses = s["demand"][pad]
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
def settle(s, engines, core, demands, demand_tail, now, period):
    """Account for port use up to ``now``, change of demand by change of demand."""
    while s["demand_head"] < demand_tail:
        change = demands[core, s["demand_head"] % DEMAND_RING]
        if change["at"] >= now:
            break
        serve(s, engines, core, s["served_until"], change["at"], period)
        s["served_until"] = change["at"]
        s["demand_at"] = change["at"]
        s["advance_cycles"] = change["advance_cycles"]
        for pad in range(PADS_MAX):
            s["demand"][pad] = change["accesses"][pad]
        s["demand_head"] += 1
    serve(s, engines, core, s["served_until"], now, period)
    s["served_until"] = now


@njit
def served_at(s, engines, core, engine, now, period):
    """Tick at which an engine's burst has been served if nothing changes."""
    e = engines[core, engine]
    pad = e["job_pad"]
    wanted = e["job_accesses"]
    load = engines[core, LOAD]
    if engine == STORE and load["job_command"] >= 0 and load["job_pad"] == pad:
        wanted += load["job_accesses"]
    cycles = cycles_until_free(
        s["accesses_per_cycle"][pad],
        s["demand"][pad],
        s["advance_cycles"],
        (now - s["demand_at"]) // period,
        wanted,
    )
    if cycles >= NEVER:
        return NEVER
    return s["demand_at"] + cycles * period


@njit
def starved(s, engines, core, engine):
    """Whether a burst gets no access at all while nothing changes."""
    pad = engines[core, engine]["job_pad"]
    load = engines[core, LOAD]
    if engine == STORE and load["job_command"] >= 0 and load["job_pad"] == pad:
        return True
    return s["advance_cycles"] * s["accesses_per_cycle"][pad] <= s["demand"][pad]


@njit
def begin_job(s, e, command, size, pad):
    """Put a burst in front of the ports."""
    e["job_command"] = command
    e["job_bytes"] = size
    e["job_pad"] = pad
    width = s["width_bytes"][pad]
    e["job_accesses"] = (size + width - 1) // width


@njit
def next_request_bytes(s, e, commands, command):
    """Size of the next request of a command; it ends with its segment."""
    segment = commands[command]["segment_bytes"]
    left = min(commands[command]["bytes"] - e["issued_bytes"], s["request_bytes"])
    return min(left, segment - e["issued_bytes"] % segment)


@njit
def took_bytes(units, unit, runtime, command, size, now):
    """Count bytes of a command as moved; the last ones finish it."""
    runtime[command]["left_bytes"] -= size
    if runtime[command]["left_bytes"] == 0:
        finish(units, runtime, unit, command, now)


@njit
def earliest_response(s, responses, response_ends, core, engine):
    """Ring whose next response is the first to be seen, -1 if there is none."""
    best = -1
    seen = NEVER
    capacity = responses.shape[1]
    for interface in range(INTERFACES_MAX if s["separate"] else 1):
        ring = ring_of(core, engine, interface)
        head = response_ends[ring, 0]
        if head < response_ends[ring, 1] and responses[ring, head % capacity]["visible"] < seen:
            seen = responses[ring, head % capacity]["visible"]
            best = ring
    return best


@njit
def send(s, e, units, unit, core, engine, commands, command, size, requests, request_ends, now):
    """Push a request; it is seen in the next cycle of the memory."""
    memory = s["memory_unit"]
    interface = 0
    if s["separate"]:
        interface = commands[command]["operand"]
    ring = ring_of(core, engine, interface)
    tail = request_ends[ring, 1]
    item = requests[ring, tail % requests.shape[1]]
    visible = arrival(
        now, units[unit]["period"], units[memory]["period"], units[memory]["synchroniser"]
    )
    item["visible"] = visible
    item["bytes"] = size
    item["command"] = command
    request_ends[ring, 1] = tail + 1
    e["in_flight"] += 1
    e["requests"] += 1
    wake(units, memory, visible)


@njit
def step_buffer(
    units, unit, now, buffers, engines, demands, demand_tails, accounts, ticks_by_cause, commands,
    dependencies, runtime, queue, requests, request_ends, responses, response_ends,
):  # fmt: skip
    """Settle port use, retire bursts, start bursts, issue requests."""
    core = units[unit]["index"]
    period = units[unit]["period"]
    s = buffers[core]
    settle(s, engines, core, demands, demand_tails[core], now, period)
    capacity = responses.shape[1]
    due = NEVER
    for engine in range(2):
        e = engines[core, engine]
        if e["job_command"] >= 0 and e["job_accesses"] == 0:
            if engine == LOAD:
                s["fill_bytes"][e["job_pad"]] += e["job_bytes"]
                e["in_flight"] -= 1
                took_bytes(units, unit, runtime, e["job_command"], e["job_bytes"], now)
            else:
                s["drain_bytes"][e["job_pad"]] += e["job_bytes"]
                send(s, e, units, unit, core, engine, commands, e["job_command"], e["job_bytes"],
                     requests, request_ends, now)  # fmt: skip
            e["job_command"] = -1
        ring = earliest_response(s, responses, response_ends, core, engine)
        while ring >= 0 and responses[ring, response_ends[ring, 0] % capacity]["visible"] <= now:
            item = responses[ring, response_ends[ring, 0] % capacity]
            if engine == LOAD:
                if e["job_command"] >= 0:
                    break
                pad = s["pad_of_operand"][commands[item["command"]]["operand"]]
                begin_job(s, e, item["command"], item["bytes"], pad)
            else:
                e["in_flight"] -= 1
                took_bytes(units, unit, runtime, item["command"], item["bytes"], now)
            response_ends[ring, 0] += 1
            ring = earliest_response(s, responses, response_ends, core, engine)
        missing = -1
        waiting = False
        if e["head"] < e["queue_end"]:
            command = queue[e["head"]]
            waiting = True
            if e["issued_bytes"] == 0:
                missing = first_missing(units, commands, dependencies, runtime, unit, command, now)
            room = e["in_flight"] < s["outstanding"]
            if engine == STORE:
                room = room and e["job_command"] < 0
            if missing < 0 and room and e["issue_at"] <= now:
                size = next_request_bytes(s, e, commands, command)
                if e["issued_bytes"] == 0:
                    runtime[command]["start"] = now
                    runtime[command]["left_bytes"] = commands[command]["bytes"]
                if engine == LOAD:
                    send(s, e, units, unit, core, engine, commands, command, size, requests,
                         request_ends, now)  # fmt: skip
                else:
                    pad = s["pad_of_operand"][commands[command]["operand"]]
                    begin_job(s, e, command, size, pad)
                e["issued_bytes"] += size
                e["issue_at"] = now + period
                if e["issued_bytes"] == commands[command]["bytes"]:
                    e["head"] += 1
                    e["issued_bytes"] = 0
            if missing < 0 and (engine == STORE or e["in_flight"] < s["outstanding"]):
                if e["head"] < e["queue_end"] and (engine == LOAD or e["job_command"] < 0):
                    due = min(due, max(e["issue_at"], now + period))
        if missing >= 0:
            due = min(due, seen_at(units, runtime, unit, missing))
        if e["job_command"] < 0 and ring >= 0:
            seen = responses[ring, response_ends[ring, 0] % capacity]["visible"]
            due = min(due, seen)
        elif engine == STORE and ring >= 0:
            due = min(due, responses[ring, response_ends[ring, 0] % capacity]["visible"])
        why = IDLE
        if e["job_command"] >= 0:
            why = BUSY_TRANSFER
            if starved(s, engines, core, engine):
                why = STALL_PORTS
        elif e["in_flight"] > 0:
            why = STALL_MEMORY
        elif waiting and missing >= 0:
            why = cause_of_waiting(commands, missing)
        elif waiting:
            why = BUSY_TRANSFER
        charge(accounts, ticks_by_cause, units[unit]["first_account"] + engine, why, now)
    for engine in range(2):
        e = engines[core, engine]
        if e["job_command"] >= 0:
            due = min(due, served_at(s, engines, core, engine, now, period))
    return due
