"""Runs the contract's checks on an engine with one bug planted; exits with 1 if it is found.

Only without the compiler: compiled kernels do not see a replaced function.
"""

import sys
from typing import Any

from contract import differences, run_to_end
from scenarios import scenario

import sim.array.timing
import sim.buffer.dma
import sim.contract
import sim.engine
import sim.vector
from sim.system import System

SEEDS = range(6)


def lost_wake() -> None:
    """A command that the buffer finishes wakes nobody."""

    def finish(units: Any, runtime: Any, unit: int, command: int, now: int) -> None:
        runtime[command]["end"] = now
        runtime[command]["producer_period"] = units[unit]["period"]

    sim.buffer.dma.finish = finish


def late_next() -> None:
    """The vector unit asks for its next step one cycle late."""
    step = sim.engine.step_vector

    def late(units: Any, unit: int, *rest: Any) -> int:
        due = step(units, unit, *rest)
        return due + units[unit]["period"] if due < sim.contract.NEVER else due

    sim.engine.step_vector = late


def unregistered_credit() -> None:
    """A completion is seen in the cycle that makes it."""

    def seen_at(units: Any, runtime: Any, unit: int, command: int) -> int:
        end = runtime[command]["end"]
        return sim.contract.NEVER if end < 0 else end

    for module in (sim.contract, sim.vector, sim.buffer.dma, sim.array.timing):
        module.seen_at = seen_at


def cause_of_now() -> None:
    """The vector unit calls odd cycles of a wait by another name."""
    step = sim.engine.step_vector

    def renamed(units: Any, unit: int, now: int, vectors: Any, accounts: Any, *rest: Any) -> int:
        due = step(units, unit, now, vectors, accounts, *rest)
        row = units[unit]["first_account"]
        if now // units[unit]["period"] % 2 and accounts[row]["why"] == sim.contract.STALL_ARRAY:
            accounts[row]["why"] = sim.contract.STALL_STORE
        return due

    sim.engine.step_vector = renamed


def violated(seed: int) -> str:
    """What is wrong in one scenario, empty if nothing is."""
    machine, _, steps = scenario(seed)
    traces = [step.trace for step in steps]
    try:
        expected = run_to_end(System(machine), traces)
        for force in (False, True):
            for order in (0, 3):
                found = run_to_end(System(machine, force=force, seed=order), traces)
                if wrong := differences(expected, found):
                    return f"force={force} order={order}: {wrong}"
    except AssertionError:
        return "deadlock"
    return ""


def main() -> int:
    bug = sys.argv[1]
    if bug != "none":
        globals()[bug]()
    for seed in SEEDS:
        if wrong := violated(seed):
            sys.stdout.write(f"found with seed {seed}: {wrong}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
