"""Stages of an iteration on a machine: simulated, or known from an equal one."""

import json
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.commands import CommandTrace
from arch.errors import SimulationError
from arch.load import machine_sha256
from arch.machine import Machine
from arch.pim.joint import JointMemory
from sim import engine
from sim.cache import Cache, digest
from sim.counts import counts
from sim.jit import KERNEL_HASH
from sim.system import System

LAYOUT = "1"
"""Of the values kept; counts up when it changes."""

Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StageDone:
    """A stage that has been simulated."""

    ticks: int
    """From its start to the end of its last command."""
    events: Counter[str]
    """As of ``sim.counts``."""
    ticks_by_cause: Ticks
    """As of ``sim.contract``: a row an account."""


class StageRunner:
    """Runs stages of one machine.

    With a cache each starts on a machine at rest, and one whose commands, addresses and machine
    are equal to a former one's is not simulated again. Without one, all run in one machine, one
    after the other, with the open rows and the refreshes that the former ones left.
    """

    def __init__(self, machine: Machine, cache: Cache | None) -> None:
        self.machine = machine
        self._cache = cache
        self._system = System(machine)
        self._hash = machine_sha256(_timed(machine))
        self._known: dict[bytes, StageDone] = {}
        self.simulated = 0
        """Stages that were not known."""

    def run(self, name: str, trace: CommandTrace) -> StageDone:
        """Raises SimulationError on a deadlock, InputError for what does not fit the memory."""
        if self._cache is None:
            return self._simulated(name, trace)
        key = self._key(trace)
        done = self._known.get(key)
        if done is None:
            found = self._cache.get(key)
            if found is None:
                self._system.reset()
                done = self._simulated(name, trace)
                self._cache.put(key, _packed(done))
            else:
                done = _unpacked(found)
            self._known[key] = done
        return done

    def _key(self, trace: CommandTrace) -> bytes:
        arrays = (trace.commands, trace.dependencies, trace.tensors, trace.items)
        return digest(
            "stage", LAYOUT, KERNEL_HASH, self._hash, *(each.tobytes() for each in arrays)
        )

    def _simulated(self, name: str, trace: CommandTrace) -> StageDone:
        system = self._system
        self.simulated += 1
        begin = system.now_tick
        system.flush(begin)
        causes, events = system.state.ticks_by_cause.copy(), counts(system)
        system.load(trace)
        if system.advance() != engine.DONE:
            raise SimulationError(f"stage {name}: no unit has work due, and commands are not done")
        end = system.now_tick
        system.flush(end)
        found = counts(system)
        found.subtract(events)
        return StageDone(end - begin, found, system.state.ticks_by_cause - causes)


def _timed(machine: Machine) -> Machine:
    """A machine without what no cycle depends on."""
    memory = machine.memory
    if isinstance(memory, JointMemory):
        memory = memory.model_copy(update={"energy": None})
    bare = {"name": "any", "source": "any", "sources": {}, "assumed": (), "technology": "unknown"}
    return machine.model_copy(update={**bare, "memory": memory})


def _packed(done: StageDone) -> bytes:
    rows, causes = np.nonzero(done.ticks_by_cause)
    charged = done.ticks_by_cause[rows, causes]
    data = {
        "ticks": done.ticks,
        "events": {name: number for name, number in done.events.items() if number},
        "shape": done.ticks_by_cause.shape,
        "charged": np.stack((rows, causes, charged), 1).tolist(),
    }
    return zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 1)


def _unpacked(data: bytes) -> StageDone:
    found: dict[str, Any] = json.loads(zlib.decompress(data))
    ticks = np.zeros(found["shape"], np.int64)
    for row, cause, charged in found["charged"]:
        ticks[row, cause] = charged
    return StageDone(found["ticks"], Counter(found["events"]), ticks)
