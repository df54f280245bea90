"""Whole decoder layers, beside NeuPIMs' simulator."""

import pytest
from neupims_page import PAGE, TOLERANCE, page
from neupims_runs import Ours, Run, runs, simulate

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def results() -> dict[Run, Ours]:
    return {run: simulate(run) for run in runs()}


@pytest.mark.validates(
    "array.copies", "array.drain=preloaded", "array.empty_load_cycles", by="NeuPIMs"
)
def test_whole_runs_take_its_cycles(results: dict[Run, Ours]) -> None:
    """Within 10 %; causes are in docs/neupims_runs.md."""
    off = {run.name: ours.cycles["all"] / run.cycles["all"] - 1 for run, ours in results.items()}
    assert len(off) == 6
    assert all(abs(each) < TOLERANCE for each in off.values()), off


def test_heads_in_turn_take_its_cycles(results: dict[Run, Ours]) -> None:
    """Attention of npu_only, where the array alone counts."""
    ((run, ours),) = [(x, y) for x, y in results.items() if x.system == "npu_only"]
    its, own = (
        next(each.end - each.start for each in found if each.name == "attention")
        for found in (run.operations(), ours.operations)
    )
    assert abs(own / its - 1) < 0.01


def test_stages_that_attend_take_its_cycles(results: dict[Run, Ours]) -> None:
    """Alone within 8 %: those that the memory does not share with products."""
    for run, ours in results.items():
        if "B" in run.cycles and not run.interleaved:
            assert abs(ours.cycles["B"] / run.cycles["B"] - 1) < 0.08, run.name


def test_one_instruction_a_cycle_is_what_costs_the_baseline(results: dict[Run, Ours]) -> None:
    """The attention of the throttled baseline is as much slower as it measured."""
    by_name = {run.name: (run, ours) for run, ours in results.items()}
    (_, dual), (_, single) = by_name["tiny-u64-neupims-off"], by_name["tiny-u64-npupim"]
    assert single.cycles["B"] / dual.cycles["B"] == pytest.approx(139911 / 27745, rel=0.05)


def test_the_page_is_of_these_runs(results: dict[Run, Ours]) -> None:
    assert page(results) == PAGE.read_text(), "run tests/sim/neupims_page.py"
