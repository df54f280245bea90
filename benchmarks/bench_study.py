"""Ten thousand machines: how long a study takes, and how much of that is not simulation."""

import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from figures import Figure, state

from arch.load import load_machine
from arch.machine import Machine
from sim.simulate import run as simulate
from sim.study import Outcome, Settings, StudySpec, run, study_of
from sim.study.driver import Status
from sim.study.evaluate import Evaluate
from sim.study.record import Record
from traces.operators import Workload
from traces.workload import load

SECTION = "Studies"
POINTS = 10_000
WORKERS = 2
SPACE = {
    "array.dataflow": ["ws", "os", "is"],
    "array.rows": {"first": 16, "last": 256, "factor": 2},
    "array.cols": {"first": 16, "last": 256, "factor": 2},
    "buffer.scratchpads.ifmap.capacity_kib": {"first": 128, "last": 1024, "factor": 2},
    "buffer.scratchpads.filter.capacity_kib": {"first": 128, "last": 1024, "factor": 2},
    "buffer.scratchpads.ofmap.capacity_kib": {"first": 128, "last": 1024, "factor": 2},
    "memory.bytes_per_cycle": {"first": 64, "last": 1024, "factor": 2},
}


def spec(points: int, workload: str | None) -> StudySpec:
    """Points drawn from 24 000 systolic arrays."""
    return StudySpec.model_validate(
        {
            "name": "benchmark",
            "machine": "systolic_128",
            "workloads": {"net": workload} if workload else {},
            "parameters": SPACE,
            "counted": {"energy": ("array", "accumulators", "scratchpads", "memory")},
            "objectives": {"seconds": "min", "pes" if workload is None else "energy_pj": "min"},
            "sampling": {"method": "random", "points": points},
        }
    )


class Timed(NamedTuple):
    """A study that ran."""

    outcome: Outcome
    wall_seconds: float
    later: list[Record]
    """Points after the first batch, when workers are warm."""
    each_seconds: float
    """Of the wall, for each of those."""


def timed(
    folder: Path, points: int, workload: str | None, own: Evaluate | None, settings: Settings
) -> Timed:
    """Run a study."""
    told: list[tuple[float, Sequence[Record]]] = []

    def tell(status: Status) -> None:
        told.append((time.perf_counter(), status.records))

    began = time.perf_counter()
    outcome = run(study_of(spec(points, workload), own), folder, settings, tell)
    wall = time.perf_counter() - began
    # The first is told before any point runs.
    later = [record for _, records in told[2:] for record in records]
    return Timed(outcome, wall, later, (told[-1][0] - told[1][0]) / len(later))


def test_ten_thousand_points(benchmark: Any, tmp_path: Path) -> None:
    simulate(load_machine("systolic_128"), load("resnet50").workload)
    settings = Settings(workers=WORKERS, cache_folder=tmp_path / "cache")

    def once() -> Timed:
        return timed(tmp_path / "cold", POINTS, "resnet50", None, settings)

    cold = benchmark.pedantic(once, rounds=1)
    warm = timed(tmp_path / "warm", POINTS, "resnet50", None, settings)
    assert len(cold.outcome.records) == POINTS
    assert cold.outcome.records == warm.outcome.records
    state(
        benchmark,
        SECTION,
        "10 000 systolic arrays, ResNet-50",
        [
            Figure("cold cache", cold.wall_seconds, "s", below=300),
            Figure("of that a point and worker", cold.wall_seconds * WORKERS / POINTS, "s"),
            Figure("the same again, warm cache", warm.wall_seconds, "s"),
            Figure("size of the cache", size_bytes(tmp_path / "cache"), "B"),
        ],
        "`sim.study.run` with two workers, from its call to its return: starting workers, drawing "
        "points, building machines, mapping and simulating every layer, areas and energies, the "
        "journal. The same points again take every layer from the cache; results are equal.",
    )


def size_bytes(folder: Path) -> int:
    """Of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


@cache
def squeezenet() -> Workload:
    """Read once a worker."""
    return load("squeezenet").workload


def simulated(machine: Machine) -> dict[str, float]:
    """A run without cache, and how long it took."""
    workload = squeezenet()
    began = time.perf_counter()
    result = simulate(machine, workload).result
    return {"seconds": result.seconds, "spent_s": time.perf_counter() - began}


def constant(machine: Machine) -> dict[str, float]:
    """Nothing at all."""
    return {"seconds": float(machine.array.rows)}


def test_overhead(benchmark: Any, tmp_path: Path) -> None:
    settings = Settings(workers=WORKERS)
    count = 400

    def once() -> Timed:
        return timed(tmp_path / "simulated", count, None, simulated, settings)

    ran = benchmark.pedantic(once, rounds=1)
    spent = sum(record.metrics["spent_s"] for record in ran.later) / len(ran.later)
    each = ran.each_seconds * WORKERS
    nothing = timed(tmp_path / "constant", POINTS, None, constant, settings).each_seconds * WORKERS
    state(
        benchmark,
        SECTION,
        "what a point costs beside its simulation",
        [
            Figure("worker's time less simulation", each - spent, "s", below=2e-3),
            Figure("simulation, squeezenet", spent, "s"),
            Figure("worker's time of points that do nothing", nothing, "s", below=2e-3),
        ],
        "The study's own function simulates and times itself; what is left of the workers' time is "
        "the study's: naming a point, building its machine, sending it there and back, journal.",
    )
