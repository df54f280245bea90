"""Bursts a second of DRAM channels in the engine: ``pytest benchmarks/bench_dram_engine.py``.

A machine's DMA loads 64 bytes at a time from another row each time, or one long segment.
"""

from typing import Any

import numpy as np
import pytest
from figures import Figure, state

from arch.commands import COMMAND, OP_LOAD, QUEUE_LOAD, TENSOR, CommandTrace
from arch.load import load_machine
from sim import engine
from sim.system import System

BURSTS = 1_000_000
BURST_BYTES = 64
STRIDES = {"random": 613 * BURST_BYTES, "sequential": BURST_BYTES}
TARGET = 1.3e6
SETTINGS = (
    "buffer.dma={request_bytes: 256, outstanding: 1024}",
    "buffer.scratchpads.ifmap.banks=1024",
)
INCLUDES = (
    f"{BURSTS:,} bursts of DDR4-2400 through DMA, scratchpad ports, engine and channels, with "
    "accounts of every unit; `random`: 613 bursts apart, hashed over channels and banks, so that "
    "nearly each opens a row."
)


def loading(stride_bytes: int) -> CommandTrace:
    """One command that loads all bursts."""
    commands = np.zeros(1, COMMAND)
    commands["queue"], commands["opcode"] = QUEUE_LOAD, OP_LOAD
    commands["bytes"] = BURSTS * BURST_BYTES
    whole = stride_bytes == BURST_BYTES
    commands["segment_bytes"] = BURSTS * BURST_BYTES if whole else BURST_BYTES
    commands["stride_bytes"] = BURSTS * BURST_BYTES if whole else stride_bytes
    tensors = np.zeros(1, TENSOR)
    tensors["bytes"] = BURSTS * stride_bytes
    return CommandTrace(commands, np.zeros(0, np.int64), tensors, ("t",), ("load",))


@pytest.mark.parametrize("channels", [8, 32])
@pytest.mark.parametrize("pattern", STRIDES)
def test_bursts_a_second(benchmark: Any, pattern: str, channels: int) -> None:
    memory = f"memory={{standard: DDR4, channels: {channels}}}"
    machine = load_machine("systolic_128", [*SETTINGS, memory])
    trace = loading(STRIDES[pattern])

    def setup() -> Any:
        system = System(machine)
        system.load(trace)
        return (system,), {}

    def run(system: System) -> None:
        assert system.advance() == engine.DONE
        assert system.state.dram.channels["taken"].sum() == BURSTS

    benchmark.pedantic(run, setup=setup, rounds=5, warmup_rounds=1)
    rate = BURSTS / benchmark.stats.stats.median
    state(
        benchmark,
        "DRAM channels in a machine",
        f"{pattern}, {channels} channels",
        [Figure("bursts", rate, "requests/s", at_least=TARGET)],
        INCLUDES,
    )
