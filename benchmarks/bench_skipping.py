"""What skipping buys: the same run with every unit stepped at every edge of its clock."""

from typing import Any

import numpy as np
import pytest
from figures import Figure, seconds_of, state
from phases import lowered, stepped

from arch.load import load_machine
from traces.workload import load

CASES = {
    "`systolic_128`": (),
    "the same, DMA requests of 4 KiB": ("buffer.dma.request_bytes=4096",),
    "the same, no memory": ("memory=null",),
}


@pytest.mark.parametrize("case", CASES)
def test_skipping(benchmark: Any, case: str) -> None:
    machine = load_machine("systolic_128", CASES[case])
    steps = lowered(machine, load("resnet50").workload)
    skipped = benchmark.pedantic(stepped, args=(machine, steps), rounds=9, warmup_rounds=1)
    seconds = benchmark.stats.stats.median
    forced_seconds = seconds_of(lambda: stepped(machine, steps, force=True), 5)
    forced = stepped(machine, steps, force=True)
    assert forced.now_tick == skipped.now_tick
    assert np.array_equal(forced.state.arrays, skipped.state.arrays)
    state(
        benchmark,
        "What skipping buys",
        case,
        [
            Figure("simulated", skipped.now_tick, "cycles"),
            Figure("skipping", seconds, "s"),
            Figure("every edge of every unit", forced_seconds, "s"),
            Figure("ratio", forced_seconds / seconds, "x", at_least=1),
        ],
        "ResNet-50's commands, stepping alone; both end in the same state.",
    )
