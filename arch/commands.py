"""Command traces: what units execute, and in which order.

A trace is a NumPy structured array of ``COMMAND`` with a table of dependencies (indices of
commands that must have finished; a command owns the range ``deps_begin`` to ``deps_end``) and a
table of tensors. Each queue runs its commands in the order of the trace: four of each core, then
one of each PIM channel, a second one of each core's vector unit, and that of the link.
One command stands for a whole tile or burst; units expand it as they go. What a PIM command gives
its channel is a run of items.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

SCHEMA_VERSION = 1

QUEUE_LOAD, QUEUE_STORE, QUEUE_ARRAY, QUEUE_VECTOR = range(4)
QUEUES = ("load", "store", "array", "vector")
"""Queues of one core; a command's ``queue`` is ``core * 4 + QUEUE_...``."""

OP_LOAD, OP_STORE, OP_MATMUL, OP_VECTOR, OP_PIM, OP_LINK = range(6)
OPCODES = ("LOAD", "STORE", "MATMUL", "VECTOR", "PIM", "LINK")

LINK_ALLREDUCE, LINK_SEND = range(2)
"""``m`` of a LINK: all devices sum what each has, or one sends to another."""

PIM_OPS = ("GWRITE", "HEADER", "COMP", "READRES", "COMPS")
"""Instructions of a PIM channel."""

OPERAND_IFMAP, OPERAND_FILTER, OPERAND_OFMAP = range(3)

FLAG_ACCUMULATE = 1
"""MATMUL: add to the partial sums of this tile that former commands left."""
FLAG_FINAL = 2
"""MATMUL, LOAD, STORE: the output tile is complete (output format, else accumulator format)."""

FLAG_KEEP = 4
"""MATMUL: partial sums stay in the accumulators between the commands of this tile."""

COMMAND = np.dtype(
    [
        ("queue", np.int64),  # core * 4 + QUEUE_..., or as of pim_queue, side_queue, link_queue
        ("opcode", np.int64),  # OP_...
        ("operator", np.int64),  # index of the operator it belongs to
        ("deps_begin", np.int64),  # range in the dependency table
        ("deps_end", np.int64),
        ("flags", np.int64),  # FLAG_...
        ("operand", np.int64),  # LOAD, STORE: OPERAND_..., which scratchpad
        ("tensor", np.int64),  # index in the tensor table, -1 for none
        ("offset_bytes", np.int64),  # of the first segment in the tensor
        ("bytes", np.int64),  # LOAD, STORE: bytes moved; LINK: of a collective
        ("segment_bytes", np.int64),  # LOAD, STORE: contiguous bytes in memory
        ("stride_bytes", np.int64),  # LOAD, STORE: from one segment to the next
        ("m", np.int64),  # MATMUL: rows of one group's product; LINK: LINK_...
        ("n", np.int64),  # MATMUL: columns
        ("k", np.int64),  # MATMUL: depth
        ("groups", np.int64),  # MATMUL: independent products
        ("pack", np.int64),  # MATMUL: products that share a fold
        ("vector_op", np.int64),  # VECTOR: index in arch.vector.VECTOR_OPS
        ("elements", np.int64),  # VECTOR: elements operated on
        ("output_bits", np.int64),  # MATMUL, VECTOR: width of a complete result; 0: the array's
        ("mode", np.int64),  # MATMUL on engines: index of the mode, in which k counts words
        ("result", np.int64),  # MATMUL on engines: index of the format of complete results
    ]
)

TENSOR = np.dtype(
    [
        ("address", np.int64),  # first byte in memory
        ("bytes", np.int64),  # size
    ]
)

PIM_ITEM = np.dtype(
    [
        ("command", np.int64),  # that it belongs to
        ("op", np.int64),  # PIM_OPS
        ("bank", np.int64),  # GWRITE: of the channel
        ("row", np.int64),
        ("count", np.int64),  # COMP: instructions; COMPS: columns; HEADER: columns of the tile
        ("results", np.int64),  # HEADER: results of the tile
        ("last", np.int64),  # COMPS, READRES: 1 ends the tile
    ]
)


def pim_queue(cores: int, channel: int) -> int:
    """Queue of a PIM channel."""
    return cores * len(QUEUES) + channel


def side_queue(cores: int, channels: int, core: int) -> int:
    """Second queue of a core's vector unit, whose commands go before those of the first."""
    return pim_queue(cores, channels) + core


def link_queue(cores: int, channels: int) -> int:
    """Queue of the link."""
    return side_queue(cores, channels, cores)


def side_store_queue(cores: int, channels: int, core: int) -> int:
    """Second queue of a core's store engine, whose commands go before those of the first."""
    return link_queue(cores, channels) + 1 + core


def queue_name(queue: int, cores: int, channels: int) -> str:
    """A queue as reports name it."""
    if queue < pim_queue(cores, 0):
        core, own = divmod(queue, len(QUEUES))
        return f"core{core}.{QUEUES[own]}"
    if queue < side_queue(cores, channels, 0):
        return f"pim{queue - pim_queue(cores, 0)}"
    if queue < link_queue(cores, channels):
        return f"core{queue - side_queue(cores, channels, 0)}.side"
    if queue == link_queue(cores, channels):
        return "link"
    return f"core{queue - side_store_queue(cores, channels, 0)}.side_store"


@dataclass(frozen=True)
class CommandTrace:
    """Commands with what they depend on and refer to."""

    commands: npt.NDArray[np.void]
    """Array of ``COMMAND``."""
    dependencies: npt.NDArray[np.int64]
    """Indices of commands that must have finished."""
    tensors: npt.NDArray[np.void]
    """Array of ``TENSOR``."""
    tensor_names: tuple[str, ...]
    operator_names: tuple[str, ...]
    items: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, PIM_ITEM))
    """Array of ``PIM_ITEM``, by command."""
