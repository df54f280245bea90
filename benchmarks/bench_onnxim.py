"""Cycles a second of products on HBM2, beside ONNXim's: ``pytest benchmarks/bench_onnxim.py``.

Its rates are those of tests/golden/onnxim_runs.csv: cycles over seconds of one core of a shared
machine.
"""

import csv
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from figures import Figure, state

from arch.load import load_machine
from sim.simulate import run
from traces.operators import Gemm, Workload

RUNS = Path(__file__).parents[1] / "tests" / "golden" / "onnxim_runs.csv"
AT_LEAST = 10
"""Times its rate, in runs that are not so short that they measure what starting one costs."""
SHORT_CYCLES = 5000
BURST_BYTES = 32
MAPPING = (
    "mapping={{tile_sizes: exact, tile_m: 128, tile_n: 128, tile_k: {k}, loop_order: {order}, "
    "partition: {partition}}}"
)
INCLUDES = (
    "A whole run in seconds of the processor, mapping included, with ONNXim's tiles: 128 x 128 of "
    "all of the depth. Its rate is that recorded for the same product, cores and memory, in user "
    "seconds. `Bursts`: of 32 bytes, read and written."
)
SHARED = {(1024, 1024): ("nmk", "mn"), (2048, 2048): ("mnk", "n"), (1, 1024): ("nmk", "n")}
"""Loop order and split over four cores; smaller products have one."""


def rows() -> list[dict[str, str]]:
    with RUNS.open() as file:
        return [row for row in csv.DictReader(file) if row["memory"] == "hbm2"]


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['m']}-{row['cores']}")
def test_cycles_a_second(benchmark: Any, row: dict[str, str]) -> None:
    m, n, k, cores = (int(row[name]) for name in ("m", "n", "k", "cores"))
    order, partition = SHARED.get((m, n), ("nmk", "n"))
    used = cores if (m, n) in SHARED else 1
    mapping = MAPPING.format(k=k, order=order, partition=partition)
    machine = load_machine("onnxim_ws128_hbm2", [f"cores={used}", mapping])
    product = Gemm(name="product", m=m, n=n, k=k)
    work = Workload(name="product", source="ONNXim", operators=(product,))
    result = benchmark.pedantic(
        lambda: run(machine, work).result, rounds=5, iterations=1, warmup_rounds=1
    )
    seconds = benchmark.stats.stats.median
    least = AT_LEAST if result.cycles > SHORT_CYCLES else None
    rate, its = result.cycles / seconds, float(row["cycles_per_cpu_s"])
    counts = result.events()
    bursts = (counts["memory_read_bytes"] + counts["memory_write_bytes"]) // BURST_BYTES
    state(
        benchmark,
        "ONNXim's products on HBM2",
        f"{m} x {k} x {n}, {cores} cores",
        [
            Figure("simulated", result.cycles, "cycles"),
            Figure("rate", rate, "cycles/s"),
            Figure("ONNXim's", its, "cycles/s"),
            Figure("ratio", rate / its, "x", at_least=least),
            Figure("bursts", bursts / seconds, "bursts/s"),
        ],
        INCLUDES,
    )
