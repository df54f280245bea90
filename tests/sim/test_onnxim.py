"""ONNXim's products: its cycles where the mapping is its own, fewer with ours."""

import pytest
from onnxim import Case, cases
from onnxim_page import FURTHER, PAGE, TOLERANCE, page

from arch.load import load_machine
from sim import engine
from sim.system import System
from traces.mapping.systolic import lower
from traces.operators import Gemm, Workload

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def results() -> dict[Case, tuple[int, int]]:
    """Cycles with its mapping, and with ours."""
    return {case: (case.ours(), case.own()) for case in cases()}


@pytest.mark.validates(
    "array.empty_load_cycles",
    "memory.latency_cycles",
    "memory.bytes_per_cycle",
    "dram.port_clock",
    "mapping.tile_sizes=exact",
    "mapping.partition=mn",
    "mapping.partition=n",
    by="ONNXim",
)
def test_cycles_with_its_mapping_are_its_own(results: dict[Case, tuple[int, int]]) -> None:
    """Within 5 %; runs that are not have a cause in docs/onnxim.md, and are no further off than
    ten."""
    for case, (ours, _) in results.items():
        off = abs(ours / case.cycles - 1)
        assert (off > TOLERANCE) == (case.name in FURTHER), (case.name, off)
        assert off < 2 * TOLERANCE, (case.name, off)


@pytest.mark.validates("buffer.load_to_use_cycles", by="ONNXim")
@pytest.mark.parametrize("side", [128, 256])
def test_a_pipeline_before_the_array_costs_as_much(side: int) -> None:
    """As loads of an empty array do, where few loads find one that works."""
    pipeline = ["array.empty_load_cycles=null", "buffer.dma.load_to_use_cycles=127"]
    (case,) = [x for x in cases() if x.m == x.k == x.n == side and x.memory == "simple"
               and x.machine == "ws128" and x.cores == 1]  # fmt: skip
    assert case.cycles_with([*case.settings(), *pipeline]) == case.ours()
    without = case.cycles_with([*case.settings(), "array.empty_load_cycles=null"])
    assert without == case.ours() - 127


def test_our_mapping_uses_all_cores_at_512(results: dict[Case, tuple[int, int]]) -> None:
    """ONNXim's four cores are as slow as one there, which gets the only block."""
    of = {case.name: (case.cycles, own) for case, (_, own) in results.items()}
    theirs, own = of["512 x 512 x 512, ws128 hbm2, 4 cores"]
    alone, _ = of["512 x 512 x 512, ws128 simple, 1 cores"]
    assert theirs > 0.99 * alone
    assert own < theirs / 1.5
    work = Workload(name="w", source="t", operators=(Gemm(name="g", m=512, n=512, k=512),))
    (step,) = lower(work, load_machine("onnxim_ws128_hbm2"))
    assert set(step.trace.commands["queue"] // 4) == {0, 1, 2, 3}


def test_our_mapping_is_no_slower_on_four_cores(results: dict[Case, tuple[int, int]]) -> None:
    """But at 256, where both take one core."""
    for case, (_, own) in results.items():
        if case.cores == 4 and case.m != 256:
            assert own < case.cycles, case.name


def test_blocks_are_those_that_it_prints() -> None:
    """Blocks of the output that its log tells."""
    found = {(case.machine, case.cores, case.m, case.n): case.blocks() for case in cases()}
    assert found["ws128", 4, 512, 512] == (1, 1)
    assert found["ws128", 4, 1024, 1024] == (2, 2)
    assert found["ws128", 4, 2048, 2048] == (4, 4)
    assert found["ws128", 4, 1, 1024] == (1, 4)
    assert found["ws128", 1, 1, 1024] == (1, 2)
    assert found["ws8", 1, 128, 128] == (4, 4)


def test_products_are_the_same_with_every_edge_forced() -> None:
    """Late weights and ports of their own clock are skipped over exactly."""
    for case in cases():
        if case.m == 128:
            machine = load_machine(case.config, case.settings())
            work = Workload(name="w", source="t", operators=(Gemm(name="g", m=case.m, n=case.n,
                            k=case.k),))  # fmt: skip
            system = System(machine, force=True)
            for step in lower(work, machine):
                system.load(step.trace)
                assert system.advance() == engine.DONE
            assert -(-system.now_tick // system.ticks_of("core")) == case.ours()


def test_the_page_has_these_cycles(results: dict[Case, tuple[int, int]]) -> None:
    assert PAGE.read_text() == page(results), "run python tests/sim/onnxim_page.py"
