"""Runs with a cache give what runs without give, whatever the cache holds."""

import threading
from pathlib import Path

import pytest
import scenarios

from arch.load import load_machine, with_overrides
from arch.machine import Machine
from sim.cache import Cache
from sim.cached import CachedRun
from sim.result import Result
from sim.simulate import Options, run
from traces.operators import Gemm, Workload
from traces.workload import load


def random_machine(seed: int) -> tuple[Machine, Workload]:
    """A machine, and operators that come twice so that some are met again in another phase."""
    machine, work, _ = scenarios.scenario(seed)
    again = tuple(
        each.model_copy(
            update={
                "name": f"{each.name}_again",
                "inputs": tuple(f"{name}_again" for name in each.inputs),
            }
        )
        for each in work.operators
    )
    return machine, work.model_copy(update={"operators": (*work.operators, *again)})


def with_cache(machine: Machine, workload: Workload, folder: Path) -> Result:
    with Cache(folder) as cache:
        return run(machine, workload, Options(cache=cache)).result


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.compiled) for seed in range(3, 60))]
)
def test_random_machines(seed: int, tmp_path: Path) -> None:
    machine, workload = random_machine(seed)
    plain = run(machine, workload).result
    assert with_cache(machine, workload, tmp_path) == plain
    assert with_cache(machine, workload, tmp_path) == plain


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["tpu_v1", "tpu_v3", "gemmini_16", "scalesim_32"])
def test_networks(name: str, tmp_path: Path) -> None:
    machine = load_machine(name)
    source = "resnet50" if machine.vector else "gpt2:decode=64"
    workload = load(source).workload
    if machine.vector is None:
        products = tuple(
            each.model_copy(update={"inputs": ()})
            for each in workload.operators
            if isinstance(each, Gemm)
        )
        workload = workload.model_copy(update={"operators": products})
    plain = run(machine, workload).result
    assert with_cache(machine, workload, tmp_path) == plain
    assert with_cache(machine, workload, tmp_path) == plain


@pytest.mark.compiled
def test_dram_remembers_from_step_to_step(tmp_path: Path) -> None:
    machine = load_machine("systolic_32", ["memory={standard: DDR4, channels: 2}"])
    workload = load("gpt2:decode=16").workload
    plain = run(machine, workload).result
    assert with_cache(machine, workload, tmp_path) == plain
    assert with_cache(machine, workload, tmp_path) == plain


class Counting(Cache):
    """Knows how often a value was not there."""

    misses = 0

    def get(self, key: bytes) -> bytes | None:
        found = super().get(key)
        self.misses += found is None
        return found


def misses(machine: Machine, workload: Workload, folder: Path) -> int:
    with Counting(folder) as cache:
        run(machine, workload, Options(cache=cache))
        return cache.misses


def test_a_step_depends_on_what_its_units_are(tmp_path: Path) -> None:
    machine, workload = load_machine("systolic_32"), small()
    assert misses(machine, workload, tmp_path) > 0
    for same in ("name=other", "source=other", "technology=45nm", "assumed=[array.rows]"):
        assert misses(with_overrides(machine, [same]), workload, tmp_path) == 0, same
    for other in ("array.rows=16", "memory.latency_cycles=7", "buffer.dma.outstanding=3"):
        assert misses(with_overrides(machine, [other]), workload, tmp_path) > 0, other


def test_products_do_not_depend_on_the_vector_unit(tmp_path: Path) -> None:
    machine, workload = load_machine("systolic_32"), small()
    every = misses(machine, workload, tmp_path)
    assert 0 < misses(with_overrides(machine, ["vector.lanes=5"]), workload, tmp_path) < every


def small() -> Workload:
    """A product alone, and a vector operator."""
    _, work, _ = scenarios.scenario(1)
    kept = tuple(each for each in work.operators if each.kind in ("Gemm", "Softmax"))
    return work.model_copy(
        update={"operators": tuple(each.model_copy(update={"inputs": ()}) for each in kept)}
    )


def test_options_that_need_every_cycle_do_without(tmp_path: Path) -> None:
    machine, workload = load_machine("systolic_32"), small()
    with Counting(tmp_path) as cache:
        done = run(machine, workload, Options(cache=cache, log_commands=True))
    assert done.log is not None
    assert cache.misses == 0


def test_two_processes_worth_of_runs_at_once(tmp_path: Path) -> None:
    machine, workload = random_machine(3)
    plain = run(machine, workload).result
    found: list[Result] = []
    threads = [
        threading.Thread(target=lambda: found.append(with_cache(machine, workload, tmp_path)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [plain] * 4


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int, str, int]] = []
    machine, workload = load_machine("systolic_32"), small()
    with Cache(tmp_path) as cache:
        done = run(machine, workload, Options(cache=cache), lambda *row: told.append(row))
        steps = len(CachedRun(machine, workload, cache).lowering)
    assert [row[:2] for row in told] == [(index, steps) for index in range(steps)]
    assert told[-1][3] == done.result.cycles
