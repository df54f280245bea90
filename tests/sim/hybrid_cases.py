"""Small machines of NPU and PIM, and traces of all kinds of commands that wait for each other."""

from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from scenarios import machine_fields, machine_of

from arch.commands import (
    COMMAND,
    LINK_ALLREDUCE,
    LINK_SEND,
    OP_LINK,
    OP_LOAD,
    OP_MATMUL,
    OP_PIM,
    OP_STORE,
    OP_VECTOR,
    PIM_ITEM,
    PIM_OPS,
    QUEUE_ARRAY,
    QUEUE_VECTOR,
    TENSOR,
    CommandTrace,
    link_queue,
    pim_queue,
    side_queue,
    side_store_queue,
)
from arch.machine import Machine
from arch.pim.joint import load_joint_pim

GWRITE, HEADER, COMP, READRES, COMPS = range(len(PIM_OPS))
TENSOR_BYTES = 1 << 18
Item = tuple[int, int, int, int, int, int]
"""Op, bank, row, count, results, last."""
Given = tuple[dict[str, Any], list[Item], list[int]]
"""Fields of a command, its items, the commands that it waits for."""


def joint_fields(name: str, **changed: Any) -> dict[str, Any]:
    """The memory of a machine, with the channels of a shipped PIM."""
    fields = load_joint_pim(name).model_dump(mode="json")
    for each in ("name", "source", "sources"):
        del fields[each]
    controller = {**fields["controller"], **changed.pop("controller", {})}
    return {**fields, **changed, "controller": controller}


def plain_machine(memory: dict[str, Any], **changed: Any) -> Machine:
    """One clock, a DMA and scratchpads that never hold up the memory, and a link."""
    return machine_of(
        {
            "name": "plain",
            "source": "tests",
            "clocks": {"core": 1_000_000},
            "array": {"rows": 2, "cols": 2, "dataflow": "ws"},
            "buffer": {
                "scratchpads": {
                    "all": {
                        "operands": ["ifmap", "filter", "ofmap"],
                        "capacity_kib": 4096,
                        "banks": 64,
                        "bank_width_bytes": 1024,
                    }
                },
                "dma": {"request_bytes": 64, "outstanding": 64},
            },
            "vector": {"lanes": 4},
            "memory": memory,
            "link": {"devices": 4, "bytes_per_cycle": 16, "latency_cycles": 20},
            **changed,
        }
    )


def random_machine(random: Random) -> Machine:
    """A random machine with random joint channels."""
    fields = machine_fields(random)
    name, mode = random.choice(
        [("neupims", "concurrent"), ("neupims", "blocked"), ("neupims_single_wide", "blocked"),
         ("neupims_as_simulated", "concurrent")]
    )  # fmt: skip
    fields["memory"] = joint_fields(
        name,
        channels=random.choice([1, 2]),
        bank_hash=random.choice(["none", "fold"]),
        latency_cycles=random.choice([0, 20]),
        port_clock=random.choice([None, "core", "vector"]),
        timings={"nREFI": random.choice([1500, 3900])},
        controller={
            "mode": mode,
            "priority": random.choice(["pim_first", "memory_first", "alternating"]),
            "fairness_cycles": random.choice([50, 1000]),
            "dispatch_width": random.choice([None, 1, 3]),
            "bank_entries": random.choice([2, 8]),
            "read_entries": random.choice([3, 32]),
            "write_entries": random.choice([12, 32]),
            "pim_commands": random.choice([2, 128]),
            "refresh": random.choice(["none", "all_bank", "all_bank"]),
        },
    )
    if fields["memory"]["controller"]["refresh"] == "none":
        # A row that is kept until the next tile or refresh may be kept for ever.
        fields["memory"]["controller"]["row_reserved"] = "tile"
    fields["link"] = {
        "clock": random.choice(["core", "vector"]),
        "devices": random.choice([2, 3, 8]),
        "topology": random.choice(["ring", "fully_connected"]),
        "bytes_per_cycle": 16,
        "latency_cycles": random.choice([0, 30]),
    }
    return machine_of(fields)


