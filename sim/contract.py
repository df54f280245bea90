"""What every unit's step shares with the engine: time, wakes, commands, accounting.

The rules are in docs/house.md. Time is in ticks; a unit steps on the edges of its own clock,
which are the multiples of its period.
"""

import numpy as np

from arch.commands import (
    OP_LINK,
    OP_LOAD,
    OP_MATMUL,
    OP_PIM,
    OP_STORE,
    OPERAND_FILTER,
    OPERAND_IFMAP,
)
from sim.jit import njit

NEVER = np.int64(2**62)

KIND_ARRAY, KIND_BUFFER, KIND_MEMORY, KIND_VECTOR, KIND_DRAM, KIND_JOINT, KIND_LINK = range(7)

UNIT = np.dtype(
    [
        ("kind", np.int64),  # KIND_...
        ("index", np.int64),  # in the state array of its kind; of a core's units, the core
        ("period", np.int64),  # ticks from edge to edge
        ("synchroniser", np.int64),  # edges that a signal from another clock takes longer
        ("first_account", np.int64),  # row of its first account
        ("due", np.int64),  # tick of its next step, NEVER if only a wake can cause one
        ("later", np.int64),  # what was due when a trace was loaded, which steps all at once
        ("housekeeping", np.int64),  # 1: that step alone does not bring the work on
        ("woken_from", np.int64),  # units that may wait for its commands:
        ("woken_until", np.int64),  # those before this one
    ]
)

ACCOUNT = np.dtype(
    [
        ("since", np.int64),  # tick up to which it is charged
        ("why", np.int64),  # cause that holds from there on
    ]
)

CAUSES = (
    "idle",
    "busy.stream",  # array: operands enter
    "busy.load",  # array: the stationary operand enters and nothing streams
    "busy.drain",  # array: results leave, nothing enters, and no operand is waited for
    "busy.transfer",  # DMA, memory, link: data move
    "busy.compute",  # vector
    "stall.ports",  # scratchpad ports serve somebody else, or too few for one cycle's demand
    "stall.memory",  # DMA: requests are in flight and none has been answered
    "stall.ifmap",  # waits for a load of this operand
    "stall.filter",
    "stall.ofmap",
    "stall.store",  # waits for a store to free a slot
    "stall.array",  # waits for the array to finish a tile
    "stall.vector",  # waits for the vector unit
    "stall.queue",  # DRAM: a burst waits for room in a channel's queue
    "stall.row",  # DRAM channel: what may come first opens its row
    "stall.refresh",  # DRAM channel: it waits for a refresh
    "stall.bus",  # DRAM channel: its row is open, its command is not to come yet
    "busy.pim",  # PIM channel: a tile or a GWRITE is under way, or an answer on its way
    "stall.dispatch",  # PIM channel: its instructions have not been handed out yet
    "stall.pim",  # waits for a PIM command
    "stall.link",  # waits for the link
)
(
    IDLE,
    BUSY_STREAM,
    BUSY_LOAD,
    BUSY_DRAIN,
    BUSY_TRANSFER,
    BUSY_COMPUTE,
    STALL_PORTS,
    STALL_MEMORY,
    STALL_IFMAP,
    STALL_FILTER,
    STALL_OFMAP,
    STALL_STORE,
    STALL_ARRAY,
    STALL_VECTOR,
    STALL_QUEUE,
    STALL_ROW,
    STALL_REFRESH,
    STALL_BUS,
    BUSY_PIM,
    STALL_DISPATCH,
    STALL_PIM,
    STALL_LINK,
) = range(len(CAUSES))

RUNTIME = np.dtype(
    [
        ("start", np.int64),  # tick of the command's first cycle, -1 before
        ("end", np.int64),  # tick after its last cycle, -1 before
        ("producer_period", np.int64),  # period of the unit that finished it
        ("left_bytes", np.int64),  # LOAD, STORE: not yet moved
        ("pad", np.int64),  # LOAD, STORE: scratchpad of its operand
        ("interface", np.int64),  # LOAD, STORE: of the memory
        ("address", np.int64),  # LOAD, STORE: of its first byte
    ]
)


@njit
def edge_at_or_after(tick, period):
    """First edge of a clock that is not before ``tick``."""
    return (tick + period - 1) // period * period


@njit
def arrival(tick, sender_period, receiver_period, synchroniser):
    """Edge at which a receiver sees what was written in the cycle that began at ``tick``: the next
    one, or ``synchroniser`` edges later where the clocks differ."""
    if sender_period == receiver_period:
        return tick + sender_period
    return edge_at_or_after(tick + 1, receiver_period) + synchroniser * receiver_period


@njit
def wake(units, unit, edge):
    """Have a unit step at an edge of its clock, or before."""
    units[unit]["housekeeping"] = 0
    if edge < units[unit]["due"]:
        units[unit]["due"] = edge


@njit
def finish(units, runtime, unit, command, now):
    """Mark a command as done and wake those that may wait for it when they can see it."""
    runtime[command]["end"] = now
    period = units[unit]["period"]
    runtime[command]["producer_period"] = period
    for other in range(units[unit]["woken_from"], units[unit]["woken_until"]):
        wake(
            units,
            other,
            arrival(now, period, units[other]["period"], units[other]["synchroniser"]),
        )


UNITS_PER_CORE = 3
"""Array, buffer and vector; core c's units are 3c, 3c + 1, 3c + 2."""


@njit
def seen_at(units, runtime, unit, command):
    """Tick from which a unit sees that a command is done, NEVER while it is not."""
    end = runtime[command]["end"]
    if end < 0:
        return NEVER
    return arrival(
        end,
        runtime[command]["producer_period"],
        units[unit]["period"],
        units[unit]["synchroniser"],
    )


@njit
def first_missing(units, commands, dependencies, runtime, unit, command, now):
    """First dependency of a command that a unit does not see done, or -1.

    A unit that finds one is due at ``seen_at`` it: a wake for then may be lost when the unit
    steps before.
    """
    for at in range(commands[command]["deps_begin"], commands[command]["deps_end"]):
        dependency = dependencies[at]
        if seen_at(units, runtime, unit, dependency) > now:
            return dependency
    return -1


@njit
def cause_of_waiting(commands, dependency):
    """Cause to charge while a dependency is waited for."""
    opcode = commands[dependency]["opcode"]
    if opcode == OP_LOAD:
        operand = commands[dependency]["operand"]
        if operand == OPERAND_IFMAP:
            return STALL_IFMAP
        if operand == OPERAND_FILTER:
            return STALL_FILTER
        return STALL_OFMAP
    if opcode == OP_STORE:
        return STALL_STORE
    if opcode == OP_MATMUL:
        return STALL_ARRAY
    if opcode == OP_PIM:
        return STALL_PIM
    if opcode == OP_LINK:
        return STALL_LINK
    return STALL_VECTOR


@njit
def may_start(units, commands, dependencies, runtime, unit, command, now):
    """Whether a unit sees all done that a command waits for; if not, the cause to charge and the
    tick to look again."""
    missing = first_missing(units, commands, dependencies, runtime, unit, command, now)
    if missing < 0:
        return True, IDLE, NEVER
    return False, cause_of_waiting(commands, missing), seen_at(units, runtime, unit, missing)


@njit
def charge(accounts, ticks_by_cause, row, why, now):
    """Charge the time since the last charge to the cause that held, and note the next one."""
    account = accounts[row]
    ticks_by_cause[row, account["why"]] += now - account["since"]
    account["since"] = now
    account["why"] = why
