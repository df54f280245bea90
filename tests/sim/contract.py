"""The contract that every unit keeps (docs/house.md), as tests to inherit.

A subclass says which systems its unit is exercised in: ``scenario(seed)`` gives a machine and
the traces that run on it, one after the other.
"""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arch.commands import CommandTrace
from arch.machine import Machine
from sim import engine
from sim.system import System

Case = tuple[Machine, list[CommandTrace]]
Snapshot = dict[str, bytes]


def snapshot(system: System) -> Snapshot:
    """The whole state; when units are due, and whether for housekeeping, is left out, for a step
    that was not needed changes it."""
    arrays = {name: array.copy() for name, array in system.state.arrays_by_name().items()}
    arrays["units"]["due"] = arrays["units"]["later"] = arrays["units"]["housekeeping"] = 0
    arrays["lanes"]["due"] = 0
    return {name: array.tobytes() for name, array in arrays.items()}


def run_to_end(system: System, traces: list[CommandTrace]) -> list[Snapshot]:
    """Run all traces; the state after each, commands' times and accounts included."""
    states = []
    for trace in traces:
        system.load(trace)
        assert system.advance() == engine.DONE
        system.flush(system.now_tick)
        states.append(snapshot(system))
    return states


def differences(a: list[Snapshot], b: list[Snapshot]) -> list[str]:
    """Names of the arrays that differ, with the index of the trace after which they do."""
    return [f"{index}:{name}" for index, (x, y) in enumerate(zip(a, b, strict=True))
            for name in x if x[name] != y[name]]  # fmt: skip


def circular(trace: CommandTrace) -> CommandTrace:
    """The trace with its first command made to wait for itself."""
    commands = trace.commands.copy()
    commands["deps_begin"][0] = len(trace.dependencies)
    commands["deps_end"][0] = len(trace.dependencies) + 1
    dependencies = np.append(trace.dependencies, 0)
    return replace(trace, commands=commands, dependencies=dependencies)


class UnitContract:
    """Inherit, and define ``scenario``."""

    def scenario(self, seed: int) -> Case:
        raise NotImplementedError

    @given(seed=st.integers(0, 2**32))
    def test_skipping_equals_every_edge_in_any_order(self, seed: int) -> None:
        machine, traces = self.scenario(seed)
        expected = run_to_end(System(machine), traces)
        for options in ({"force": True}, {"seed": seed + 1}, {"force": True, "seed": seed + 1}):
            found = run_to_end(System(machine, **options), traces)
            assert differences(expected, found) == [], options

    @given(seed=st.integers(0, 2**32))
    def test_pausing_and_resuming_changes_nothing(self, seed: int) -> None:
        machine, traces = self.scenario(seed)
        expected = run_to_end(System(machine), traces)
        random = Random(seed)
        system = System(machine)
        found = []
        for trace in traces:
            system.load(trace)
            while system.advance(steps=random.randint(1, 400)) == engine.PAUSED:
                copy = System(machine)
                for name, array in system.state.arrays_by_name().items():
                    copy.state.put(name, array.copy())
                copy.resume(trace)
                system = copy
            system.flush(system.now_tick)
            found.append(snapshot(system))
        assert differences(expected, found) == []

    @given(seed=st.integers(0, 2**32))
    def test_reset_leaves_nothing_behind(self, seed: int) -> None:
        machine, traces = self.scenario(seed)
        system = System(machine)
        fresh = snapshot(system)
        expected = run_to_end(system, traces)
        system.reset()
        system.load(traces[0])
        system.advance(steps=Random(seed).randint(1, 400))
        system.reset()
        assert differences([fresh], [snapshot(system)]) == []
        assert differences(expected, run_to_end(system, traces)) == []

    @given(seed=st.integers(0, 2**32))
    def test_every_cycle_is_charged_once(self, seed: int) -> None:
        machine, traces = self.scenario(seed)
        system = System(machine)
        run_to_end(system, traces)
        state: Any = system.state
        for unit in state.units:
            edges = -(-system.now_tick // unit["period"])
            charged = state.ticks_by_cause[unit["first_account"]]
            assert charged.min() >= 0
            assert charged.sum() == edges * unit["period"]

    def test_deadlock_is_found(self) -> None:
        machine, traces = self.scenario(1)
        system = System(machine)
        system.load(circular(traces[0]))
        assert system.advance() == engine.DEADLOCK
