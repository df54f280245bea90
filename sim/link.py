"""The link: one collective at a time, step by step (arch.link)."""

import numpy as np

from arch.commands import LINK_SEND
from sim.contract import BUSY_TRANSFER, IDLE, NEVER, charge, finish, may_start
from sim.jit import njit

LINK_STATE = np.dtype(
    [
        ("devices", np.int64),
        ("steps", np.int64),  # of an allreduce
        ("bytes_per_cycle", np.int64),
        ("latency", np.int64),  # cycles of each step
        ("head", np.int64),  # position in the queue of the command that is next
        ("queue_end", np.int64),
        ("command", np.int64),  # running, -1 for none
        ("done_at", np.int64),  # tick at which it is done
        ("transfers", np.int64),  # counts: commands begun
        ("sent_bytes", np.int64),  # by this device
    ]
)


@njit
def step_cycles(size, bytes_per_cycle, latency):
    """Cycles of a step of ``size`` bytes."""
    return (size + bytes_per_cycle - 1) // bytes_per_cycle + latency


@njit
def link_cycles(s, kind, size):
    """Cycles of a command of ``size`` bytes."""
    steps, part = s["steps"], (size + s["devices"] - 1) // s["devices"]
    if kind == LINK_SEND:
        steps, part = 1, size
    return steps * step_cycles(part, s["bytes_per_cycle"], s["latency"])


@njit
def sent(s, kind, size):
    """Bytes that each device sends for a command."""
    if kind == LINK_SEND:
        return size
    return 2 * (s["devices"] - 1) * ((size + s["devices"] - 1) // s["devices"])


@njit
def step_link(
    units, unit, now, links, accounts, ticks_by_cause, commands, dependencies, runtime, queue
):
    """Finish the running command if it is due, start the next if it is ready."""
    s = links[0]
    why = IDLE
    due = NEVER
    if s["command"] >= 0 and s["done_at"] <= now:
        finish(units, runtime, unit, s["command"], now)
        s["command"] = -1
    if s["command"] < 0 and s["head"] < s["queue_end"]:
        command = queue[s["head"]]
        ready, why, due = may_start(units, commands, dependencies, runtime, unit, command, now)
        if ready:
            kind, size = commands[command]["m"], commands[command]["bytes"]
            s["head"] += 1
            s["command"] = command
            s["done_at"] = now + link_cycles(s, kind, size) * units[unit]["period"]
            s["transfers"] += 1
            s["sent_bytes"] += sent(s, kind, size)
            runtime[command]["start"] = now
    if s["command"] >= 0:
        why = BUSY_TRANSFER
        due = s["done_at"]
    charge(accounts, ticks_by_cause, units[unit]["first_account"], why, now)
    return due
