"""Command logs that tests share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from arch.commands import COMMAND, OP_LOAD, OP_MATMUL, OP_STORE, OP_VECTOR
from sim.report.log import CommandLog

LOAD, STORE, ARRAY, VECTOR = range(4)


def log(*rows: tuple[int, int, int, dict[str, Any]], tick_khz: int = 1_400_000) -> CommandLog:
    """A log of (opcode, start, end, fields); the queue is that of the opcode in core 0."""
    commands = np.zeros(len(rows), COMMAND)
    commands["tensor"] = -1
    for command, (opcode, _, _, changed) in zip(commands, rows, strict=True):
        command["queue"] = command["opcode"] = opcode
        for name, value in changed.items():
            command[name] = value
    return CommandLog(
        ids=np.arange(len(rows)),
        commands=commands,
        dependencies=np.zeros(0, np.int64),
        start_ticks=np.array([row[1] for row in rows], np.int64),
        end_ticks=np.array([row[2] for row in rows], np.int64),
        operator_names=("conv1", "fc"),
        tensor_names=("conv1.ifmap", "conv1.filter"),
        tick_khz=tick_khz,
    )


def example() -> CommandLog:
    """Loads that overlap, a product, a vector operation, a store that is cut off by the end of
    the run, and one that never began."""
    moved: Sequence[dict[str, Any]] = (
        {"tensor": 0, "bytes": 4096, "segment_bytes": 512, "stride_bytes": 1024},
        {"tensor": 1, "operand": 1, "bytes": 100, "offset_bytes": 64},
    )
    product = {"m": 64, "n": 32, "k": 16, "groups": 3, "pack": 2, "flags": 2}
    return log(
        (OP_LOAD, 0, 100, moved[0]),
        (OP_LOAD, 60, 140, moved[1]),
        (OP_MATMUL, 140, 340, product),
        (OP_VECTOR, 340, 341, {"operator": 1, "vector_op": 2, "elements": 77}),
        (OP_LOAD, 140, 200, moved[1]),
        (OP_STORE, 351, -1, {"operand": 2, "bytes": 10, "flags": 1}),
        (OP_STORE, -1, -1, {"operand": 2, "bytes": 20}),
    )
