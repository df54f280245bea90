"""The buffer's step: ports are shared out, bursts move, requests are issued.

Each of the two engines issues at most one request a cycle, has at most ``outstanding`` in
flight, and moves one burst at a time through a scratchpad's ports: the load engine writes what
the memory has answered, the store engine reads what it then sends. Where both want the same
scratchpad the load comes first. A completion frees its place in the cycle in which it is seen.
"""

from sim.buffer.arbiter import begin_job, served_at, settle, starved
from sim.buffer.state import LOAD, STORE
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


@njit
def next_request_bytes(s, e, commands, command):
    """Size of the next request of a command; it ends with its segment."""
    segment = commands[command]["segment_bytes"]
    left = min(commands[command]["bytes"] - e["issued_bytes"], s["request_bytes"])
    return min(left, segment - e["issued_bytes"] % segment)


@njit
def next_request_address(e, commands, runtime, command):
    """First byte of the next request of a command."""
    segment = commands[command]["segment_bytes"]
    whole = e["issued_bytes"] // segment
    inside = e["issued_bytes"] - whole * segment
    return runtime[command]["address"] + whole * commands[command]["stride_bytes"] + inside


@njit
def took_bytes(units, unit, runtime, command, size, at):
    """Count bytes of a command as moved; the last ones finish it, at a tick that may be yet to
    come."""
    runtime[command]["left_bytes"] -= size
    if runtime[command]["left_bytes"] == 0:
        finish(units, runtime, unit, command, at)


@njit
def earliest_response(s, responses, response_ends, core, engine):
    """Ring whose next response is the first to be seen, -1 if there is none."""
    best = -1
    seen = NEVER
    mask = responses.shape[1] - 1
    for interface in range(INTERFACES_MAX if s["separate"] else 1):
        ring = ring_of(core, engine, interface)
        head = response_ends[ring, 0]
        if head < response_ends[ring, 1] and responses[ring, head & mask]["visible"] < seen:
            seen = responses[ring, head & mask]["visible"]
            best = ring
    return best


@njit
def send(
    s, e, units, unit, core, engine, runtime, command, address, size, requests, request_ends, now
):  # fmt: skip
    """Push a request; it is seen in the next cycle of the memory."""
    memory = s["memory_unit"]
    ring = ring_of(core, engine, runtime[command]["interface"])
    tail = request_ends[ring, 1]
    item = requests[ring, tail & (requests.shape[1] - 1)]
    visible = arrival(
        now, units[unit]["period"], units[memory]["period"], units[memory]["synchroniser"]
    )
    item["visible"] = visible
    item["address"] = address
    item["bytes"] = size
    item["command"] = command
    request_ends[ring, 1] = tail + 1
    e["in_flight"] += 1
    e["requests"] += 1
    wake(units, memory, visible)


@njit
def retire(s, pads, e, units, unit, core, engine, runtime, requests, request_ends, now):
    """End a burst that has been served: a load's bytes are there, a store's go to memory."""
    command = e["job_command"]
    size = e["job_bytes"]
    if engine == LOAD:
        pads[core, e["job_pad"]]["fill_bytes"] += size
        e["in_flight"] -= 1
        usable = now + s["load_to_use"] * units[unit]["period"]
        took_bytes(units, unit, runtime, command, size, usable)
    else:
        pads[core, e["job_pad"]]["drain_bytes"] += size
        send(
            s, e, units, unit, core, engine, runtime, command, e["job_address"], size, requests,
            request_ends, now,
        )  # fmt: skip
    e["job_command"] = -1


@njit
def receive(s, pads, e, units, unit, core, engine, runtime, responses, response_ends, now):
    """Take what the memory has answered: a load's burst goes to the ports, one at a time; a
    store's acknowledgements end it. Return the tick at which the next one is to be taken."""
    mask = responses.shape[1] - 1
    ring = earliest_response(s, responses, response_ends, core, engine)
    while ring >= 0:
        if engine == LOAD and e["job_command"] >= 0:
            return NEVER
        item = responses[ring, response_ends[ring, 0] & mask]
        if item["visible"] > now:
            return item["visible"]
        if engine == LOAD:
            command = item["command"]
            begin_job(pads, core, e, command, item["bytes"], runtime[command]["pad"])
        else:
            e["in_flight"] -= 1
            took_bytes(units, unit, runtime, item["command"], item["bytes"], now)
        response_ends[ring, 0] += 1
        ring = earliest_response(s, responses, response_ends, core, engine)
    return NEVER


