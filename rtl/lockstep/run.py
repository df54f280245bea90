"""A co-simulation: traffic, model and hardware, cycle by cycle, until one differs."""

import shlex
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from arch.errors import SimulationError
from rtl.lockstep.library import Library, build
from rtl.lockstep.mismatch import Mismatch, Value, write_waveform
from rtl.lockstep.packing import Bits, pack, unpack, word_count
from rtl.lockstep.simulators import run_cocotb
from rtl.lockstep.twin import Batch, Traffic, Twin
from rtl.wrapper import Field, Wrapper

BATCH_CYCLES = 1000
WAVEFORM_CYCLES = 64
SIMULATORS = ("batch", "verilator", "icarus")

Progress = Callable[[int, int], None]
"""Told cycles done and cycles in all."""


@dataclass(frozen=True)
class Outcome:
    """What a co-simulation has shown."""

    cycles: int
    """Compared and equal."""
    useful_cycles: int
    """Of them, cycles with a transfer or a stall."""
    coverage: dict[str, int]
    """Events in them."""
    mismatch: Mismatch | None
    seconds: float
    """Without the build."""


def cosim(
    twin: Twin,
    seed: int,
    cycles: int,
    *,
    simulator: str = "batch",
    wrapper: Wrapper | None = None,
    progress: Progress | None = None,
    waveform: Path | None = None,
    replay: str | None = None,
) -> Outcome:
    """Run a twin for ``cycles`` cycles under the traffic of ``seed``.

    ``wrapper`` replaces the hardware, for tests. ``waveform`` is written where the two differ.
    ``replay`` is the command line that begins it again, but for its cycles. Raises InputError where
    a tool is missing, SimulationError where one fails.
    """
    wrapper = wrapper or Wrapper(twin.component)
    traffic = twin.traffic(seed)
    batches = _batches(traffic, cycles, progress)
    if simulator == "batch":
        path = build(wrapper.verilog, len(wrapper.stim), len(wrapper.resp))
        started = time.monotonic()
        done, found = _run_library(path, wrapper, batches)
        seconds = time.monotonic() - started
    else:
        ended = run_cocotb(wrapper, wrapper.verilog, batches, simulator)
        done, seconds = ended.cycles, ended.seconds
        found = None if ended.found is None else _values(ended.found, wrapper.resp_fields)
    if found is None:
        if done != cycles:
            raise SimulationError(f"{simulator} ended after {done} of {cycles} cycles")
        return Outcome(done, traffic.useful_cycles, dict(traffic.coverage), None, seconds)
    # The traffic has gone on to the end of its batch or further: run it again up to there.
    traffic = twin.traffic(seed)
    rows = _last_rows(traffic, done, wrapper.resp_fields)
    useful, coverage = traffic.useful_cycles, dict(traffic.coverage)
    rows.extend(pack(traffic.next(1).resp, wrapper.resp_fields))
    model = [unpack(row, wrapper.resp_fields) for row in rows]
    if replay is None:
        again = f"cosim(twin, seed={seed}, cycles={done + 1}, simulator={simulator!r})"
    else:
        again = f"{replay} --cycles {done + 1}"
    mismatch = _mismatch(twin.name, seed, done, model, found, wrapper.resp_fields, waveform, again)
    return Outcome(done, useful, coverage, mismatch, seconds)


def _batches(traffic: Traffic, cycles: int, progress: Progress | None) -> Iterator[Batch]:
    for begin in range(0, cycles, BATCH_CYCLES):
        yield traffic.next(min(BATCH_CYCLES, cycles - begin))
        if progress is not None:
            progress(min(begin + BATCH_CYCLES, cycles), cycles)


def _run_library(
    path: Path, wrapper: Wrapper, batches: Iterator[Batch]
) -> tuple[int, list[Value] | None]:
    """Cycles that were equal, and the first response that was not."""
    done = 0
    with Library(path, word_count(wrapper.resp_fields)) as library:
        for batch in batches:
            stim = pack(batch.stim, wrapper.stim_fields)
            resp = pack(batch.resp, wrapper.resp_fields)
            bad = library.run(batch.rst, stim, resp)
            if bad is not None:
                return done + bad[0], list(unpack(bad[1], wrapper.resp_fields))
            done += len(batch.rst)
    return done, None


def _values(bits: str, fields: tuple[Field, ...]) -> list[Value]:
    """Integers out of a string of bits, the highest first; unknown ones stay bits."""
    values: list[Value] = []
    end = len(bits)
    for field in fields:
        part = bits[end - field.width : end]
        end -= field.width
        if set(part) <= {"0", "1"}:
            number = int(part, 2)
            values.append(number - (1 << field.width) * (field.signed and part[0] == "1"))
        else:
            values.append(part.lower())
    return values


def _last_rows(traffic: Traffic, cycles: int, fields: tuple[Field, ...]) -> deque[Bits]:
    """Run the model; its last responses in words."""
    rows: deque[Bits] = deque(maxlen=WAVEFORM_CYCLES)
    for batch in _batches(traffic, cycles, None):
        rows.extend(pack(batch.resp[-WAVEFORM_CYCLES:], fields))
    return rows


def _mismatch(
    unit: str,
    seed: int,
    cycle: int,
    model: list[list[int]],
    found: list[Value],
    fields: tuple[Field, ...],
    waveform: Path | None,
    replay: str,
) -> Mismatch:
    """What differs in the last row of the model's responses; all before were equal."""
    differing = tuple(
        (field, expected, value)
        for field, expected, value in zip(fields, model[-1], found, strict=True)
        if expected != value
    )
    if waveform is not None:
        hardware: list[list[Value]] = [[*row] for row in model[:-1]]
        hardware.append(found)
        write_waveform(waveform, fields, cycle + 1 - len(model), model, hardware)
    return Mismatch(unit, seed, cycle, differing, replay, waveform)


def replay_command(
    machine: str,
    settings: list[str],
    unit: str,
    seed: int,
    simulator: str,
    workload: str | None = None,
) -> str:
    """The command line of a co-simulation, but for its cycles."""
    words = ["lockstep", "cosim", machine, "--unit", unit, "--seed", str(seed)]
    words += ["--simulator", simulator]
    for setting in settings:
        words += ["--set", setting]
    if workload is not None:
        words += ["--workload", workload]
    return shlex.join(words)
