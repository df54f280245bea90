"""Runs: sums, windows, checkpoints, and what is refused."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from contract import circular
from hypothesis import given
from hypothesis import strategies as st
from scenarios import scenario

from arch.errors import InputError, SimulationError
from arch.machine import Machine
from sim.deadlock import explain
from sim.result import Result
from sim.simulate import Options, Run, Simulation, run
from sim.system import System
from traces.mapping.systolic import lower
from traces.operators import Workload


def machine_and_workload(seed: int) -> tuple[Machine, Workload]:
    machine, workload, _ = scenario(seed)
    return machine, workload


def events(result: Result) -> Counter[str]:
    return Counter(result.events())


@given(seed=st.integers(0, 2**32))
def test_parts_add_up(seed: int) -> None:
    machine, workload = machine_and_workload(seed)
    result = run(machine, workload).result
    assert result.complete
    assert sum(operator.cycles for operator in result.operators) == result.cycles
    assert result.macs == sum(getattr(o, "macs", 0) for o in workload.operators)
    assert [o.name for o in result.operators] == [o.name for o in workload.operators]
    for unit in result.units:
        assert sum(unit.cycles_by_cause.values()) == unit.cycles
        assert abs(unit.cycles - result.seconds * unit.clock_khz * 1000) < 1
    for operator in result.operators:
        assert 0 <= operator.stall_cycles <= operator.cycles
        assert 0 <= operator.utilisation <= 1


@given(seed=st.integers(0, 2**32), cut=st.floats(0.01, 0.99))
def test_two_windows_make_the_whole(seed: int, cut: float) -> None:
    machine, workload = machine_and_workload(seed)
    whole = run(machine, workload).result
    middle = max(1, int(whole.cycles * cut))
    first = run(machine, workload, Options(until_cycle=middle)).result
    second = run(machine, workload, Options(from_cycle=middle)).result
    warm = run(machine, workload, Options(warmup_cycles=middle)).result
    assert warm == second
    assert (first.complete, second.complete) == (False, True)
    assert first.cycles + second.cycles == whole.cycles
    assert events(first) + events(second) == events(whole)
    for a, b, c in zip(first.units, second.units, whole.units, strict=True):
        for cause, cycles in c.cycles_by_cause.items():
            assert abs(a.cycles_by_cause[cause] + b.cycles_by_cause[cause] - cycles) <= 1


def same_run(a: Run, b: Run) -> bool:
    assert a.log is not None
    assert b.log is not None
    return a.result == b.result and all(
        np.array_equal(getattr(a.log, name), getattr(b.log, name))
        for name in ("commands", "start_ticks", "end_ticks")
    )


@given(seed=st.integers(0, 2**32), cut=st.floats(0, 0.999), window=st.booleans())
def test_a_resumed_run_ends_like_an_uninterrupted_one(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cut: float, window: bool
) -> None:
    machine, workload = machine_and_workload(seed)
    length = run(machine, workload).result.cycles
    options = Options(log_commands=True)
    if window:
        options = replace(options, from_cycle=length // 3, until_cycle=length // 3 * 2 + 1)
        length = length // 3 * 2
    whole = run(machine, workload, options)
    path = tmp_path_factory.mktemp("checkpoint") / "run.ckpt"
    at = replace(options, checkpoint_path=path, checkpoint_cycle=int(length * cut))
    assert same_run(run(machine, workload, at), whole)
    resumed = run(machine, workload, replace(options, resume_path=path))
    assert same_run(resumed, whole)


def test_forced_and_shuffled_runs_give_the_same_result() -> None:
    machine, workload = machine_and_workload(11)
    whole = run(machine, workload).result
    assert Simulation(machine, workload, force=True, seed=9).run().result == whole


def test_progress_is_told() -> None:
    machine, workload = machine_and_workload(11)
    told: list[tuple[int, int, str, int]] = []
    run(machine, workload, progress=lambda *where: told.append(where))
    assert told[-1][0] == told[-1][1] - 1
    assert [cycle for *_, cycle in told] == sorted(cycle for *_, cycle in told)


REFUSED = {
    "end first": (Options(from_cycle=10, until_cycle=10), "must be greater than --from"),
    "past the end": (Options(from_cycle=10**9), "the run ends at cycle"),
    "late checkpoint": (
        Options(checkpoint_path=Path("never"), checkpoint_cycle=10**9),
        "--checkpoint-at is cycle 1000000000, but the run ends at cycle",
    ),
    "no checkpoint": (Options(resume_path=Path("nothing")), "checkpoint nothing: cannot be read"),
    "no folder": (Options(checkpoint_path=Path("no/such/x")), "cannot be written"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_wrong_options_say_what_is_right(case: str) -> None:
    options, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        run(*machine_and_workload(11), options)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    machine, workload = machine_and_workload(11)
    path = tmp_path / "run.ckpt"
    run(machine, workload, Options(checkpoint_path=path, checkpoint_cycle=5))
    other, other_workload = machine_and_workload(12)
    with pytest.raises(InputError, match="the machine differs"):
        run(other, workload, Options(resume_path=path))
    with pytest.raises(InputError, match="the workload differs"):
        run(machine, other_workload, Options(resume_path=path))


@pytest.mark.parametrize("keep", [0, 10, 1000])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, keep: int) -> None:
    machine, workload = machine_and_workload(11)
    path = tmp_path / "run.ckpt"
    run(machine, workload, Options(checkpoint_path=path, checkpoint_cycle=5))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a checkpoint, or damaged"):
        run(machine, workload, Options(resume_path=path))


def test_a_deadlock_names_who_waits_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, workload = machine_and_workload(11)
    step = next(iter(lower(workload, machine)))
    stuck = replace(step, trace=circular(step.trace))
    system = System(machine)
    system.load(stuck.trace)
    system.advance()
    assert "core0.load: command 0 (LOAD) waits for command 0 (LOAD)" in explain(system, stuck)
    simulation = Simulation(machine, workload)
    monkeypatch.setattr(type(simulation._lowering), "step", lambda self, index: stuck)
    with pytest.raises(SimulationError, match=r"deadlock at tick .* in operator 'conv'"):
        simulation.run()
