"""Running a workload with a cache, so that a step is simulated once on what it depends on.

At the end of a step nothing is left in a machine but the offset of its clocks' edges and the
requester that each interface of the memory asks next. So a step depends on these, on its commands
and on the units that run them: that is its key. A second key, of the operator's shape and all that
the mapping sees, leads to it without lowering. DRAM keeps open rows and refreshes from step to
step, so there the whole workload is one entry.
"""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.clock import periods
from arch.commands import OP_VECTOR, CommandTrace
from arch.errors import SimulationError
from arch.machine import Channelled, Machine
from sim import engine
from sim.cache import Cache, digest
from sim.contract import NEVER
from sim.counts import counts
from sim.deadlock import explain
from sim.jit import KERNEL_HASH
from sim.sources import lowering_hash
from sim.step import Form, Step, form_of, matmul_ticks
from sim.system import System
from traces.mapping.systolic import Lowered, Lowering, Shape
from traces.operators import Workload

LAYOUT = "1"
"""Of the values; counts up when it changes."""


@dataclass(frozen=True)
class Start:
    """What a step finds of the ones before it, in a machine without DRAM."""

    phase_ticks: int = 0
    """Ticks since the last tick that is an edge of every clock."""
    turns: tuple[int, ...] = ()
    """Requester that each interface of the memory asks first."""


@dataclass(frozen=True)
class Done:
    """A step that was simulated, how long it took, and what it leaves."""

    step: Step
    ticks: int
    turns: tuple[int, ...]


Progress = Callable[[int, int, str, int], None]


class CachedRun:
    """Steps of a workload on a machine, from a cache as far as it has them."""

    def __init__(self, machine: Machine, workload: Workload, cache: Cache) -> None:
        self.machine = machine
        self.lowering = Lowering(workload, machine)
        self._cache = cache
        self._system: System | None = None
        self._reset: list[tuple[Any, Any]] = []
        """Memory of the system's arrays, and what it holds after a reset."""
        self._known: dict[tuple[Shape, Start], Done] = {}
        self._cycle_ticks = lcm(*periods(machine.clocks_khz).values())
        self._all_parts = _parts(machine, "array", "buffer", "vector", "memory", "mapping")
        self._timing_parts = {
            vector: _parts(machine, "array", "buffer", "memory", *["vector"] * vector)
            for vector in (False, True)
        }

    def steps(self, progress: Progress | None = None) -> Iterator[Done]:
        """All steps in order. Raises InputError and SimulationError as a run does."""
        if isinstance(self.machine.memory, Channelled):
            yield from self._whole(progress)
            return
        start, now = Start(), 0
        for index in range(len(self.lowering)):
            done = self._step(index, start)
            now += done.ticks
            start = Start(now % self._cycle_ticks, done.turns)
            yield done
            if progress is not None:
                name = self.lowering.operator(index).name
                progress(index, len(self.lowering), name, self._array_cycle(now))

    def _array_cycle(self, tick: int) -> int:
        return tick // periods(self.machine.clocks_khz)[self.machine.array.clock]

    def _step(self, index: int, start: Start) -> Done:
        """A step of this run, of the cache, or simulated."""
        shape = self.lowering.shape(index)
        known = self._known.get((shape, start))
        if known is not None:
            return known
        by_shape = digest("shape", lowering_hash(), self._all_parts, _text(shape))
        by_commands = self._cache.get(by_shape)
        lowered = None
        if by_commands is None:
            lowered = self.lowering.step(index)
            by_commands = self._command_key(lowered.trace)
            self._cache.put(by_shape, by_commands)
        key = digest(by_commands, f"{start.phase_ticks} {start.turns}")
        found = self._cache.get(key)
        if found is not None:
            done = _unpacked(found)
        else:
            done = self._simulated(lowered or self.lowering.step(index), start)
            self._cache.put(key, _packed(done))
        self._known[shape, start] = done
        return done

    def _command_key(self, trace: CommandTrace) -> bytes:
        vector = bool((trace.commands["opcode"] == OP_VECTOR).any())
        parts = self._timing_parts[vector]
        arrays = trace.commands.tobytes(), trace.dependencies.tobytes()
        return digest("commands", LAYOUT, KERNEL_HASH, parts, *arrays)

    def _simulated(self, lowered: Lowered, start: Start) -> Done:
        """Simulate a step alone, on a machine that has just been reset."""
        if self._system is None:
            self._system = System(self.machine)
            arrays = self._system.state.arrays_by_name()
            held = [plain_bytes(array) for name, array in arrays.items() if name != "runtime"]
            self._reset = [(each, each.copy()) for each in held]
        system = self._system
        for now, then in self._reset:
            now[:] = then
        system.state.clock[0] = start.phase_ticks
        system.state.units["due"] = NEVER
        system.state.interfaces["turn"][: len(start.turns)] = start.turns
        system.flush(start.phase_ticks)
        before = system.state.ticks_by_cause.copy()
        system.load(lowered.trace)
        return _ran(system, lowered, start.phase_ticks, before, Counter())

    def _whole(self, progress: Progress | None) -> Iterator[Done]:
        """All steps of a machine whose memory remembers."""
        shapes = [self.lowering.shape(index) for index in range(len(self.lowering))]
        key = digest(
            "workload", LAYOUT, KERNEL_HASH, lowering_hash(), self._all_parts,
            *(_text(shape) for shape in shapes),
        )  # fmt: skip
        found = self._cache.get(key)
        if found is not None:
            yield from (_done(fields) for fields in json.loads(zlib.decompress(found)))
            return
        system = System(self.machine)
        all_done = []
        for index in range(len(shapes)):
            lowered = self.lowering.step(index)
            start, before = system.now_tick, system.state.ticks_by_cause.copy()
            counted = counts(system)
            system.load(lowered.trace)
            all_done.append(_ran(system, lowered, start, before, counted))
            yield all_done[-1]
            if progress is not None:
                now = self._array_cycle(system.now_tick)
                progress(index, len(shapes), lowered.operator.name, now)
        self._cache.put(key, _compressed([_fields(done) for done in all_done]))


