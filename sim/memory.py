"""The memory unit: interfaces that serve requests in order, at a bandwidth and a latency.

A request of B bytes holds its interface for ``ceil(B / bytes_per_cycle)`` cycles. A read's data
are delivered ``latency`` cycles after that, a write is acknowledged at its end.

Requests and responses travel in single-producer rings. An item carries the tick from which its
reader may see it, so a push is never seen in the cycle that makes it; rings hold more items than
their producer can have in flight, so a push never waits.
"""

import numpy as np

from sim.contract import (
    BUSY_TRANSFER,
    IDLE,
    NEVER,
    UNITS_PER_CORE,
    charge,
    edge_at_or_after,
    wake,
)
from sim.jit import njit

INTERFACES_MAX = 3

RING_ITEM = np.dtype(
    [
        ("visible", np.int64),  # tick from which the reader sees it
        ("address", np.int64),  # of requests: the first byte
        ("bytes", np.int64),
        ("command", np.int64),
    ]
)

MEMORY_STATE = np.dtype(
    [
        ("interfaces", np.int64),  # 1 shared, or one an operand
        ("requesters", np.int64),  # rings an interface looks at: two a core
        ("latency", np.int64),  # cycles
        ("requests", np.int64),  # count served
    ]
)

INTERFACE = np.dtype(
    [
        ("bytes_per_cycle", np.int64),
        ("free_at", np.int64),  # tick at which it is free
        ("turn", np.int64),  # requester that is asked first
        ("read_bytes", np.int64),  # counts
        ("write_bytes", np.int64),
    ]
)


@njit
def ring_of(core, engine, interface):
    """Index of the ring between an engine (0 load, 1 store) and an interface."""
    return (core * 2 + engine) * INTERFACES_MAX + interface


@njit
def serve_request(
    units, unit, now, s, interface, index, requester, item, responses, response_ends
):  # fmt: skip
    """Hold the interface for a request's data, and answer when they have crossed it."""
    core = requester // 2
    engine = requester % 2
    period = units[unit]["period"]
    size = item["bytes"]
    bandwidth = interface["bytes_per_cycle"]
    answered = now + (size + bandwidth - 1) // bandwidth * period
    interface["free_at"] = answered
    interface["turn"] = requester + 1 if requester + 1 < s["requesters"] else 0
    s["requests"] += 1
    if engine == 0:
        answered += s["latency"] * period
        interface["read_bytes"] += size
    else:
        interface["write_bytes"] += size
    buffer = core * UNITS_PER_CORE + 1
    visible = answered
    reader_period = units[buffer]["period"]
    if reader_period != period:
        visible = edge_at_or_after(answered, reader_period)
        visible += units[buffer]["synchroniser"] * reader_period
    ring = ring_of(core, engine, index)
    tail = response_ends[ring, 1]
    answer = responses[ring, tail & (responses.shape[1] - 1)]
    answer["visible"] = visible
    answer["bytes"] = size
    answer["command"] = item["command"]
    response_ends[ring, 1] = tail + 1
    wake(units, buffer, visible)


@njit
def step_memory(
    units, unit, now, memories, interfaces, accounts, ticks_by_cause, requests, request_ends,
    responses, response_ends,
):  # fmt: skip
    """Let each free interface take the next request, round robin over requesters."""
    s = memories[0]
    mask = requests.shape[1] - 1
    due = NEVER
    for index in range(s["interfaces"]):
        interface = interfaces[index]
        first_seen = NEVER
        if interface["free_at"] <= now:
            requester = interface["turn"]
            for _ in range(s["requesters"]):
                ring = ring_of(requester // 2, requester % 2, index)
                head = request_ends[ring, 0]
                if head != request_ends[ring, 1]:
                    item = requests[ring, head & mask]
                    if item["visible"] <= now:
                        request_ends[ring, 0] = head + 1
                        serve_request(
                            units, unit, now, s, interface, index, requester, item, responses,
                            response_ends,
                        )  # fmt: skip
                        break
                    first_seen = min(first_seen, item["visible"])
                requester += 1
                if requester == s["requesters"]:
                    requester = 0
        why = IDLE
        if interface["free_at"] > now:
            why = BUSY_TRANSFER
            due = min(due, interface["free_at"])
        else:
            due = min(due, first_seen)
        charge(accounts, ticks_by_cause, units[unit]["first_account"] + index, why, now)
    return due
