"""Seconds a point beside ZigZag's: the same layer on the same array, in the same run."""

from pathlib import Path
from statistics import median
from typing import Any

import pytest
import zigzag_peer
from figures import Figure, state
from programs import lockstep

from arch.load import load_machine
from arch.machine import Machine
from sim.result import Result
from sim.simulate import Options, run
from traces.mapping.candidates import footprint
from traces.operators import Conv2d, Gemm, Workload

MACHINE = "systolic_32"
LPF_LIMIT = 6
"""ZigZag's default, and the fewest that a convolution's six loops allow."""
ROUNDS = 3
"""Of ZigZag, and of whole processes."""
OUR_ROUNDS = 45
SECTION = "Beside ZigZag, one layer on 32 x 32 PEs, `ws`"
LAYERS: dict[str, Conv2d | Gemm] = {
    "3 x 3 convolution, 56 x 56, 64 to 64 channels": Conv2d(
        name="conv_3x3",
        in_h=56,
        in_w=56,
        filt_h=3,
        filt_w=3,
        channels=64,
        filters=64,
        pad_top=1,
        pad_left=1,
        pad_bottom=1,
        pad_right=1,
    ),
    "1 x 1 convolution, 56 x 56, 64 to 256 channels": Conv2d(
        name="conv_1x1", in_h=56, in_w=56, filt_h=1, filt_w=1, channels=64, filters=256
    ),
    "product, 512 x 768 by 768 x 768": Gemm(name="gemm", m=512, n=768, k=768),
}
INCLUDES = (
    "`systolic_32` and the same machine in ZigZag's terms: PEs, two weight registers each, "
    "accumulators, scratchpads, number formats, bandwidths. The two do different work. "
    "**ZigZag**: a search over all orders of at most six loops in time, each order put into an "
    "analytical cost model (latency and energy; no cycle is simulated), the least latency wins; "
    "*search* is that alone, *given order* the cost model for the one best order with nothing "
    "to search, *API* also reads its three files and writes results and a figure. **lockstep**: "
    "`sim.run`, which chooses tiles and loop order by a cost estimate, makes the commands, and "
    "simulates every cycle of array, ports, DMA and memory, with stalls, accounts and energy; "
    "kernels compiled, nothing kept from the run before. Whole processes start Python and "
    "import: `lockstep run`, and a script that calls ZigZag's API once. Medians of 3 (`sim.run` "
    "45, given order 15), one after the other. Cycles: both choose their own mapping, ZigZag "
    "for latency, lockstep for memory traffic among the nearly fastest. ZigZag's are "
    "computation + stalls + what is loaded before + what is stored after + one drain of the "
    "array. It knows no latency of the memory (what that costs lockstep is the difference to a "
    "run without it), no DMA requests and no sharing of banks, and lets what a layer loads only "
    "once arrive while it computes; lockstep waits for what a fold needs. The first tile before "
    "and the last one after are of the sizes that each chose, so they may cost ZigZag more."
)


def without_latency(machine: Machine) -> Machine:
    """The same machine, with a memory that answers at once."""
    assert machine.memory is not None
    memory = machine.memory.model_copy(update={"latency_cycles": 0})
    return machine.model_copy(update={"memory": memory})


def command_seconds(workload: Workload, folder: Path) -> float:
    """Median of whole processes of ``lockstep run``."""
    path = folder / "workload.json"
    path.write_text(workload.model_dump_json())
    arguments = ("run", MACHINE, "--workload", str(path))
    lockstep(*arguments)
    return median(lockstep(*arguments).seconds for _ in range(ROUNDS))


def check_same_work(
    operator: Conv2d | Gemm, ideal_cycles: float, ours: Result, theirs: zigzag_peer.PeerPoint
) -> None:
    """Both multiply all of it, fill the array, and move each weight and output at least once."""
    assert ours.macs == operator.macs
    array = next(unit for unit in ours.units if unit.name == "core0.array")
    assert array.cycles_by_cause["busy.stream"] == ideal_cycles == theirs.temporal_cycles
    parts = theirs.stall_cycles + theirs.onload_cycles + theirs.offload_cycles
    assert theirs.cycles == pytest.approx(theirs.temporal_cycles + parts + theirs.drain_cycles)
    weights, outputs = operator.k * operator.n, operator.m * operator.n
    events = ours.events()
    assert events["memory_write_bytes"] == theirs.memory_write_bytes == outputs
    assert min(events["memory_read_bytes"], theirs.memory_read_bytes) > weights


@pytest.mark.parametrize("layer", LAYERS)
def test_beside_zigzag(benchmark: Any, layer: str, tmp_path: Path) -> None:
    machine, operator = load_machine(MACHINE), LAYERS[layer]
    workload = Workload(name=operator.name, source="ZigZag's and ours", operators=(operator,))
    theirs = zigzag_peer.evaluate(machine, operator, tmp_path, lpf_limit=LPF_LIMIT, rounds=ROUNDS)
    result = benchmark.pedantic(
        run,
        args=(machine, workload, Options(cache=None)),
        setup=footprint.cache_clear,
        rounds=OUR_ROUNDS,
        warmup_rounds=1,
    ).result
    ideal_cycles = operator.macs / (machine.array.rows * machine.array.cols)
    check_same_work(operator, ideal_cycles, result, theirs)
    seconds = benchmark.stats.stats.median
    whole_seconds = command_seconds(workload, tmp_path)
    at_once = run(without_latency(machine), workload, Options(cache=None)).result
    versions = ", ".join(f"{name} {version}" for name, version in theirs.versions.items())
    figures = [
        Figure("lockstep, `sim.run`", seconds, "s"),
        Figure(f"ZigZag, search of {theirs.mappings} orders", theirs.search_seconds, "s"),
        Figure("ZigZag / lockstep", theirs.search_seconds / seconds, "x", at_least=1),
        Figure("ZigZag, given order", theirs.given_seconds, "s"),
        Figure("given order / lockstep", theirs.given_seconds / seconds, "x"),
        Figure("ZigZag, API", theirs.api_seconds, "s"),
        Figure("lockstep, whole process", whole_seconds, "s"),
        Figure("ZigZag, whole process", theirs.command_seconds, "s"),
        Figure("ideal: MACs / PEs", ideal_cycles, "cycles"),
        Figure("lockstep", result.cycles, "cycles"),
        Figure("of these, for the memory's latency", result.cycles - at_once.cycles, "cycles"),
        Figure("ZigZag", theirs.cycles, "cycles"),
        Figure("of these, stalls", theirs.stall_cycles, "cycles"),
        Figure("loaded before", theirs.onload_cycles, "cycles"),
        Figure("stored after", theirs.offload_cycles, "cycles"),
        Figure("drain", theirs.drain_cycles, "cycles"),
        Figure("lockstep, read from memory", result.events()["memory_read_bytes"], "B"),
        Figure("ZigZag, read from memory", theirs.memory_read_bytes, "B"),
    ]
    state(benchmark, SECTION, f"{layer} ({versions})", figures, INCLUDES)
