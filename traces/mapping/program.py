"""Appends commands and what they wait for, or counts them where the arrays have no length."""

import numpy as np

from arch.commands import OP_LOAD, OP_MATMUL, OP_STORE, OP_VECTOR
from traces.jit import njit
from traces.mapping.slots import NONE

LOAD, STORE, MATMUL, VECTOR = (np.int64(op) for op in (OP_LOAD, OP_STORE, OP_MATMUL, OP_VECTOR))
"""What a command does: its opcode, and its queue among those of the core, have one number."""

CURSOR = np.dtype(
    [
        ("queue", np.int64),  # the core's first
        ("command", np.int64),  # index of the next
        ("dependency", np.int64),
    ]
)


@njit
def add_dependency(commands, dependencies, cursor, index, on):
    """Let the command that was added last run after another as well, the highest so far."""
    if index < len(commands):
        dependencies[cursor["dependency"]] = on
        commands[index]["deps_end"] = cursor["dependency"] + 1
    cursor["dependency"] += 1


@njit
def add(commands, dependencies, cursor, kind, a, b, c):
    """Append a command that runs after up to three others; return its index.

    They differ: each is the load, the last user or the store of another tile.
    """
    index = cursor["command"]
    cursor["command"] += 1
    if index < len(commands):
        command = commands[index]
        command["queue"] = cursor["queue"] + kind
        command["opcode"] = kind
        command["deps_begin"] = cursor["dependency"]
        command["deps_end"] = cursor["dependency"]
        command["tensor"] = NONE
    low = min(a, b)
    high = max(a, b)
    for on in (min(low, c), max(low, min(high, c)), max(high, c)):
        if on != NONE:
            add_dependency(commands, dependencies, cursor, index, on)
    return index


@njit
def add_move(commands, dependencies, cursor, kind, operand, tensor, flags, a, b):
    """Append a load or a store, whose place in memory is to be filled in; return its index."""
    index = add(commands, dependencies, cursor, kind, a, b, NONE)
    if index < len(commands):
        command = commands[index]
        command["operand"] = operand
        command["tensor"] = tensor
        command["flags"] = flags
    return index
