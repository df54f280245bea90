"""What a worker does with a point."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any

from arch.errors import InputError, SimulationError
from arch.machine import Machine
from sim.study import metrics
from sim.study.mesh_metrics import mesh_metrics
from sim.study.record import Record
from sim.study.space import Base, Point, Space
from sim.study.spec import Bounds, StudySpec
from traces.mesh.traffic import MeshWithTraffic
from traces.operators import Workload

Evaluate = Callable[[Any], Mapping[str, float]]
"""A study's own question: metrics of a machine, or of a packet mesh, by name. It raises InputError
or SimulationError where it has no answer."""


@dataclass(frozen=True)
class Task:
    """All that a worker must know of a study."""

    spec: StudySpec
    space: Space
    workloads: dict[str, Workload]
    own: Evaluate | None
    """In place of simulating the workloads."""
    cache_folder: Path | None
    """None for the user's, where there is a cache at all."""
    use_cache: bool
    cache_bytes: int


class Evaluator:
    """Evaluates points of one study; a worker has one for as long as it lives."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._cache: Any = None
        if task.use_cache and task.own is None:
            from sim.cache import Cache

            self._cache = Cache(task.cache_folder, task.cache_bytes)

    @property
    def cache_fault(self) -> str | None:
        """Why the cache does not work, if so."""
        return self._cache.fault if self._cache is not None else None

    def __call__(self, index: int, point: Point) -> Record:
        """What came of a point."""
        found: dict[str, float] = {}
        try:
            return self._evaluated(index, point, found)
        except metrics.UnknownMetricError:
            raise
        except (InputError, SimulationError) as error:
            return Record(index, point, "failed", found, str(error))
        except MemoryError:
            return Record(index, point, "failed", found, "out of memory")

    def _evaluated(self, index: int, point: Point, found: dict[str, float]) -> Record:
        spec = self._task.spec
        machine = self._task.space.machine(point)
        early = {}
        if isinstance(machine, Machine):
            found.update(metrics.static_metrics(machine, spec.counted))
            early = {
                name: each for name, each in spec.constraints.items() if name in metrics.STATIC
            }
        if reason := self._broken(early, found, machine, {}):
            return Record(index, point, "rejected", found, reason)
        results: dict[str, Any] = {}
        if self._task.own is not None:
            found.update(_asked(self._task.own, machine))
        elif isinstance(machine, MeshWithTraffic):
            found.update(mesh_metrics(machine, self._cache))
        elif isinstance(machine, Machine):
            results = self._runs(machine)
            found.update(metrics.run_metrics(results, machine, spec.counted))
        late = {name: each for name, each in spec.constraints.items() if name not in early}
        if reason := self._broken(late, found, machine, results):
            return Record(index, point, "rejected", found, reason)
        for name in spec.objectives:
            if name not in found:
                where = f"objectives.{name}: "
                raise metrics.UnknownMetricError(
                    where + metrics.missing(name, found, machine, results)
                )
        return Record(index, point, "done", found)

    def _runs(self, machine: Machine) -> dict[str, Any]:
        from sim.simulate import Options, run

        options = Options(cache=self._cache)
        found = {
            name: run(machine, workload, options).result
            for name, workload in self._task.workloads.items()
        }
        if self._cache is not None:
            self._cache.flush()
        return found

    def _broken(
        self,
        constraints: Mapping[str, Bounds],
        found: Mapping[str, float],
        machine: Base,
        results: Mapping[str, Any],
    ) -> str:
        """The constraints that a point does not keep, in words."""
        broken = []
        for name, bounds in constraints.items():
            if name not in found:
                where = f"constraints.{name}: "
                raise metrics.UnknownMetricError(
                    where + metrics.missing(name, found, machine, results)
                )
            if not bounds.keeps(found[name]):
                broken.append(f"{name} is {found[name]:.6g}, must be {bounds.text()}")
        return "; ".join(broken)


def _asked(own: Evaluate, machine: Base) -> dict[str, float]:
    """What a study's own function says of a machine. Raises InputError where it fails, which must
    not end a study of many points."""
    try:
        given = own(machine)
    except (InputError, SimulationError, MemoryError):
        raise
    except Exception as error:
        frame = extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"evaluate() raised {type(error).__name__}: {error} ({frame.filename}:{frame.lineno})"
        ) from None
    return _checked(given)


def _checked(given: object) -> dict[str, float]:
    """What a study's own function returned, if it is numbers by name."""
    if not isinstance(given, Mapping):
        raise InputError(f"evaluate() must return numbers by name, not {given!r}")
    found: dict[str, float] = {}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            try:
                value = float(value)
            except (TypeError, ValueError):
                raise InputError(
                    f"evaluate() must return a number for {name!r}, not {value!r}"
                ) from None
        if value != value or value in (float("inf"), float("-inf")):
            raise InputError(f"evaluate() must return a finite number for {name!r}, not {value!r}")
        found[str(name)] = value
    return found
