"""Running a workload on a machine: operator by operator, in a window of cycles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arch.errors import InputError, SimulationError
from arch.machine import Machine
from sim import engine
from sim.cache import Cache
from sim.cached import CachedRun
from sim.checkpoint import Progress, read_checkpoint, write_checkpoint
from sim.counts import counts
from sim.deadlock import explain
from sim.energy import EnergyModel
from sim.outcome import Window, operator_results, result_of
from sim.report.log import CommandLog
from sim.result import OperatorResult, Result
from sim.step import Step, form_of, matmul_ticks
from sim.system import System
from sim.system_state import build_state
from traces.commands_file import check_machine, read_commands
from traces.mapping.systolic import Lowered, Lowering, Replay, Steps
from traces.operators import Workload

SLICE_CYCLES = 500_000
"""Cycles stepped between two looks at the progress bar and the keyboard."""

ProgressCallback = Callable[[int, int, str, int], None]
"""Called with operators done, operators in all, the one that runs, and the array cycle."""


@dataclass(frozen=True)
class Options:
    """What to simulate and what to keep; cycles are of the array's clock."""

    from_cycle: int = 0
    """First cycle that is counted."""
    warmup_cycles: int = 0
    """Cycles after ``from_cycle`` that are simulated but not counted either."""
    until_cycle: int | None = None
    """Cycle before which the run ends."""
    log_commands: bool = False
    checkpoint_path: Path | None = None
    """Where to write the state at ``checkpoint_cycle``, or at the end of the run."""
    checkpoint_cycle: int | None = None
    resume_path: Path | None = None
    notes: tuple[str, ...] = ()
    cache: Cache | None = None
    """Results that are known. Runs that are cut, logged or saved do without."""

    @property
    def is_whole(self) -> bool:
        """Whether all of a workload is simulated, and nothing kept but its result."""
        cut = self.from_cycle or self.warmup_cycles or self.until_cycle is not None
        kept = self.log_commands or self.checkpoint_path or self.resume_path
        return not cut and not kept


@dataclass(frozen=True)
class Run:
    """What a simulation gives."""

    result: Result
    log: CommandLog | None


def run(
    machine: Machine,
    workload: Workload,
    options: Options = Options(),
    progress: ProgressCallback | None = None,
) -> Run:
    """Simulate a workload on a machine.

    Raises InputError where machine, workload and options do not fit together, SimulationError
    on a deadlock.
    """
    if options.cache is not None and options.is_whole:
        return Run(_cached(machine, workload, options, options.cache, progress), None)
    return Simulation(machine, workload, options, progress).run()


def _cached(
    machine: Machine,
    workload: Workload,
    options: Options,
    cache: Cache,
    progress: ProgressCallback | None,
) -> Result:
    """The result of ``run`` from steps that may be known."""
    found = CachedRun(machine, workload, cache)
    model = EnergyModel(machine)
    operators: list[OperatorResult] = []
    now = 0
    total = np.zeros_like(build_state(machine).ticks_by_cause)
    for index, done in enumerate(found.steps(progress)):
        span = now, now + done.ticks
        lowering = found.lowering
        operators += operator_results(
            machine, model, done.step, lowering.operator(index), lowering.fused(index), span
        )
        total += done.step.ticks_by_cause
        now = span[1]
    notes = (*options.notes, *packing_note(machine, workload, operators, cache))
    return result_of(machine, workload, Window(0, now, True), total, operators, notes)


def replay(
    machine: Machine,
    path: str | Path,
    options: Options = Options(),
    progress: ProgressCallback | None = None,
) -> Run:
    """Simulate the commands of a file, as ``lockstep run --commands`` writes it.

    Raises InputError where they are wrong or the machine cannot run them.
    """
    traces = read_commands(path)
    check_machine(traces, machine, path)
    steps = Replay(traces, Path(path).stem, f"commands in {Path(path).name}")
    return Simulation(machine, steps.workload, options, progress, steps=steps).run()


def packing_note(
    machine: Machine,
    workload: Workload,
    operators: Sequence[OperatorResult],
    cache: Cache | None = None,
) -> list[str]:
    """By how much sharing folds among groups raises the utilisation."""
    packed = {o.name: o for o in operators if o.pack > 1}
    if not packed:
        return []
    alone = machine.mapping.model_copy(update={"group_packing": "none"})
    unpacked = machine.model_copy(update={"mapping": alone})
    grouped = tuple(
        operator.model_copy(update={"inputs": ()})
        for operator in workload.operators
        if operator.name in packed
    )
    part = workload.model_copy(update={"operators": grouped})
    before = run(unpacked, part, Options(cache=cache)).result
    pes = machine.cores * machine.array.pes
    cycles = sum(operator.cycles for operator in packed.values())
    after = sum(operator.macs for operator in packed.values()) / (cycles * pes)
    return [
        f"group_packing: utilisation of {len(packed)} grouped operators {100 * after:.2f} %, "
        f"{100 * before.utilisation:.2f} % one group at a time"
    ]


