"""The phases of a run, each for itself: mapping, and stepping the engine."""

from arch.machine import Machine
from sim.system import System
from traces.mapping.systolic import Lowered, Lowering
from traces.operators import Workload


def lowered(machine: Machine, workload: Workload) -> list[Lowered]:
    """All commands of a workload."""
    lowering = Lowering(workload, machine)
    return [lowering.step(index) for index in range(len(lowering))]


def stepped(machine: Machine, steps: list[Lowered], *, force: bool = False) -> System:
    """A machine that has run commands, one operator after the other."""
    system = System(machine, force=force)
    for step in steps:
        system.load(step.trace)
        system.advance()
    return system
