"""Command traces: what units execute, and in which order.

A trace is a NumPy structured array of ``COMMAND`` with a table of dependencies (indices of
commands that must have finished; a command owns the range ``deps_begin`` to ``deps_end``) and a
table of tensors. Each queue of a core runs its commands in the order of the trace.
One command stands for a whole tile or burst; units expand it as they go.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SCHEMA_VERSION = 1

QUEUE_LOAD, QUEUE_STORE, QUEUE_ARRAY, QUEUE_VECTOR = range(4)
QUEUES = ("load", "store", "array", "vector")
"""Queues of one core; a command's ``queue`` is ``core * 4 + QUEUE_...``."""

OP_LOAD, OP_STORE, OP_MATMUL, OP_VECTOR = range(4)
OPCODES = ("LOAD", "STORE", "MATMUL", "VECTOR")

OPERAND_IFMAP, OPERAND_FILTER, OPERAND_OFMAP = range(3)

FLAG_ACCUMULATE = 1
"""MATMUL: add to the partial sums of this tile that former commands left."""
FLAG_FINAL = 2
"""MATMUL, LOAD, STORE: the output tile is complete (output format, else accumulator format)."""

FLAG_KEEP = 4
"""MATMUL: partial sums stay in the accumulators between the commands of this tile."""

COMMAND = np.dtype(
    [
        ("queue", np.int64),  # core * 4 + QUEUE_...
        ("opcode", np.int64),  # OP_...
        ("operator", np.int64),  # index of the operator it belongs to
        ("deps_begin", np.int64),  # range in the dependency table
        ("deps_end", np.int64),
        ("flags", np.int64),  # FLAG_...
        ("operand", np.int64),  # LOAD, STORE: OPERAND_..., which scratchpad
        ("tensor", np.int64),  # index in the tensor table, -1 for none
        ("offset_bytes", np.int64),  # of the first segment in the tensor
        ("bytes", np.int64),  # LOAD, STORE: bytes moved
        ("segment_bytes", np.int64),  # LOAD, STORE: contiguous bytes in memory
        ("stride_bytes", np.int64),  # LOAD, STORE: from one segment to the next
        ("m", np.int64),  # MATMUL: rows of one group's product
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