def random_unit(random: Random, composite: bool) -> list[Item]:
    """A GWRITE or a tile."""
    row = random.randrange(40)
    if random.random() < 0.3:
        return [(GWRITE, random.randrange(32), row, 0, 0, 0)]
    columns = [random.randint(1, 6) for _ in range(random.randint(1, 3))]
    items = [(HEADER, 0, row, sum(columns), len(columns), 0)]
    for place, count in enumerate(columns):
        last = int(place == len(columns) - 1)
        if composite:
            items.append((COMPS, 0, row, count, 0, last))
        else:
            items += [(COMP, 0, row, count, 0, 0), (READRES, 0, row, 0, 0, last)]
    return items


def random_command(random: Random, machine: Machine) -> tuple[dict[str, Any], list[Item]]:
    """Fields of a command of any unit, and its items."""
    cores, channels = machine.cores, machine.pim_channels
    core = random.randrange(cores)
    kind = random.choice(["move", "move", "pim", "pim", "vector", "side", "array", "link"])
    fields: dict[str, Any] = {"tensor": -1}
    items: list[Item] = []
    memory: Any = machine.memory
    if kind == "move":
        opcode, size = random.choice([OP_LOAD, OP_STORE]), random.randint(1, 1500)
        segment = random.randint(max(1, size // 8), size)
        fields |= {"opcode": opcode, "queue": pim_queue(core, 0) + opcode, "tensor": 0}
        fields |= {"bytes": size, "segment_bytes": segment, "operand": random.randrange(3)}
        fields |= {"stride_bytes": segment + random.choice([0, 64, 4096])}
        fields |= {"offset_bytes": random.randrange(TENSOR_BYTES // 2)}
        if opcode == OP_STORE and fields["offset_bytes"] % 2:
            fields["queue"] = side_store_queue(cores, channels, core)
    elif kind == "pim":
        fields |= {"opcode": OP_PIM, "queue": pim_queue(cores, random.randrange(channels))}
        for _ in range(random.randint(1, 3)):
            items += random_unit(random, memory.composite)
    elif kind == "link":
        fields |= {"opcode": OP_LINK, "queue": link_queue(cores, channels)}
        fields |= {"bytes": random.randint(1, 900), "m": random.choice([LINK_ALLREDUCE, LINK_SEND])}
    elif kind == "array":
        fields |= {"opcode": OP_MATMUL, "queue": pim_queue(core, 0) + QUEUE_ARRAY}
        fields |= {"m": random.randint(1, 9), "n": 3, "k": 5, "groups": 1, "pack": 1}
    else:
        queue = pim_queue(core, 0) + QUEUE_VECTOR
        queue = side_queue(cores, channels, core) if kind == "side" else queue
        fields |= {"opcode": OP_VECTOR, "queue": queue, "elements": random.randint(1, 400)}
    return fields, items


def trace_of(given: list[Given]) -> CommandTrace:
    """Commands in order."""
    commands = np.zeros(len(given), COMMAND)
    commands["tensor"] = -1
    dependencies: list[int] = []
    rows: list[tuple[int, ...]] = []
    for number, (fields, items, after) in enumerate(given):
        for name, value in fields.items():
            commands[name][number] = value
        commands["deps_begin"][number] = len(dependencies)
        dependencies += after
        commands["deps_end"][number] = len(dependencies)
        rows += [(number, *item) for item in items]
    tensors = np.zeros(1, TENSOR)
    tensors["bytes"] = TENSOR_BYTES
    waits = np.array(dependencies, np.int64)
    return CommandTrace(commands, waits, tensors, ("t",), ("all",), np.array(rows, PIM_ITEM))


def random_trace(random: Random, machine: Machine, most: int = 14) -> CommandTrace:
    """Commands of all units; each waits for some of those before it, of any unit."""
    given: list[Given] = []
    for number in range(random.randint(2, most)):
        after = [
            random.randrange(number) for _ in range(random.choice([0, 1, 1, 2]) * bool(number))
        ]
        given.append((*random_command(random, machine), after))
    return trace_of(given)


def items_of(trace: CommandTrace, queue: int) -> npt.NDArray[np.void]:
    """The items of a queue's commands."""
    return trace.items[trace.commands["queue"][trace.items["command"]] == queue]
