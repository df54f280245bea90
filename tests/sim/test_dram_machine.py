"""The DRAM unit of machines: the engine's contract, addresses, and what it does to a run."""

from random import Random
from typing import Any

import numpy as np
from contract import Case, UnitContract
from scenarios import machine_fields, machine_of

from arch.commands import (
    COMMAND,
    OP_LOAD,
    OP_STORE,
    QUEUE_LOAD,
    QUEUE_STORE,
    TENSOR,
    CommandTrace,
)

TENSOR_BYTES = 1 << 22

Transfer = tuple[int, int, int, int, int]
"""Engine (0 load, 1 store), offset, bytes, segment bytes, stride bytes."""


def dram_fields(random: Random) -> dict[str, Any]:
    """A random machine with a random DRAM."""
    fields = machine_fields(random)
    standard = random.choice(["DDR4", "HBM2", "GDDR6", "LPDDR5"])
    entries = random.choice([1, 3, 32])
    per_bank = [] if standard == "DDR4" else ["per_bank"]
    fields["memory"] = {
        "standard": standard,
        "channels": random.choice([1, 2, 8]),
        "latency_cycles": random.choice([0, 1, 20]),
        "order": random.choice(["by_channel", "in_order"]),
        "bank_hash": random.choice(["none", "row", "fold"]),
        "timings": {"nREFI": random.choice([2000, 5000])},
        "controller": {
            "scheduler": random.choice(["frfcfs", "frfcfs", "fcfs"]),
            "refresh": random.choice(["none", "all_bank", *per_bank]),
            "cap_cycles": random.choice([None, 100]),
            "row_policy": random.choice(["open", "closed", "timeout"]),
            "read_entries": entries,
            "write_entries": entries,
        },
    }
    return fields


def transfers_trace(transfers: list[Transfer], after: dict[int, list[int]]) -> CommandTrace:
    """Transfers of one tensor in order; ``after`` maps a transfer to those that it waits for."""
    commands = np.zeros(len(transfers), COMMAND)
    dependencies: list[int] = []
    for index, (direction, offset, size, segment, stride) in enumerate(transfers):
        row = commands[index]
        row["queue"] = (QUEUE_LOAD, QUEUE_STORE)[direction]
        row["opcode"] = (OP_LOAD, OP_STORE)[direction]
        row["offset_bytes"], row["bytes"] = offset, size
        row["segment_bytes"], row["stride_bytes"] = segment, stride
        row["deps_begin"] = len(dependencies)
        dependencies += after.get(index, [])
        row["deps_end"] = len(dependencies)
    tensors = np.zeros(1, TENSOR)
    tensors["bytes"] = TENSOR_BYTES
    return CommandTrace(commands, np.array(dependencies, np.int64), tensors, ("t",), ("transfers",))


def random_trace(random: Random) -> CommandTrace:
    transfers: list[Transfer] = []
    after: dict[int, list[int]] = {}
    for index in range(random.randint(1, 8)):
        size = random.randint(1, 3000)
        segment = random.randint(max(1, size // 20), size)
        stride = segment + random.choice([0, 1, 64, 4096, 8192])
        transfers.append((random.randint(0, 1), random.randrange(1 << 16), size, segment, stride))
        if index and random.random() < 0.4:
            after[index] = [random.randrange(index)]
    return transfers_trace(transfers, after)


class TestDram(UnitContract):
    def scenario(self, seed: int) -> Case:
        random = Random(seed)
        return machine_of(dram_fields(random)), [random_trace(random) for _ in range(3)]
