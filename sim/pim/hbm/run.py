"""An HBM-PIM under a trace of transactions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.errors import InputError, SimulationError
from arch.pim.hbm import HbmPim
from sim.dram.tables import NEVER
from sim.pim.counted import Counted
from sim.pim.hbm import kernel
from sim.pim.hbm.state import LOG, State, new_state
from sim.pim.hbm.tables import Tables, build
from traces.pim.hbm_dtype import FENCE, LINE, WORDS, HbmChunk
from traces.pim.hbm_sequencer import BAD_CODE, BAD_PC, STEPS_MAX, TOO_MANY_JUMPS

Records = npt.NDArray[np.void]
LOG_CHUNK_LINES = 1 << 16
SLICE_CYCLES = 1 << 16
"""Channels go on one after the other, each for so many cycles; of these a log is put in order."""
NO_LOG = np.zeros(0, LOG)
NO_LINES = HbmChunk(np.zeros(0, LINE), np.zeros((0, WORDS), np.int64))
ENGINE = np.dtype([("channel", np.int64), ("logged", np.int64)])
FAULTS = {
    BAD_PC: "the instructions lead beyond the CRF; they must end with EXIT",
    BAD_CODE: "the instruction at the program counter has a code that is none",
    TOO_MANY_JUMPS: f"more than {STEPS_MAX - 1} JUMPs in a row lead to no other instruction",
}
LogSink = Callable[[Records], None]
"""Given lines (LOG), by cycle, then by channel."""
Progress = Callable[[int], None]
"""Told transactions done, summed over channels."""


@dataclass
class HbmRun(Counted):
    """What a trace has shown."""

    pim: HbmPim
    tables: Tables
    state: State
    path: str = "trace"
    cycles: int = 0
    """Until all reads and writes were done."""
    transactions: int = 0
    """Summed over channels."""
    channels_used: set[int] = field(default_factory=set)

    def mode_cycles(self, mode: int) -> int:
        """Cycles in a mode, of all channels."""
        since = self.state.channels["mode_since"]
        still = np.where(self.state.units["mode"] == mode, self.cycles - since, 0)
        return int(self.state.channels["mode_cycles"][:, mode].sum() + still.sum())


class Simulation:
    """An HBM-PIM that runs transactions, chunk by chunk; ``finish`` ends it."""

    def __init__(
        self,
        pim: HbmPim,
        *,
        every: bool = False,
        log: LogSink | None = None,
        path: str = "trace",
        slice_cycles: int = SLICE_CYCLES,
    ) -> None:
        """``every``: step all channels in every cycle. Raises InputError."""
        tables = build(pim)
        self.run = HbmRun(pim, tables, new_state(tables), path)
        self._every, self._log, self._slice = every, log, slice_cycles
        self._room = np.zeros(LOG_CHUNK_LINES, LOG) if log is not None else NO_LOG
        self._kept: list[Records] = []
        self._steps = np.zeros(STEPS_MAX, np.int64)
        self._engine = np.zeros(1, ENGINE)
        self._fenced = 0

    def feed(self, chunk: HbmChunk) -> None:
        """Run a chunk, as far as it can be without what comes after it.

        Raises InputError where a program of instructions is wrong.
        """
        lines = chunk.lines
        first = 0
        for fence in (*np.flatnonzero(lines["kind"] == FENCE), len(lines)):
            part = HbmChunk(lines[first:fence], chunk.words)
            self._count(part.lines)
            last = fence == len(lines)
            self._advance(part, more=last)
            if not last:
                self._settle(final=False)
            first = int(fence) + 1

    def finish(self) -> HbmRun:
        """Run to the end of the trace."""
        self._advance(NO_LINES, more=False)
        self._settle(final=True)
        return self.run

    def _count(self, lines: Records) -> None:
        channels = lines["channels"].astype(np.uint64)
        bits = np.zeros(len(lines), np.int64)
        for channel in range(self.run.pim.channels):
            mine = (channels >> np.uint64(channel)) & np.uint64(1)
            if mine.any():
                self.run.channels_used.add(channel)
            bits += mine.astype(np.int64)
        self.run.transactions += int((bits * lines["count"]).sum())

    def _advance(self, chunk: HbmChunk, *, more: bool) -> None:
        """Run until each channel has nothing left of the chunk."""
        channels = self.run.state.channels
        channels["line"] = channels["taken"] = 0
        until = int(channels["now"].min()) + self._slice - 1
        while True:
            self._run(chunk, until, more=more, idle=False)
            self._flush(int(channels["now"].min()))
            if (channels["now"] <= until).all():
                return
            until += self._slice

    def _settle(self, *, final: bool) -> None:
        """All is done: let the channels catch up with the last of them."""
        channels = self.run.state.channels
        done = max(int(channels["done_at"].max()), self._fenced)
        self.run.cycles = done
        self._run(NO_LINES, done - 1 if final else done, more=False, idle=True)
        if not final:
            channels["arrived_until"] = done
            channels["due"] = channels["now"]
            channels["since_fence"] = 0
            self._fenced = done
        self._flush(NEVER if final else done + 1)

    def _run(self, chunk: HbmChunk, until: int, *, more: bool, idle: bool) -> None:
        tables, state = self.run.tables, self.run.state
        self._engine["channel"] = 0
        while True:
            self._engine["logged"] = 0
            status = kernel.run(
                tables.config, tables.where, tables.commands, tables.rules, tables.whole,
                tables.spans, self._engine, state.channels, state.units, state.entries, state.order,
                state.rows, state.ready, state.history, state.issued, chunk.lines, chunk.words,
                more, until, idle, self._every, self._room, self._steps,
            )  # fmt: skip
            if self._log is not None:
                self._kept.append(self._room[: int(self._engine["logged"][0])].copy())
            if status == kernel.DONE:
                return
            if status != kernel.LOG_FULL:
                self._fail(int(status))

    def _flush(self, before: int) -> None:
        """Hand on the lines of the log that no other may come before."""
        if self._log is None or not self._kept:
            return
        kept = np.concatenate(self._kept)
        kept = kept[np.lexsort((kept["channel"], kept["cycle"]))]
        split = int(np.searchsorted(kept["cycle"], before))
        if split:
            self._log(kept[:split])
        self._kept = [kept[split:]]

    def _fail(self, status: int) -> None:
        number = int(self._engine["channel"][0])
        one = self.run.state.channels[number]
        where = f"{self.run.path}: line {int(one['fault_line'])}: "
        if status == kernel.FAULT:
            raise InputError(
                f"{where}channel {number}, cycle {int(one['now'])}: {FAULTS[int(one['fault'])]}"
            )
        slots = self.run.state.order[number]
        entry = self.run.state.entries[number][slots[int(one["head"]) % len(slots)]]
        raise SimulationError(
            f"{self.run.path}: line {int(entry['line'])}: bank {int(entry['bank'])} cannot open "
            f"row {int(entry['row'])} in channel {number}, cycle {int(one['now'])}, and nothing "
            "else can go on"
        )


def run_trace(
    pim: HbmPim,
    chunks: Iterable[HbmChunk],
    *,
    every: bool = False,
    progress: Progress | None = None,
    log: LogSink | None = None,
    path: str = "trace",
) -> HbmRun:
    """Run a trace.

    Raises InputError for what the trace or the PIM has wrong, SimulationError where none may go on.
    """
    simulation = Simulation(pim, every=every, log=log, path=path)
    for chunk in chunks:
        simulation.feed(chunk)
        if progress is not None:
            progress(simulation.run.transactions)
    return simulation.finish()
