"""A PIM under a trace of instructions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.errors import SimulationError
from arch.pim.system import Pim
from sim.pim import kernel
from sim.pim.counted import Counted
from sim.pim.program import Lowering
from sim.pim.state import LOG, PIM, PROGRESS, READ, UNKNOWN, VECTOR, WRITE, State, new_state
from sim.pim.tables import Tables, build
from traces.pim.dtype import PimTrace

Records = npt.NDArray[np.void]
LOG_CHUNK_COMMANDS = 1 << 16
NO_LOG = np.zeros(0, LOG)
LogSink = Callable[[Records], None]
"""Given commands (LOG), by cycle, then by channel."""
Progress = Callable[[int], None]
"""Told instructions done."""
Watch = Callable[[PimTrace, Records, int], None]
"""Given a trace that is done, PROGRESS of its instructions, and the ticks of a cycle."""


@dataclass
class PimRun(Counted):
    """What a trace has shown."""

    pim: Pim
    tables: Tables
    state: State
    instructions: int = 0
    channels_used: set[int] = field(default_factory=set)

    @property
    def cycles(self) -> int:
        """Until the last instruction was done in all channels."""
        return int(self.state.engine["now"][0])

    @property
    def mac_busy_share(self) -> float:
        """Cycles in which multipliers work, of all banks of all channels that take part."""
        device = self.pim.device()
        busy = [
            device.mac_busy_cycles[name] * int(span)
            for name, span in zip(self.tables.names, self.tables.pim["span"], strict=True)
        ]
        worked = int((self.state.issued.sum(axis=0) * np.array(busy)).sum())
        whole = len(self.channels_used) * device.device.banks * self.cycles
        return worked / whole if whole else 0.0


class Simulation:
    """A PIM that runs instructions, chunk by chunk."""

    def __init__(self, pim: Pim, *, every: bool = False, log: LogSink | None = None) -> None:
        """``every``: step all channels in every cycle. Raises InputError."""
        tables = build(pim)
        self.run = PimRun(pim, tables, new_state(tables))
        self._lowering = Lowering(pim)
        self._every, self._log = every, log
        self._room = np.zeros(LOG_CHUNK_COMMANDS, LOG) if log is not None else NO_LOG

    def feed(self, chunk: Records | PimTrace, *, more: bool) -> Records:
        """Run a chunk; ``more`` follow. Returns PROGRESS of its instructions, which is of a
        ``PimTrace`` only. Raises InputError for what is wrong, SimulationError where none may go
        on."""
        run, tables, state = self.run, self.run.tables, self.run.state
        program, after = self._lowering.lower(chunk)
        engine = state.engine[0]
        engine["cursor"] = engine["vector_cursor"] = 0
        engine["vectors_left"] = int((program["kind"] == VECTOR).sum())
        # What is sent now begins now.
        now_tick = engine["now"] * tables.config["period"][0]
        engine["vector_free"] = max(engine["vector_free"], now_tick)
        progress = np.zeros(len(program), PROGRESS)
        progress["done"] = UNKNOWN
        run.instructions += len(program)
        to_channels = np.isin(program["kind"], (PIM, READ, WRITE))
        used = int(np.bitwise_or.reduce(program["channels"][to_channels], initial=0))
        run.channels_used |= {c for c in range(run.pim.channels) if used >> c & 1}
        while True:
            state.engine["logged"] = 0
            status = kernel.run(
                tables.config, tables.commands, tables.pim, tables.rules, tables.whole,
                state.engine, state.channels, state.runs, state.entries, state.pending, state.rows,
                state.ready, state.history, state.issued, program, after, progress, more,
                self._every, self._room,
            )  # fmt: skip
            if self._log is not None:
                self._log(self._room[: int(state.engine["logged"][0])])
            if status in (kernel.DONE, kernel.REFILL):
                return progress
            if status != kernel.LOG_FULL:
                self._fail(int(status))

    def _fail(self, status: int) -> None:
        now, cursor = int(self.run.state.engine["now"][0]), int(self.run.state.engine["cursor"][0])
        what = "more reads are under way than a channel has room for"
        if status == kernel.STUCK:
            what = "nothing can go on"
        raise SimulationError(f"{self.run.pim.name}: {what}, cycle {now}, instruction {cursor + 1}")


def run_trace(
    pim: Pim,
    chunks: Iterable[Records],
    *,
    every: bool = False,
    progress: Progress | None = None,
    log: LogSink | None = None,
) -> PimRun:
    """Run a trace: chunks of ``traces.pim.dtype.INSTRUCTION``.

    Raises InputError for what the trace or the PIM has wrong, SimulationError where none may go on.
    """
    simulation = Simulation(pim, every=every, log=log)
    held: Any = None
    for chunk in chunks:
        if held is not None:
            simulation.feed(held, more=True)
        held = chunk
        if progress is not None:
            progress(simulation.run.instructions + len(chunk))
    if held is not None:
        simulation.feed(held, more=False)
    return simulation.run


def run_program(
    pim: Pim,
    traces: Iterable[PimTrace],
    *,
    every: bool = False,
    watch: Watch | None = None,
    log: LogSink | None = None,
) -> PimRun:
    """Run traces one after the other, each when the one before is done.

    Raises InputError for what a trace or the PIM has wrong, SimulationError where none may go on.
    """
    simulation = Simulation(pim, every=every, log=log)
    for trace in traces:
        progress = simulation.feed(trace, more=True)
        if watch is not None:
            watch(trace, progress, int(simulation.run.tables.config["period"][0]))
    return simulation.run
