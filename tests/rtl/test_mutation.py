"""A few mutants of each kind, and the record of all of them."""

import json
from copy import copy
from pathlib import Path

import pytest

from arch.array import Array
from rtl.lockstep.mutation.argued import ARGUED
from rtl.lockstep.mutation.equivalence import equivalent, invariants_hold
from rtl.lockstep.mutation.judge import CASES, Judge, Verdict
from rtl.lockstep.mutation.kernel import kernel_mutants, unchanged_differs_at
from rtl.lockstep.mutation.netlist import netlist_mutants
from rtl.lockstep.mutation.record import GOAL, Kind, Record
from rtl.lockstep.mutation.timing import changed_text, timing_mutants
from rtl.lockstep.mutation.timing_table import MUTANTS, OS, WS, Mistake

RECORD = Path(__file__).parents[2] / "docs" / "validation" / "mutation.json"
CYCLES = 20_000


@pytest.fixture(scope="module")
def judge() -> Judge:
    array = Array(rows=2, cols=2, dataflow="ws", operand_format="int4", accumulator_rows=2)
    return Judge(array, seed=3, cycles=CYCLES)


@pytest.fixture(scope="module")
def verdicts(judge: Judge) -> list[Verdict]:
    return netlist_mutants(judge, count=30, seed=5)


def test_netlist_mutants_are_killed_or_proven_equivalent(
    judge: Judge, verdicts: list[Verdict]
) -> None:
    assert len(verdicts) == 30
    living = [verdict for verdict in verdicts if verdict.killed_at is None]
    assert len(living) < 10
    assert all(equivalent(judge, verdict.change) for verdict in living)


def test_the_prover_refutes_what_was_killed(judge: Judge, verdicts: list[Verdict]) -> None:
    assert invariants_hold(judge)
    killed = [verdict for verdict in verdicts if verdict.killed_at is not None]
    assert not any(equivalent(judge, verdict.change) for verdict in killed[::4])


def test_a_register_with_another_clock_is_not_the_same(judge: Judge) -> None:
    cell = next(cell for cell in sorted(judge.state_cells) if "grid" in cell)
    change = f"mutate -ctrl mutant 16 1 -mode inv -module twin -cell {cell} -port CLK -portbit 0"
    assert not equivalent(judge, change)


def test_an_invariant_that_does_not_hold_is_refuted(judge: Judge) -> None:
    assert "2'10\n" in judge.flat
    changed = copy(judge)
    changed.flat = judge.flat.replace("2'10\n", "2'01\n")
    assert not invariants_hold(changed)


def test_kernel_mutants_are_killed_or_argued(judge: Judge) -> None:
    other = Judge(Array(rows=2, cols=2, dataflow="os"), seed=3, cycles=CYCLES)
    verdicts = kernel_mutants([judge, other], count=12, seed=1)
    assert len(verdicts) == 12
    assert sum(verdict.killed_at is not None for verdict in verdicts) >= 8


def test_kernels_without_a_mutant_agree(judge: Judge) -> None:
    assert unchanged_differs_at([judge]) is None


@pytest.mark.parametrize("mistake", MUTANTS, ids=str)
def test_each_mistake_has_one_place(mistake: Mistake) -> None:
    assert mistake.wrong in changed_text(mistake)


def test_a_mistake_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"rtl/stream.py: 0 times, not once: 'no such text'"):
        changed_text(MUTANTS[0]._replace(right="no such text"))


def test_mistakes_of_timing_are_found() -> None:
    names = {"stream starts a beat late", "swap a beat late", "flags a stage early"}
    chosen = [mistake for mistake in MUTANTS if mistake.name in names]
    judges = {case: Judge(CASES[case], seed=1, cycles=CYCLES) for case in (WS, OS)}
    verdicts = timing_mutants(judges, chosen)
    assert len(verdicts) == len(names)
    assert all(verdict.killed_at is not None for verdict in verdicts)
    assert judges[WS].first_difference(judges[WS].hardware) is None


def test_the_score_leaves_equivalent_mutants_out() -> None:
    record = Record(seed=1, cycles=10)
    record.kinds["netlist"] = Kind(mutants=100, killed=98, equivalent={"a": "proven by SAT"})
    record.kinds["netlist"].lived = ["b"]
    assert record.score == 98 / 99
    assert not record.passes
    record.kinds["netlist"].killed = 99
    assert record.passes
    record.distrusted = ["invariants"]
    assert not record.passes


def test_an_argument_holds_for_its_mutant_only() -> None:
    record = Record(seed=1, cycles=10)
    argued = next(iter(ARGUED))
    record.add_kernel([Verdict(argued, None, ""), Verdict(argued + "!", None, "")])
    assert record.kinds["kernel"].lived == [argued + "!"]


def test_the_recorded_score() -> None:
    record = json.loads(RECORD.read_text())
    assert record["score"] >= GOAL
    assert not record["distrusted"]
    counts = {kind: record[kind]["mutants"] for kind in ("netlist", "kernel", "timing")}
    assert counts["netlist"] >= 300
    assert counts["kernel"] >= 100
    assert counts["timing"] == len(MUTANTS) >= 30
