"""Cycles a second of decoder layers, beside NeuPIMs': ``pytest benchmarks/bench_neupims.py``.

Its rates are cycles of whole runs over user seconds (tests/golden/neupims_runs.csv).
"""

import sys
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from figures import Figure, state

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "sim"))

from neupims_runs import Run, runs, simulate

AT_LEAST = 50
"""Times its rate, in runs of no more than RATE_MAX; it is faster where it waits for PIM alone."""
RATE_MAX = 3200
INCLUDES = (
    "A whole run in seconds of the processor, lowering included, each stage simulated, none "
    "reused. Its rate is that recorded for the same run, in user seconds. `Commands`: of cores and "
    "channels."
)


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("run", runs(), ids=lambda run: run.name)
def test_cycles_a_second(benchmark: Any, run: Run) -> None:
    ours = benchmark.pedantic(lambda: simulate(run), rounds=3, iterations=1, warmup_rounds=1)
    seconds = benchmark.stats.stats.median
    rate, its = ours.cycles["all"] / seconds, run.cycles["all"] / run.cpu_s
    least = AT_LEAST if its <= RATE_MAX else None
    state(
        benchmark,
        "NeuPIMs' decoder layers",
        run.name,
        [
            Figure("simulated", ours.cycles["all"], "cycles"),
            Figure("rate", rate, "cycles/s"),
            Figure("NeuPIMs'", its, "cycles/s"),
            Figure("ratio", rate / its, "x", at_least=least),
            Figure("commands", ours.commands / seconds, "commands/s"),
        ],
        INCLUDES,
    )
