"""Cycles a second against SCALE-Sim's, at equal total cycles of each layer."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import peer
import pytest
from figures import Figure, seconds_of, state
from phases import lowered, stepped

from arch.array import Array
from arch.buffer import OPERANDS, Buffer, Dma, Scratchpad
from arch.machine import Machine
from arch.memory import Memory
from sim.result import Result
from sim.simulate import run
from traces.operators import Workload
from traces.workload import load

TOPOLOGY = Path(__file__).with_name("scalesim_resnet50.csv")
ROWS = COLS = 128
KIB = 4096
"""Of each operand: enough that no layer is cut into more folds than SCALE-Sim gives it."""
SLOW = ("CB2a_3", "CB3a_2", "IB4b_1", "CB5a_2")
"""Layers for its slower mode, USER."""
TARGET_RATIO = 10_000
SECTION = "Against SCALE-Sim, ResNet-50 on 128 x 128 PEs, `ws`"
INCLUDES = (
    "Same layers, same total cycles of each. Ours simulates scratchpads, DMA requests of 4 KiB and "
    "a memory of 512 B a cycle and 100 cycles latency, which is never short; the figures are "
    "`sim.run` with mapping and results, and stepping alone, which is what is left when commands "
    "are ready. SCALE-Sim's time is its `run_scale` once, with its own mapping, without start and "
    "imports, without writing traces. CALC: its memory is never waited for; USER: its buffers "
    "prefetch at a bandwidth that is never short. One thread each, same machine, one after the "
    "other."
)


def machine() -> Machine:
    """SCALE-Sim's accounting with a memory system that is fast enough not to show."""
    pads: dict[str, Scratchpad] = {
        name: Scratchpad(operands=(name,), capacity_kib=KIB, banks=16, bank_width_bytes=1024)
        for name in OPERANDS
    }
    return Machine(
        name="scalesim_with_memory",
        source="SCALE-Sim 3.0.0's accounting; memory made up",
        clocks={"core": 1_000_000, "memory": 1_000_000},
        array=Array(
            rows=ROWS,
            cols=COLS,
            dataflow="ws",
            convention="scalesim",
            weight_load="serial",
            drain="serial",
            edge_folds="full",
            accumulator_format="int8",
        ),
        buffer=Buffer(scratchpads=pads, dma=Dma(request_bytes=4096)),
        memory=Memory(latency_cycles=100, bytes_per_cycle=512),
    )


def distinct_layers() -> dict[str, str]:
    """Cells by name of the first layer of each shape."""
    found: dict[str, str] = {}
    for line in TOPOLOGY.read_text().splitlines()[1:]:
        name, cells = line.rstrip(",").split(",", 1)
        if cells not in found.values():
            found[name] = cells
    return found


def layers_of(mode: str) -> dict[str, str]:
    """The layers that SCALE-Sim runs in a mode."""
    layers = distinct_layers()
    return layers if mode == "CALC" else {name: layers[name] for name in SLOW}


def workload_of(layers: dict[str, str], folder: Path) -> Workload:
    """The layers as we read them: with SCALE-Sim's output sizes."""
    path = folder / "layers.csv"
    rows = [peer.TOPOLOGY_HEADER, *(f"{name},{cells}," for name, cells in layers.items())]
    path.write_text("\n".join(rows) + "\n")
    return load(path, ceil_output=True).workload


def check_work(result: Result, cycles: dict[str, int]) -> None:
    """Equal totals, and every byte really moved: weights and outputs at least once."""
    assert {operator.name: operator.cycles for operator in result.operators} == cycles
    assert sum(operator.stall_cycles for operator in result.operators) == 0
    events = result.events()
    weights = sum(o.k * o.n for o in result.operators)
    outputs = sum(o.m * o.n for o in result.operators)
    assert events["memory_read_bytes"] > weights
    assert events["memory_write_bytes"] == outputs
    assert events["memory_requests"] >= (weights + outputs) // 4096


@pytest.fixture(scope="module")
def run_peer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], peer.PeerRun]:
    """SCALE-Sim's run in a mode, once."""

    @cache
    def once(mode: str) -> peer.PeerRun:
        folder = tmp_path_factory.mktemp(mode)
        return peer.simulate(layers_of(mode), folder, rows=ROWS, cols=COLS, kib=KIB, mode=mode)

    return once


@pytest.mark.parametrize("mode", ["CALC", "USER"])
def test_against_scalesim(
    benchmark: Any, run_peer: Callable[[str], peer.PeerRun], mode: str, tmp_path: Path
) -> None:
    theirs = run_peer(mode)
    assert theirs.stall_cycles == 0
    layers = layers_of(mode)
    spec, workload = machine(), workload_of(layers, tmp_path)
    result = benchmark.pedantic(run, args=(spec, workload), rounds=15, warmup_rounds=1).result
    check_work(result, theirs.cycles)
    versions = ", ".join(f"{name} {version}" for name, version in theirs.versions.items())
    state(
        benchmark,
        SECTION,
        f"{mode}, {len(layers)} layers of different shape ({versions})",
        ratios(benchmark, spec, workload, result, theirs),
        INCLUDES,
    )


def test_whole_network(benchmark: Any, run_peer: Callable[[str], peer.PeerRun]) -> None:
    spec, workload = machine(), load(TOPOLOGY, ceil_output=True).workload
    result = benchmark.pedantic(run, args=(spec, workload), rounds=15, warmup_rounds=1).result
    state(
        benchmark,
        SECTION,
        f"all {len(workload.operators)} layers, against CALC on the different ones",
        ratios(benchmark, spec, workload, result, run_peer("CALC")),
        INCLUDES,
    )


def ratios(
    benchmark: Any, spec: Machine, workload: Workload, result: Result, theirs: peer.PeerRun
) -> list[Figure]:
    """Cycles a second of both, and how many times ours are theirs."""
    steps = lowered(spec, workload)
    peer_rate = sum(theirs.cycles.values()) / theirs.seconds
    rate = result.cycles / benchmark.stats.stats.median
    stepping_rate = result.cycles / seconds_of(lambda: stepped(spec, steps), 15)
    events = result.events()
    return [
        Figure("total cycles", result.cycles, "cycles"),
        Figure("SCALE-Sim", peer_rate, "cycles/s"),
        Figure("lockstep, mapping and results included", rate, "cycles/s"),
        Figure("ratio", rate / peer_rate, "x"),
        Figure("lockstep, stepping alone", stepping_rate, "cycles/s"),
        Figure("ratio, stepping alone", stepping_rate / peer_rate, "x", at_least=TARGET_RATIO),
        Figure("folds", events["folds"], "folds"),
        Figure("DMA requests", events["memory_requests"], "requests"),
    ]
