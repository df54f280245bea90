"""From requests to bursts, and from ended bursts to answers.

All bursts of a request are split off in the cycle in which it is seen; each waits for the channel
of its address and is offered to it from the next cycle on, one a cycle. A request is answered
when its last burst has ended; the reader takes the answers of a ring in the order in which their
ends were known.
"""

from sim.contract import UNITS_PER_CORE, edge_at_or_after, wake
from sim.dram.front_state import NONE
from sim.dram.places import CHANNEL, COLUMN, ROW, place
from sim.jit import njit
from sim.memory import INTERFACES_MAX


@njit
def take_request(f, layout, slices, parts, transfers, bursts, lanes, ring, item, cycle):
    """Split a request that a ring holds."""
    tag = f["free_transfer"]
    transfer = transfers[tag]
    f["free_transfer"] = transfer["next"]
    f["open"] += 1
    f["requests"] += 1
    write = (ring // INTERFACES_MAX) & 1
    if write:
        f["write_bytes"] += item["bytes"]
    else:
        f["read_bytes"] += item["bytes"]
    transfer["ring"] = ring
    transfer["command"] = item["command"]
    transfer["bytes"] = item["bytes"]
    transfer["latest"] = 0
    size = layout["burst_bytes"]
    first = item["address"] // size
    last = (item["address"] + item["bytes"] - 1) // size
    transfer["left"] = last - first + 1
    for number in range(first, last + 1):
        at = f["free_burst"]
        if at == NONE:
            at = f["used_bursts"]
            f["used_bursts"] += 1
        else:
            f["free_burst"] = bursts[at]["next"]
        burst = bursts[at]
        burst["bank"] = place(layout, slices, number, parts)
        burst["channel"] = parts[CHANNEL]
        burst["row"] = parts[ROW]
        burst["column"] = parts[COLUMN]
        burst["address"] = number
        burst["write"] = write
        burst["tag"] = tag
        burst["cycle"] = cycle
        burst["next"] = NONE
        if f["in_order"]:
            if f["head"] == NONE:
                f["head"] = at
            else:
                bursts[f["tail"]]["next"] = at
            f["tail"] = at
        else:
            queue(bursts, lanes[burst["channel"]], at, cycle)


@njit
def queue(bursts, lane, at, cycle):
    """Put a burst behind those that wait for a channel."""
    if lane["head"] == NONE:
        lane["head"] = at
        lane["due"] = min(lane["due"], cycle + 1)
    else:
        bursts[lane["tail"]]["next"] = at
    lane["tail"] = at


@njit
def hand_on(f, bursts, lanes, cycle):
    """Let bursts go to their channels in order, as far as each channel's one place is free;
    whether one has."""
    moved = False
    while f["head"] != NONE:
        at = f["head"]
        lane = lanes[bursts[at]["channel"]]
        if lane["head"] != NONE:
            break
        f["head"] = bursts[at]["next"]
        bursts[at]["next"] = NONE
        bursts[at]["cycle"] = cycle
        queue(bursts, lane, at, cycle)
        moved = True
    return moved


@njit
def drop_first(f, bursts, lane):
    """A channel has taken the first burst that waited for it."""
    at = lane["head"]
    lane["head"] = bursts[at]["next"]
    bursts[at]["next"] = f["free_burst"]
    f["free_burst"] = at


@njit
def end_burst(f, units, unit, transfers, tag, cycle, responses, response_ends, now, period):
    """A burst ends at ``cycle``, which may be yet to come; its request is answered if it was the
    last."""
    transfer = transfers[tag]
    transfer["left"] -= 1
    transfer["latest"] = max(transfer["latest"], cycle)
    if transfer["left"] > 0:
        return
    ring = transfer["ring"]
    buffer = ring // INTERFACES_MAX // 2 * UNITS_PER_CORE + 1
    visible = max(now + period, (transfer["latest"] + f["latency"]) * period)
    reader_period = units[buffer]["period"]
    if reader_period != period:
        visible = edge_at_or_after(visible, reader_period)
        visible += units[buffer]["synchroniser"] * reader_period
    tail = response_ends[ring, 1]
    mask = responses.shape[1] - 1
    answer = responses[ring, tail & mask]
    answer["visible"] = visible
    answer["bytes"] = transfer["bytes"]
    answer["command"] = transfer["command"]
    response_ends[ring, 1] = tail + 1
    transfer["next"] = f["free_transfer"]
    f["free_transfer"] = tag
    f["open"] -= 1
    wake(units, buffer, visible)
