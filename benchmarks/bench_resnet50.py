"""All of ResNet-50 on 128 x 128 with scratchpads, DMA and memory simulated."""

from pathlib import Path
from typing import Any

import pytest
from figures import Figure, seconds_of, state
from phases import lowered, stepped

from arch.load import load_machine
from sim.simulate import run
from traces.workload import load

NETWORKS = {
    "the ONNX graph, with its vector operators": "resnet50",
    "SCALE-Sim's list of its layers": str(Path(__file__).with_name("scalesim_resnet50.csv")),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_resnet50(benchmark: Any, network: str) -> None:
    machine = load_machine("systolic_128", ())
    workload = load(NETWORKS[network]).workload
    result = benchmark.pedantic(run, args=(machine, workload), rounds=9, warmup_rounds=1).result
    seconds = benchmark.stats.stats.median
    steps = lowered(machine, workload)
    mapping_seconds = seconds_of(lambda: lowered(machine, workload), 5)
    engine_seconds = seconds_of(lambda: stepped(machine, steps), 5)
    events = result.events()
    requests = events["memory_requests"]
    state(
        benchmark,
        "All of ResNet-50 on 128 x 128 PEs (`systolic_128`)",
        network,
        [
            Figure("all of it", seconds, "s", below=1),
            Figure("of that mapping", mapping_seconds, "s"),
            Figure("of that stepping units", engine_seconds, "s"),
            Figure("simulated", result.cycles, "cycles"),
            Figure("simulated a second", result.cycles / seconds, "cycles/s"),
            Figure("folds a second", events["folds"] / seconds, "folds/s"),
            Figure("DMA requests", requests, "requests"),
            Figure("DMA requests a second", requests / seconds, "requests/s"),
            Figure("stepping, a DMA request", engine_seconds / requests, "s"),
        ],
        "`sim.run` on a workload that is loaded, kernels compiled: mapping to commands, stepping "
        "every unit, results. One core.",
    )
