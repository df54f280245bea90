"""TPU v1's published facts (Jouppi et al., ISCA 2017): peak, weight loads, weight memory."""

import pytest
from test_array_timing import Tile, simulate

from arch.load import load_machine
from sim.simulate import run
from traces.operators import Gemm, Workload

pytestmark = pytest.mark.compiled


def test_peak_is_92_tops() -> None:
    """Abstract and table 2: 92 TOPS of 65 536 MACs, two operations each, at 700 MHz."""
    assert round(2 * load_machine("tpu_v1").peak_macs_per_second / 1e12) == 92


@pytest.mark.validates("array.weight_load=overlapped", by="Jouppi 2017, section 2")
@pytest.mark.parametrize("vectors", [1, 100, 255, 256, 257, 1000])
def test_loading_a_weight_tile_hides_behind_256_vectors(vectors: int) -> None:
    """Section 2: a tile of weights takes 256 cycles to shift in, and a second one is buffered, so
    that a fold takes 256 cycles or its vectors, whichever is more."""
    machine = load_machine("tpu_v1", ["memory=null"])

    def cycles(folds: int) -> int:
        return simulate(machine, [Tile(vectors, 256, 256 * folds, 1, 1)]).now_tick

    period = simulate(machine, [Tile(1, 1, 1, 1, 1)]).ticks_of("core")
    assert cycles(9) - cycles(8) == max(vectors, 256) * period


@pytest.mark.validates("memory.operand_bytes_per_cycle", by="Jouppi 2017, figure 5")
@pytest.mark.parametrize("vectors", [100, 1000, 1300, 1400, 2000])
def test_weight_memory_limits_below_1350_vectors(vectors: int) -> None:
    """Figure 5: the roofline's ridge is at 1350 MACs a byte of weights, which is 34 GB/s for
    45.9 TMAC/s: with fewer vectors a weight, memory sets the time, with more the array does."""
    machine = load_machine("tpu_v1")
    work = Workload(
        name="fc", source="tests", operators=(Gemm(name="fc", m=vectors, n=2048, k=2048),)
    )
    result = run(machine, work).result
    tiles = (2048 // 256) ** 2
    by_memory = 2048 * 2048 / 34e9 * 700e6
    by_array = tiles * vectors
    assert result.cycles == pytest.approx(max(by_memory, by_array), rel=0.1)
    assert (by_memory > by_array) == (vectors < 1350)
