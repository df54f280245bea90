"""A few mutants of arrays of SIMD engines."""

import pytest

from arch.array import Array
from arch.mac.engine import Engine, Mode
from rtl.lockstep.mutation.equivalence import equivalent, invariants_hold
from rtl.lockstep.mutation.judge import Judge
from rtl.lockstep.mutation.kernel import ENGINES, kernel_mutants, unchanged_differs_at
from rtl.lockstep.mutation.mac_array import EXACT_TWO, TIMED
from rtl.lockstep.mutation.mac_timing_table import MUTANTS
from rtl.lockstep.mutation.netlist import netlist_mutants
from rtl.lockstep.mutation.timing import changed_text, timing_mutants
from rtl.lockstep.mutation.timing_table import Mistake

CYCLES = 20_000


@pytest.fixture(scope="module")
def judge() -> Judge:
    modes = (Mode(input_format="posit4_1"), Mode(input_format="int4"))
    engine = Engine(word_bits=4, carry_bits=4, modes=modes)
    return Judge(Array(rows=2, cols=2, dataflow="os", engine=engine), seed=3, cycles=CYCLES)


def test_netlist_mutants_are_killed_or_proven_equivalent(judge: Judge) -> None:
    assert invariants_hold(judge)
    verdicts = netlist_mutants(judge, count=20, seed=5)
    assert len(verdicts) == 20
    living = [verdict for verdict in verdicts if verdict.killed_at is None]
    assert len(living) < 8
    assert all(equivalent(judge, verdict.change) for verdict in living)


def test_kernel_mutants_are_killed(judge: Judge) -> None:
    assert unchanged_differs_at([judge], ENGINES) is None
    verdicts = kernel_mutants([judge], count=20, seed=1, kernels=ENGINES)
    assert len(verdicts) == 20
    assert {verdict.mutant.split(":")[0] for verdict in verdicts} == {
        "engine.py",
        "registers_engine.py",
    }
    assert sum(verdict.killed_at is not None for verdict in verdicts) >= 8


@pytest.mark.parametrize("mistake", MUTANTS, ids=str)
def test_each_mistake_has_one_place(mistake: Mistake) -> None:
    assert mistake.wrong in changed_text(mistake)
    assert mistake.case in TIMED


def test_mistakes_of_modes_are_found() -> None:
    chosen = [mistake for mistake in MUTANTS if mistake.name == "mode a cycle late"]
    judges = {EXACT_TWO: Judge(TIMED[EXACT_TWO], seed=1, cycles=CYCLES)}
    [verdict] = timing_mutants(judges, chosen)
    assert verdict.killed_at is not None
    assert judges[EXACT_TWO].first_difference(judges[EXACT_TWO].hardware) is None
