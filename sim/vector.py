"""The vector unit: one command at a time, ``lanes`` elements a group.

A command of E elements takes ``(ceil(E / lanes) - 1) * interval + latency`` cycles, and the next
one starts when it is done. Beside its queue a unit may have a side queue, whose next command goes
first if it is ready.
"""

import numpy as np

from arch.vector import VECTOR_OPS
from sim.contract import BUSY_COMPUTE, IDLE, NEVER, charge, finish, may_start
from sim.jit import njit

OPS = len(VECTOR_OPS)

VECTOR_STATE = np.dtype(
    [
        ("lanes", np.int64),
        ("output_bits", np.int64),  # of an element, where a command does not say
        ("interval", np.int64, OPS),  # cycles from group to group, by operation
        ("latency", np.int64, OPS),  # cycles from operands to result
        ("head", np.int64),  # position in the queue of the command that is next
        ("queue_end", np.int64),
        ("side_head", np.int64),  # the same of the side queue
        ("side_end", np.int64),
        ("command", np.int64),  # running, -1 for none
        ("done_at", np.int64),  # tick at which it is done
        ("elements", np.int64, OPS),  # count of elements operated on
        ("element_bits", np.int64, OPS),  # and of their bits
    ]
)


@njit
def vector_cycles(s, op, elements):
    """Cycles of an operation; ``s`` has ``lanes``, ``interval`` and ``latency``."""
    groups = (elements + s["lanes"] - 1) // s["lanes"]
    return (groups - 1) * s["interval"][op] + s["latency"][op]


@njit
def start(s, now, period, commands, runtime, command):
    """Run a command."""
    op = commands[command]["vector_op"]
    elements = commands[command]["elements"]
    s["command"] = command
    s["done_at"] = now + vector_cycles(s, op, elements) * period
    s["elements"][op] += elements
    bits = commands[command]["output_bits"]
    s["element_bits"][op] += elements * (bits if bits else s["output_bits"])
    runtime[command]["start"] = now


@njit
def step_vector(
    units, unit, now, vectors, accounts, ticks_by_cause, commands, dependencies, runtime, queue
):
    """Finish the running command if it is due, start the next if it is ready."""
    s = vectors[units[unit]["index"]]
    period = units[unit]["period"]
    why = IDLE
    due = NEVER
    if s["command"] >= 0 and s["done_at"] <= now:
        finish(units, runtime, unit, s["command"], now)
        s["command"] = -1
    if s["command"] < 0 and s["side_head"] < s["side_end"]:
        command = queue[s["side_head"]]
        ready, why, due = may_start(units, commands, dependencies, runtime, unit, command, now)
        if ready:
            s["side_head"] += 1
            start(s, now, period, commands, runtime, command)
    if s["command"] < 0 and s["head"] < s["queue_end"]:
        command = queue[s["head"]]
        ready, why, seen = may_start(units, commands, dependencies, runtime, unit, command, now)
        due = min(due, seen)
        if ready:
            s["head"] += 1
            start(s, now, period, commands, runtime, command)
    if s["command"] >= 0:
        why = BUSY_COMPUTE
        due = s["done_at"]
    charge(accounts, ticks_by_cause, units[unit]["first_account"], why, now)
    return due