class Simulation:
    """One run; ``run`` drives it."""

    def __init__(
        self,
        machine: Machine,
        workload: Workload,
        options: Options = Options(),
        progress: ProgressCallback | None = None,
        *,
        steps: Steps | None = None,
        force: bool = False,
        seed: int = 0,
    ) -> None:
        self._machine, self._workload, self._options = machine, workload, options
        self._report = progress
        self.system = System(machine, force=force, seed=seed)
        self._energy = EnergyModel(machine)
        self._period = self.system.ticks_of(machine.array.clock)
        start = options.from_cycle + options.warmup_cycles
        if options.until_cycle is not None and options.until_cycle <= start:
            raise InputError(
                f"--until {options.until_cycle} must be greater than --from + --warmup, {start}"
            )
        self._start_tick = start * self._period
        self._end_tick = 2**62
        if options.until_cycle is not None:
            self._end_tick = options.until_cycle * self._period
        self._lowering: Steps = Lowering(workload, machine) if steps is None else steps
        self._progress = Progress(base_ticks=self.system.state.ticks_by_cause.copy())
        self._lowered: Lowered | None = None

    def run(self) -> Run:
        """Simulate to the end of the workload or of the window."""
        if self._options.resume_path is not None:
            self._resume(self._options.resume_path)
        complete = self._simulate()
        if self._options.checkpoint_path is not None and self._options.checkpoint_cycle is None:
            self.save(self._options.checkpoint_path)
        end_tick = self.system.now_tick if complete else self._end_tick
        self._check_reached(end_tick)
        self.system.flush(end_tick)
        p = self._progress
        result = result_of(
            self._machine,
            self._workload,
            Window(self._start_tick, end_tick, complete),
            self.system.state.ticks_by_cause - p.base_ticks,
            p.operators,
            (*self._options.notes, *packing_note(self._machine, self._workload, p.operators)),
        )
        log = None
        if self._options.log_commands:
            log = p.command_log(self.system.tick_khz, self._machine)
        return Run(result, log)

    def _check_reached(self, end_tick: int) -> None:
        options, end = self._options, end_tick // self._period
        if self._start_tick > end_tick:
            raise InputError(
                f"--from + --warmup is cycle {self._start_tick // self._period}, but the run ends "
                f"at cycle {end}"
            )
        if options.checkpoint_cycle is not None and not self._progress.saved:
            raise InputError(
                f"--checkpoint-at is cycle {options.checkpoint_cycle}, but the run ends at cycle "
                f"{end}"
            )

    def _simulate(self) -> bool:
        """Simulate step by step; return whether the workload ended before the window."""
        p = self._progress
        while p.step < len(self._lowering):
            if self._lowered is None:
                self._begin()
            if not self._advance():
                self._end_step(complete=False)
                return False
            self._end_step(complete=True)
        return True

    def _begin(self) -> None:
        """Lower the next step and put it into the queues."""
        p = self._progress
        self._lowered = self._lowering.step(p.step)
        self.system.load(self._lowered.trace)
        p.step_start = self.system.now_tick
        p.step_from = self.system.now_tick
        p.counted = counts(self.system)
        p.stalled = self.system.state.ticks_by_cause.copy()

    def _advance(self) -> bool:
        """Simulate the current step; return False if the run ends in it."""
        p, system = self._progress, self.system
        checkpoint = self._options.checkpoint_cycle
        while True:
            stops = [self._end_tick]
            if not p.counting:
                stops.append(self._start_tick)
            if checkpoint is not None and not p.saved:
                stops.append(checkpoint * self._period)
            status = system.advance(min(stops), SLICE_CYCLES)
            if status == engine.DEADLOCK:
                assert self._lowered is not None
                raise SimulationError(explain(system, self._lowered))
            next_tick = system.next_tick
            reached = system.now_tick if status == engine.DONE else next_tick
            if checkpoint is not None and not p.saved and reached >= checkpoint * self._period:
                p.saved = True
                assert self._options.checkpoint_path is not None
                self.save(self._options.checkpoint_path)
            if not p.counting and reached >= self._start_tick:
                self._start_counting()
            self._tell()
            if status == engine.DONE:
                return True
            if next_tick >= self._end_tick:
                return False

    def _start_counting(self) -> None:
        """Forget what was before the window."""
        p, system = self._progress, self.system
        p.counting = True
        system.flush(self._start_tick)
        p.base_ticks = system.state.ticks_by_cause.copy()
        p.stalled = p.base_ticks.copy()
        p.counted = counts(system, self._start_tick)
        p.step_from = max(p.step_start, self._start_tick)

    def _end_step(self, *, complete: bool) -> None:
        """Note what the step did inside the window."""
        p, system, lowered = self._progress, self.system, self._lowered
        assert lowered is not None
        end = system.now_tick if complete else self._end_tick
        system.flush(end)
        if self._options.log_commands:
            p.log_step(lowered.trace, system.state.runtime, self._start_tick, self._end_tick)
        if p.counting and end > p.step_from:
            events = counts(system, end)
            events.subtract(p.counted)
            ticks = system.state.ticks_by_cause - p.stalled
            step = Step(form_of(lowered), events, ticks, matmul_ticks(system))
            p.operators += operator_results(
                self._machine,
                self._energy,
                step,
                lowered.operator,
                lowered.fused,
                (p.step_from, end),
            )
        p.step += 1
        self._lowered = None

    def _tell(self) -> None:
        if self._report is not None and self._lowered is not None:
            self._report(
                self._progress.step,
                len(self._lowering),
                self._lowered.operator.name,
                self.system.now_tick // self._period,
            )

    def save(self, path: Path) -> None:
        """Write a checkpoint; a run resumed from it ends like this one."""
        write_checkpoint(path, self._machine, self._workload, self.system, self._progress)

    def _resume(self, path: Path) -> None:
        self._progress = read_checkpoint(path, self._machine, self._workload, self.system)
        if self._progress.step < len(self._lowering):
            self._lowered = self._lowering.step(self._progress.step)
            self.system.resume(self._lowered.trace)
