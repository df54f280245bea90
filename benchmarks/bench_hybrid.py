"""Cycles and commands a second of a machine of NPU and PIM: ``pytest benchmarks/bench_hybrid.py``.

Random PIM commands for 32 channels beside loads, stores, products and vector operations of 8 cores.
"""

import json
from random import Random
from typing import Any

import numpy as np
import pytest
from figures import Figure, state

from arch.commands import (
    COMMAND,
    OP_LOAD,
    OP_MATMUL,
    OP_PIM,
    OP_STORE,
    OP_VECTOR,
    PIM_ITEM,
    PIM_OPS,
    TENSOR,
    CommandTrace,
    pim_queue,
    side_queue,
)
from arch.load import load_machine
from arch.machine import Machine
from arch.pim.joint import load_joint_pim
from sim import engine
from sim.system import System

CORES, CHANNELS = 8, 32
TILES = 150
"""Of each channel."""
MOVED_BYTES = 32 * 1024
TARGET = 1.6e5
"""Cycles a second: 50 times the fastest that is recorded of NeuPIMs' simulator."""
INCLUDES = (
    f"{CHANNELS} channels with {TILES} tiles each, and {CORES} cores of 128 x 128 that load, "
    "multiply and store beside them, with dependencies among all; `pim`: the tiles alone."
)
SETTINGS = (
    f"cores={CORES}",
    "clocks={core: 1_000_000}",
    "buffer.dma={request_bytes: 512, outstanding: 128}",
)


def machine(name: str) -> Machine:
    fields = load_joint_pim(name).model_dump(mode="json")
    for each in ("name", "source", "sources"):
        del fields[each]
    return load_machine("systolic_128", [*SETTINGS, f"memory={json.dumps(fields)}"])


def trace_for(spec: Machine, kinds: str) -> CommandTrace:
    """Ten tiles a PIM command, each third after a vector operation."""
    random = Random(1)
    memory: Any = spec.memory
    header, comp, readres, comps = (
        PIM_OPS.index(name) for name in ("HEADER", "COMP", "READRES", "COMPS")
    )
    rows: list[dict[str, Any]] = []
    items: list[tuple[int, ...]] = []
    for turn in range(TILES // 10):
        for channel in range(CHANNELS):
            core, after = channel % CORES, []
            if kinds == "all" and turn % 3 == 0:
                after = [len(rows)]
                side = side_queue(CORES, CHANNELS, core)
                rows.append({"queue": side, "opcode": OP_VECTOR, "elements": 4096, "after": []})
            queue = pim_queue(CORES, channel)
            for _ in range(10):
                row, results = random.randrange(4096), random.randint(1, 4)
                items.append((len(rows), header, 0, row, 8 * results, results, 0))
                for at in range(results):
                    last = int(at == results - 1)
                    if memory.composite:
                        items.append((len(rows), comps, 0, row, 8, 0, last))
                    else:
                        items.append((len(rows), comp, 0, row, 8, 0, 0))
                        items.append((len(rows), readres, 0, row, 0, 0, last))
            rows.append({"queue": queue, "opcode": OP_PIM, "after": after})
        for core in range(CORES * (kinds == "all")):
            first = len(rows)
            for opcode, waits in ((OP_LOAD, []), (OP_MATMUL, [first]), (OP_STORE, [first + 1])):
                moved = {"bytes": MOVED_BYTES, "segment_bytes": 1024, "stride_bytes": 4096}
                product = {"m": 128, "n": 128, "k": 128, "groups": 1, "pack": 1}
                rows.append({"queue": pim_queue(core, 0) + opcode, "opcode": opcode, "tensor": 0,
                             "offset_bytes": random.randrange(1 << 20) * 512, "after": waits,
                             **(product if opcode == OP_MATMUL else moved)})  # fmt: skip
    commands = np.zeros(len(rows), COMMAND)
    commands["tensor"] = -1
    waited: list[int] = []
    for number, row in enumerate(rows):
        commands["deps_begin"][number] = len(waited)
        waited += row.pop("after")
        commands["deps_end"][number] = len(waited)
        for name, value in row.items():
            commands[name][number] = value
    tensors = np.zeros(1, TENSOR)
    tensors["bytes"] = 1 << 30
    return CommandTrace(commands, np.array(waited, np.int64), tensors, ("t",), ("all",),
                        np.array(items, PIM_ITEM))  # fmt: skip


@pytest.mark.parametrize("name", ["neupims", "neupims_single_wide"])
@pytest.mark.parametrize("kinds", ["pim", "all"])
def test_cycles_a_second(benchmark: Any, kinds: str, name: str) -> None:
    spec = machine(name)
    trace = trace_for(spec, kinds)
    systems: list[System] = []

    def setup() -> Any:
        systems[:] = [System(spec)]
        systems[0].load(trace)
        return (systems[0],), {}

    def run(system: System) -> None:
        assert system.advance() == engine.DONE

    benchmark.pedantic(run, setup=setup, rounds=3, warmup_rounds=1)
    seconds, (system,) = benchmark.stats.stats.median, systems
    cycles = system.now_tick // system.ticks_of("dram")
    issued = int(system.state.joint.issued.sum())
    state(
        benchmark,
        "A machine of NPU and PIM",
        f"{name}, {kinds}",
        [
            Figure("cycles", cycles / seconds, "cycles/s", at_least=TARGET),
            Figure("commands", issued / seconds, "commands/s"),
        ],
        INCLUDES,
    )