def plain_bytes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The memory of an array; NumPy copies records field by field."""
    return array.reshape(-1).view(np.uint8)


def _ran(system: System, lowered: Lowered, start: int, before: Any, counted: Counter[str]) -> Done:
    """Run the commands that a system has loaded, and take what they did."""
    if system.advance() == engine.DEADLOCK:
        raise SimulationError(explain(system, lowered))
    system.flush(system.now_tick)
    events = counts(system)
    events.subtract(counted)
    ticks = system.state.ticks_by_cause - before
    step = Step(form_of(lowered), events, ticks, matmul_ticks(system))
    turns = tuple(int(turn) for turn in system.state.interfaces["turn"])
    return Done(step, system.now_tick - start, turns)


def _parts(machine: Machine, *sections: str) -> str:
    """Those parts of a machine that a step depends on, as text."""
    data = machine.model_dump(mode="json", include={*sections, "cores", "synchroniser_cycles"})
    if "scratchpads" in data.get("buffer", {}):
        # Their order numbers them.
        data["buffer"]["scratchpads"] = list(data["buffer"]["scratchpads"].items())
    if data.get("memory"):
        data["memory"].pop("energy", None)
    data["clocks_khz"] = machine.clocks_khz
    if machine.vector is not None:
        data["vector_clock"] = machine.vector.clock
    if isinstance(machine.memory, Channelled):
        data["device"] = repr(machine.memory.device())
    return json.dumps(data, sort_keys=True)


@lru_cache(maxsize=4096)
def _text(shape: Shape) -> str:
    operator = shape.operator
    return f"{operator.kind} {operator.model_dump_json()} {shape.vector_ops} {shape.residuals}"


def _fields(done: Done) -> dict[str, Any]:
    ticks = done.step.ticks_by_cause
    rows, causes = np.nonzero(ticks)
    return {
        "form": vars(done.step.form),
        "events": {name: count for name, count in done.step.events.items() if count},
        "shape": ticks.shape,
        "charged": [[int(r), int(c), int(ticks[r, c])] for r, c in zip(rows, causes, strict=True)],
        "matmul_ticks": done.step.matmul_ticks,
        "ticks": done.ticks,
        "turns": done.turns,
    }


def _done(fields: dict[str, Any]) -> Done:
    ticks = np.zeros(fields["shape"], np.int64)
    for row, cause, count in fields["charged"]:
        ticks[row, cause] = count
    step = Step(Form(**fields["form"]), Counter(fields["events"]), ticks, fields["matmul_ticks"])
    return Done(step, fields["ticks"], tuple(fields["turns"]))


def _compressed(data: Any) -> bytes:
    return zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 1)


def _packed(done: Done) -> bytes:
    return _compressed(_fields(done))


def _unpacked(data: bytes) -> Done:
    return _done(json.loads(zlib.decompress(data)))
