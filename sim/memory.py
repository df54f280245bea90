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
    arrival,
    charge,
    edge_at_or_after,
    wake,
)
from sim.jit import njit

INTERFACES_MAX = 3

RING_ITEM = np.dtype(
    [
        ("visible", np.int64),  # tick from which the reader sees it
        ("bytes", np.int64),
        ("command", np.int64),
    ]
)

MEMORY_STATE = np.dtype(
    [
        ("interfaces", np.int64),  # 1 shared, or one an operand
        ("requesters", np.int64),  # rings an interface looks at: two a core
        ("latency", np.int64),  # cycles
        ("bytes_per_cycle", np.int64, INTERFACES_MAX),
        ("free_at", np.int64, INTERFACES_MAX),  # tick at which the interface is free
        ("turn", np.int64, INTERFACES_MAX),  # requester that is asked first
        ("read_bytes", np.int64, INTERFACES_MAX),
        ("write_bytes", np.int64, INTERFACES_MAX),
        ("requests", np.int64),  # served
    ]
)


@njit
def ring_of(core, engine, interface):
    """Index of the ring between an engine (0 load, 1 store) and an interface."""
    return (core * 2 + engine) * INTERFACES_MAX + interface


@njit
def step_memory(
    units, unit, now, memories, accounts, ticks_by_cause, requests, request_ends, responses,
    response_ends,
):  # fmt: skip
    """Let each free interface take the next request, round robin over requesters."""
    s = memories[units[unit]["index"]]
    period = units[unit]["period"]
    capacity = requests.shape[1]
    due = NEVER
    for interface in range(s["interfaces"]):
        if s["free_at"][interface] <= now:
            for offset in range(s["requesters"]):
                requester = (s["turn"][interface] + offset) % s["requesters"]
                core = requester // 2
                engine = requester % 2
                ring = ring_of(core, engine, interface)
                head = request_ends[ring, 0]
                if head == request_ends[ring, 1]:
                    continue
                item = requests[ring, head % capacity]
                if item["visible"] > now:
                    continue
                request_ends[ring, 0] = head + 1
                size = item["bytes"]
                bandwidth = s["bytes_per_cycle"][interface]
                free_at = now + (size + bandwidth - 1) // bandwidth * period
                s["free_at"][interface] = free_at
                s["turn"][interface] = (requester + 1) % s["requesters"]
                s["requests"] += 1
                answered = free_at
                if engine == 0:
                    answered += s["latency"] * period
                    s["read_bytes"][interface] += size
                else:
                    s["write_bytes"][interface] += size
                buffer = core * 3 + 1
                visible = arrival(
                    answered - 1, period, units[buffer]["period"], units[buffer]["synchroniser"]
                )
                tail = response_ends[ring, 1]
                answer = responses[ring, tail % capacity]
                answer["visible"] = visible
                answer["bytes"] = size
                answer["command"] = item["command"]
                response_ends[ring, 1] = tail + 1
                wake(units, buffer, visible)
                break
        free_at = s["free_at"][interface]
        why = IDLE
        if free_at > now:
            why = BUSY_TRANSFER
            due = min(due, free_at)
        else:
            for requester in range(s["requesters"]):
                ring = ring_of(requester // 2, requester % 2, interface)
                head = request_ends[ring, 0]
                if head != request_ends[ring, 1]:
                    seen = requests[ring, head % capacity]["visible"]
                    due = min(due, edge_at_or_after(max(seen, now + 1), period))
        charge(accounts, ticks_by_cause, units[unit]["first_account"] + interface, why, now)
    return due
