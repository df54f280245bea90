"""Traces of loads and stores alone."""

from random import Random

import numpy as np

from arch.commands import (
    COMMAND,
    OP_LOAD,
    OP_STORE,
    QUEUE_LOAD,
    QUEUE_STORE,
    TENSOR,
    CommandTrace,
)

Transfer = tuple[int, int, int, int]
"""Engine (0 load, 1 store), operand, bytes, segment bytes."""


def transfers_trace(transfers: list[Transfer], after: dict[int, list[int]]) -> CommandTrace:
    """Transfers in order; ``after`` maps a transfer to the ones that it waits for."""
    commands = np.zeros(len(transfers), COMMAND)
    dependencies: list[int] = []
    for index, (engine, operand, size, segment) in enumerate(transfers):
        row = commands[index]
        row["queue"] = (QUEUE_LOAD, QUEUE_STORE)[engine]
        row["opcode"] = (OP_LOAD, OP_STORE)[engine]
        row["operand"], row["bytes"], row["segment_bytes"] = operand, size, segment
        row["stride_bytes"], row["tensor"] = segment, -1
        row["deps_begin"] = len(dependencies)
        dependencies += after.get(index, [])
        row["deps_end"] = len(dependencies)
    return CommandTrace(
        commands, np.array(dependencies, np.int64), np.zeros(0, TENSOR), (), ("transfers",)
    )


def random_transfers(random: Random) -> CommandTrace:
    """A few transfers, some waiting for earlier ones."""
    transfers: list[Transfer] = []
    after: dict[int, list[int]] = {}
    for index in range(random.randint(1, 6)):
        size = random.randint(1, 500)
        transfers.append((random.randint(0, 1), random.randint(0, 2), size,
                          random.randint(1, size)))  # fmt: skip
        if index and random.random() < 0.4:
            after[index] = [random.randrange(index)]
    return transfers_trace(transfers, after)
