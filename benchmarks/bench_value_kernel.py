"""PE updates a second of the value kernel: ``pytest benchmarks/bench_value_kernel.py``.

A PE update is one PE in one cycle. The time is that of ``run_tile``: laying out the operands,
stepping every register, gathering the product.
"""

from typing import Any

import numpy as np
import pytest
from figures import Figure, state

from arch.array import Array
from sim.array.value import run_tile

TARGET_UPDATES_PER_SECOND = 200e6
INCLUDES = (
    "A PE update is one PE in one cycle, with all its registers; laying out the operands and "
    "gathering the product are included."
)


@pytest.mark.parametrize("p", [1, 4])
@pytest.mark.parametrize("dataflow", ["ws", "is", "os"])
@pytest.mark.parametrize("size", [16, 128])
def test_pe_updates_per_second(benchmark: Any, size: int, dataflow: Any, p: int) -> None:
    array = Array(rows=size, cols=size, dataflow=dataflow, pe_latency_cycles=p)
    streamed, spatial = 4000, 4 * size
    m, n, k = {
        "ws": (streamed, spatial, spatial),
        "is": (spatial, streamed, spatial),
        "os": (spatial, spatial, streamed),
    }[dataflow]
    random = np.random.default_rng(0)
    a = random.integers(-128, 128, (1, m, k), dtype=np.int8)
    b = random.integers(-128, 128, (1, k, n), dtype=np.int8)
    values = benchmark.pedantic(
        run_tile, args=(array, a, b), rounds=5, iterations=1, warmup_rounds=1
    )
    updates_per_second = values.cycles * size * size / benchmark.stats.stats.median
    assert np.array_equal(values.output[0, :8], a[0, :8].astype(int) @ b[0].astype(int))
    state(
        benchmark,
        "The value kernel",
        f"`{dataflow}`, {size} x {size} PEs of latency {p}",
        [
            Figure(
                "PE updates a second",
                updates_per_second,
                "updates/s",
                at_least=TARGET_UPDATES_PER_SECOND,
            )
        ],
        INCLUDES,
    )
