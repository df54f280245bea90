"""Co-simulations of wide words: the same outcome in every simulator, and none that is cut short."""

from pathlib import Path

import pytest
from twin_checks import SIMULATORS
from wide_fifo_twin import FaultyFifo, FifoTraffic, FifoTwin

from arch.errors import SimulationError
from rtl.lockstep import run as lockstep
from rtl.lockstep.run import Outcome, cosim, replay_command
from rtl.lockstep.simulators import reachable
from rtl.lockstep.twin import Batch
from rtl.verilog import verilog_of
from rtl.wrapper import TOP, Wrapper

SEED, CYCLES = 1, 6000


class Broken(FifoTraffic):
    """Fails in its third batch."""

    batches = 0

    def next(self, cycles: int) -> Batch:
        self.batches += 1
        if self.batches == 3:
            raise ZeroDivisionError("the model broke")
        return super().next(cycles)


class BrokenTwin(FifoTwin):
    def traffic(self, seed: int) -> FifoTraffic:
        return Broken(seed)


def without_time(outcome: Outcome) -> tuple[object, ...]:
    assert outcome.mismatch is not None
    parts = outcome.mismatch
    return (outcome.cycles, outcome.useful_cycles, outcome.coverage, parts.cycle, parts.differing)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_wide_words_agree_and_the_build_is_not_timed(simulator: str) -> None:
    outcome = cosim(FifoTwin(), SEED, CYCLES, simulator=simulator)
    assert outcome.mismatch is None
    assert outcome.cycles == CYCLES
    traffic = FifoTwin().traffic(SEED)
    traffic.next(CYCLES)
    assert outcome.coverage == traffic.coverage
    assert min(traffic.coverage.values()) > 20
    assert outcome.useful_cycles == traffic.useful_cycles < CYCLES
    # Verilating takes seconds, these cycles far less than one.
    assert outcome.seconds < 2


def test_a_fault_is_the_same_in_every_simulator() -> None:
    outcomes = [cosim(FifoTwin(FaultyFifo), SEED, CYCLES, simulator=s) for s in SIMULATORS]
    first = outcomes[0]
    assert first.mismatch is not None
    # Only what differs is told: words of 64 bits are not, because of their sign in the model.
    ((field, model, hardware),) = first.mismatch.differing
    assert field.name == "second.c"
    assert isinstance(hardware, int)
    assert model ^ hardware == 2
    assert model & 0xFF == 77
    assert model >= 2**63, "the case that this is about: choose another seed"
    for other in outcomes[1:]:
        assert without_time(other) == without_time(first)


def test_counters_of_a_bad_run_are_those_of_the_cycles_that_were_equal() -> None:
    outcome = cosim(FifoTwin(FaultyFifo), SEED, CYCLES)
    traffic = FifoTwin().traffic(SEED)
    traffic.next(outcome.cycles)
    assert 0 < outcome.cycles < CYCLES
    assert outcome.coverage == traffic.coverage
    assert outcome.useful_cycles == traffic.useful_cycles <= outcome.cycles


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_model_that_fails_is_no_run_that_passed(simulator: str) -> None:
    with pytest.raises(ZeroDivisionError, match="the model broke"):
        cosim(BrokenTwin(), SEED, CYCLES, simulator=simulator)


def test_a_simulator_that_ends_early_is_no_run_that_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lockstep, "_run_library", lambda *_: (41, None))
    with pytest.raises(SimulationError, match="batch ended after 41 of 100 cycles"):
        cosim(FifoTwin(), SEED, 100)


def test_the_replayed_run_ends_with_the_bad_cycle(tmp_path: Path) -> None:
    command = replay_command("my machine.yaml", ["array.rows=4"], "fifo", 1, "batch")
    mismatch = cosim(FifoTwin(FaultyFifo), SEED, CYCLES, replay=command).mismatch
    assert mismatch is not None
    assert mismatch.replay == (
        "lockstep cosim 'my machine.yaml' --unit fifo --seed 1 --simulator batch "
        f"--set array.rows=4 --cycles {mismatch.cycle + 1}"
    )
    again = cosim(FifoTwin(FaultyFifo), SEED, mismatch.cycle + 1).mismatch
    assert again is not None
    assert again.cycle == mismatch.cycle
    assert cosim(FifoTwin(FaultyFifo), SEED, mismatch.cycle).mismatch is None


def test_only_the_wrapper_is_open_to_cocotb() -> None:
    wrapper = Wrapper(FifoTwin().component)
    text = verilog_of(wrapper, TOP, wrapper.ports)
    opened = reachable(text)
    top, rest = opened.split("endmodule", 1)
    assert top.count("/*verilator public_flat_rw*/") == 2 * len(wrapper.ports)
    assert "public" not in rest
    assert "input clk;" in rest
    assert opened.replace(" /*verilator public_flat_rw*/", "") == text
