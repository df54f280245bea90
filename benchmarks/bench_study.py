"""Ten thousand machines: how long a study takes, and how much of that is not simulation."""

import time
from functools import cache
from pathlib import Path
from typing import Any

from figures import Figure, state

from arch.load import load_machine
from arch.machine import Machine
from sim.simulate import run as simulate
from sim.study import Outcome, Settings, StudySpec, run, study_of
from sim.study.driver import Status
from sim.study.evaluate import Evaluate
from traces.operators import Workload
from traces.workload import load

SECTION = "Studies"
POINTS = 10_000
WORKERS = 2
SPACE = {
    "array.dataflow": ["ws", "os", "is"],
    "array.rows": {"first": 32, "last": 256, "factor": 2},
    "array.cols": {"first": 32, "last": 256, "factor": 2},
    "buffer.scratchpads.ifmap.capacity_kib": {"first": 128, "last": 1024, "factor": 2},
    "buffer.scratchpads.filter.capacity_kib": {"first": 128, "last": 1024, "factor": 2},
    "buffer.scratchpads.ofmap.capacity_kib": {"first": 128, "last": 1024, "factor": 2},
    "memory.bytes_per_cycle": {"first": 64, "last": 1024, "factor": 2},
}


def spec(points: int, workload: str | None) -> StudySpec:
    """Points drawn from 15 360 systolic arrays."""
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


def timed(
    folder: Path, points: int, workload: str | None, own: Evaluate | None, settings: Settings
) -> tuple[Outcome, float, float]:
    """A study, its wall seconds, and those a point between the first and the last batch."""
    told: list[tuple[float, int]] = []

    def tell(status: Status) -> None:
        told.append((time.perf_counter(), status.fresh))

    began = time.perf_counter()
    outcome = run(study_of(spec(points, workload), own), folder, settings, tell)
    wall = time.perf_counter() - began
    (first_time, first), (last_time, last) = told[1], told[-1]
    return outcome, wall, (last_time - first_time) / (last - first)


def test_ten_thousand_points(benchmark: Any, tmp_path: Path) -> None:
    simulate(load_machine("systolic_128"), load("resnet50").workload)
    settings = Settings(workers=WORKERS, cache_folder=tmp_path / "cache")

    def once() -> tuple[Outcome, float, float]:
        return timed(tmp_path / "cold", POINTS, "resnet50", None, settings)

    cold, seconds, _ = benchmark.pedantic(once, rounds=1)
    warm, warm_seconds, _ = timed(tmp_path / "warm", POINTS, "resnet50", None, settings)
    assert len(cold.records) == POINTS
    assert cold.records == warm.records
    state(
        benchmark,
        SECTION,
        "10 000 systolic arrays, ResNet-50",
        [
            Figure("cold cache", seconds, "s", below=300),
            Figure("of that a point and worker", seconds * WORKERS / POINTS, "s"),
            Figure("the same again, warm cache", warm_seconds, "s"),
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

    def once() -> tuple[Outcome, float, float]:
        return timed(tmp_path / "simulated", count, None, simulated, settings)

    outcome, _, each = benchmark.pedantic(once, rounds=1)
    spent = sum(record.metrics["spent_s"] for record in outcome.records) / count
    _, _, nothing = timed(tmp_path / "constant", POINTS, None, constant, settings)
    state(
        benchmark,
        SECTION,
        "what a point costs beside its simulation",
        [
            Figure("worker's time less simulation", each * WORKERS - spent, "s", below=2e-3),
            Figure("simulation, squeezenet", spent, "s"),
            Figure("worker's time of points that do nothing", nothing * WORKERS, "s", below=2e-3),
        ],
        "The study's own function simulates and times itself; what is left of the workers' time is "
        "the study's: naming a point, building its machine, sending it there and back, journal.",
    )