@njit
def has_room(s, e, engine):
    """Whether a request may be issued as far as places and ports go."""
    if engine == STORE and e["job_command"] >= 0:
        return False
    return e["in_flight"] < s["outstanding"]


@njit
def issue(
    s, pads, e, units, unit, core, engine, commands, runtime, command, requests, request_ends, now
):  # fmt: skip
    """Issue a command's next request; a store reads its scratchpad first."""
    size = next_request_bytes(s, e, commands, command)
    if e["issued_bytes"] == 0:
        runtime[command]["start"] = now
    address = next_request_address(e, commands, runtime, command)
    if engine == LOAD:
        send(
            s, e, units, unit, core, engine, runtime, command, address, size, requests,
            request_ends, now,
        )  # fmt: skip
    else:
        begin_job(pads, core, e, command, size, runtime[command]["pad"])
        e["job_address"] = address
    e["issued_bytes"] += size
    e["issue_at"] = now + units[unit]["period"]
    if e["issued_bytes"] == commands[command]["bytes"]:
        if e["on_side"]:
            e["side_head"] += 1
        else:
            e["head"] += 1
        e["issued_bytes"] = 0
        e["on_side"] = 0


@njit
def has_commands(e):
    """Whether there are commands that have not been issued to their end."""
    return e["head"] < e["queue_end"] or e["side_head"] < e["side_end"]


@njit
def cause(s, pads, engines, core, engine, commands, missing):
    """What an engine does from here on."""
    e = engines[core, engine]
    if e["job_command"] >= 0:
        return STALL_PORTS if starved(s, pads, engines, core, engine) else BUSY_TRANSFER
    if e["in_flight"] > 0:
        return STALL_MEMORY
    if missing >= 0:
        return cause_of_waiting(commands, missing)
    return BUSY_TRANSFER if has_commands(e) else IDLE


@njit
def step_buffer(
    units, unit, now, buffers, pads, engines, demands, demand_tails, accounts, ticks_by_cause,
    commands, dependencies, runtime, queue, requests, request_ends, responses, response_ends,
):  # fmt: skip
    """Settle port use; then each engine retires, receives and issues."""
    core = units[unit]["index"]
    period = units[unit]["period"]
    s = buffers[core]
    settle(s, pads, engines, core, demands, demand_tails[core], now, period)
    due = NEVER
    for engine in range(2):
        e = engines[core, engine]
        if e["job_command"] >= 0 and e["job_accesses"] == 0:
            retire(s, pads, e, units, unit, core, engine, runtime, requests, request_ends, now)
        answer = receive(
            s, pads, e, units, unit, core, engine, runtime, responses, response_ends, now
        )
        due = min(due, answer)
        missing, command, on_side = -1, -1, 0
        if e["issued_bytes"] > 0:
            on_side = e["on_side"]
            command = queue[e["side_head"] if on_side else e["head"]]
        elif e["side_head"] < e["side_end"]:
            on_side, command = 1, queue[e["side_head"]]
            missing = first_missing(units, commands, dependencies, runtime, unit, command, now)
            if missing >= 0:
                command = -1
                due = min(due, seen_at(units, runtime, unit, missing))
        if command < 0 and e["head"] < e["queue_end"]:
            on_side, command = 0, queue[e["head"]]
            missing = first_missing(units, commands, dependencies, runtime, unit, command, now)
            if missing >= 0:
                command = -1
                due = min(due, seen_at(units, runtime, unit, missing))
        if command >= 0 and has_room(s, e, engine):
            if e["issue_at"] <= now:
                e["on_side"] = on_side
                issue(
                    s, pads, e, units, unit, core, engine, commands, runtime, command, requests,
                    request_ends, now,
                )  # fmt: skip
            if has_commands(e) and has_room(s, e, engine):
                due = min(due, e["issue_at"])
        why = cause(s, pads, engines, core, engine, commands, missing)
        charge(accounts, ticks_by_cause, units[unit]["first_account"] + engine, why, now)
    for engine in range(2):
        if engines[core, engine]["job_command"] >= 0:
            due = min(due, served_at(s, pads, engines, core, engine, now, period))
    return due
