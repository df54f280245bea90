"""A program, run by a mesh of wavelet routers and PEs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import numpy as np
import numpy.typing as npt

from arch.errors import InputError, SimulationError
from arch.mesh.program import RAMP, MeshProgram
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet import run
from sim.mesh.wavelet_accounts import ENTRY, accounts_until, entries
from sim.mesh.wavelet_build import new_state
from sim.mesh.wavelet_errors import check_done, told
from sim.mesh.wavelet_state import ACCOUNTS, DONE, FULL, MARKED, PAUSED, WaveletState
from sim.mesh.wavelet_steady import Steady
from traces.mesh.check import check_program

CYCLES_MAX = 2**61
SLICE_SECONDS = 0.2
"""Between two pauses, about."""
COUNTED = ("sent", "taken", "absorbed")


@dataclass(frozen=True)
class Windows:
    """What each PE and link did in windows of time, the last one cut off at the run's end."""

    cycles: int
    """Of a window."""
    links: npt.NDArray[np.int64]
    """[windows, height, width, 5] wavelets that left each router by E, W, S, N and to its PE."""
    accounts: dict[str, npt.NDArray[np.int64]]
    """[windows, height, width] cycles of each PE by what they went to."""


@dataclass(frozen=True)
class WaveletRun:
    """What came of a program."""

    mesh: WaveletMesh
    program: MeshProgram
    cycles: int
    """To the last operation of a datapath or the end of the last delay, from 0."""
    marks: dict[int, tuple[int, int, int]]
    """Of each MARK's number: first cycle, last cycle, how often, over all PEs."""
    accounts: dict[str, npt.NDArray[np.int64]]
    """[height, width] cycles of each PE by what they went to; they sum to ``cycles``."""
    links: npt.NDArray[np.int64]
    """[height, width, 5] wavelets that left each router by E, W, S, N and to its PE."""
    counts: dict[str, int]
    """Wavelets ``sent`` and ``taken`` by PEs, ``copied`` by multicast, ``absorbed`` (controls at
    their end), ``left`` in the fabric: sent + copied = taken + absorbed + left; ``hops`` over
    links."""
    steps: dict[str, int]
    """What was simulated, for speed: ``router`` and ``pe`` steps, wavelets ``moved`` by routers,
    ``skipped_cycles`` of steady periods."""
    memory: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    """[height, width, elements] of each region at the end, with values."""
    windows: Windows | None = None
    log: npt.NDArray[np.void] | None = None
    """[n] of ``sim.mesh.wavelet_accounts.ENTRY``, commands of the chosen PEs by their ends."""
    workload: str = ""
    """What the program was made from: a workload with its options, or a file."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the program."""


def run_program(
    mesh: WaveletMesh,
    program: MeshProgram,
    *,
    values: bool | None = None,
    limit_cycles: int | None = None,
    window_cycles: int | None = None,
    chosen: Sequence[int] = (),
    steady: Literal["mark"] | None = None,
    steady_mark: int = 0,
    steady_pe: int = 0,
    progress: Callable[[int], None] | None = None,
    forced: bool = False,
    backwards: bool = False,
) -> WaveletRun:
    """Run a program to its end.

    ``values``: whether wavelets and memory have values; None: if the program has some at the start.
    ``window_cycles``: give windows of so many cycles. ``chosen``: PEs, as ``y * width + x``, whose
    commands are logged. ``steady="mark"``: periods between passes of the PE ``steady_pe`` through
    the mark ``steady_mark`` that repeat themselves are left out, which changes no result.
    ``progress`` is told the cycle, a few times a second.
    ``forced`` visits every router and PE in every cycle, ``backwards`` in another order: neither
    changes anything. Raises InputError for a program that cannot be run, SimulationError for a
    deadlock, wavelets that go round, an error of a PE, or ``limit_cycles`` reached.
    """
    check_program(program, mesh)
    with_values = bool(program.values) if values is None else values
    _check_options(program, with_values, window_cycles, chosen, steady, steady_mark, steady_pe)
    state = new_state(mesh, program, values=with_values, logged=chosen)
    looks = _Looks(program, state, window_cycles)
    periods = Steady(program, state) if steady else None
    if periods:
        state.mesh["mark_pe"] = state.tiles.order[steady_pe]
        state.mesh["mark"] = steady_mark
    limit = CYCLES_MAX if limit_cycles is None else limit_cycles
    now = skipped = 0
    slices = _Slices()
    while True:
        until = looks.next_stop(now, limit - skipped)
        with slices:
            now, how = run(*state.arrays(), now, min(until, now + slices.cycles), forced, backwards)
        if progress is not None:
            progress(now + skipped)
        if how == PAUSED and now < until:
            continue
        if how == MARKED and periods:
            periods.passed(now, limit - skipped - now)
            skipped = periods.offset
        elif how == FULL:
            looks.take_log()
        elif how == PAUSED and now < limit - skipped:
            looks.take_window(now)
        else:
            break
    if how != DONE:
        raise SimulationError(told(program, state, now, how, skipped))
    check_done(program, state, skipped)
    return result(mesh, program, state, looks, periods)


def _check_options(
    program: MeshProgram, values: bool, window_cycles: int | None, chosen: Sequence[int],
    steady: str | None, mark: int, pe: int,
) -> None:  # fmt: skip
    nodes = program.width * program.height
    for given, name in ((pe, "steady_pe"), *((each, "chosen") for each in chosen)):
        if not 0 <= given < nodes:
            raise InputError(f"{name}: must be 0 to {nodes - 1}, a PE's number, not {given}")
    if window_cycles is not None and window_cycles < 1:
        raise InputError(f"window_cycles: must be 1 at least, not {window_cycles}")
    if steady not in (None, "mark"):
        raise InputError(f"steady: must be 'mark' or nothing, not {steady!r}")
    if steady and (values or window_cycles or len(chosen)):
        raise InputError(
            "steady: periods that are left out have no values, windows or commands to log; run "
            "without those, or without steady"
        )
    if steady and mark < 0:
        raise InputError(f"steady_mark: must be the number of a MARK, not {mark}")


class _Slices:
    """Cycles that the kernel goes at a time, so that the run can be interrupted between.

    A pause changes nothing, so that how many cycles lie between two may depend on how long they
    take.
    """

    cycles = 1024

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = perf_counter() - self._began
        if seconds < SLICE_SECONDS / 2:
            self.cycles = min(2 * self.cycles, CYCLES_MAX)
        elif seconds > 2 * SLICE_SECONDS:
            self.cycles = max(self.cycles // 2, 1)


class _Looks:
    """What is noted between cycles: windows, and the kernel's log when it is full."""

    def __init__(
        self, program: MeshProgram, state: WaveletState, window_cycles: int | None
    ) -> None:
        self.program, self.state, self.window_cycles = program, state, window_cycles
        self.ends: list[int] = []
        self.pictures: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]] = []
        self.logs: list[npt.NDArray[np.void]] = []

    def next_stop(self, now: int, limit: int) -> int:
        if self.window_cycles is None:
            return limit
        return min(limit, (now // self.window_cycles + 1) * self.window_cycles)

    def take_log(self) -> None:
        self.logs.append(entries(self.program, self.state))
        self.state.mesh["logged"] = 0

    def take_window(self, now: int) -> None:
        self.ends.append(now)
        self.pictures.append((accounts_until(self.state, now), self.state.links.copy()))

    def windows(self, cycles: int) -> Windows | None:
        if self.window_cycles is None:
            return None
        kept = [at for end, at in zip(self.ends, self.pictures, strict=True) if end < cycles]
        kept.append((accounts_until(self.state, cycles), self.state.links))
        tiles = self.state.tiles
        links = np.stack([
            tiles.gathered(links.reshape(5, -1).T).astype(np.int64) for _, links in kept
        ])  # fmt: skip
        accounts = {
            name: np.stack([tiles.gathered(accounts[at]) for accounts, _ in kept])
            for at, name in enumerate(ACCOUNTS)
        }
        return Windows(
            self.window_cycles, np.diff(links, axis=0, prepend=0),
            {name: np.diff(each, axis=0, prepend=0) for name, each in accounts.items()},
        )  # fmt: skip

    def log(self) -> npt.NDArray[np.void] | None:
        if not self.state.mesh[0]["logging"]:
            return None
        self.take_log()
        found = np.concatenate(self.logs) if self.logs else np.zeros(0, ENTRY)
        return found[np.lexsort((found["slot"], found["pe"], found["end"]))]


def result(
    mesh: WaveletMesh, program: MeshProgram, state: WaveletState, looks: _Looks | None = None,
    periods: Steady | None = None,
) -> WaveletRun:  # fmt: skip
    """Of a state in which nothing can move."""
    m = state.mesh[0]
    cycles = int(m["last"]) + 1
    skipped = periods.offset if periods else 0
    accounts = accounts_until(state, cycles)
    links = state.links.astype(np.int64) + (periods.links if periods else 0)
    counts = {name: int(m[name]) for name in COUNTED}
    # What left routers beside what they moved is copies; controls that went no further are none.
    counts["copied"] = int(links.sum()) - int(m["moved"]) + counts["absorbed"]
    counts["left"] = left_in_fabric(state)
    counts["hops"] = int(links.reshape(5, -1)[:RAMP].sum())
    memory = {}
    if m["values"]:
        every = state.tiles.gathered(state.memory[:-1].reshape(len(state.pes), -1))
        memory = {
            region.name: every[:, :, region.start : region.start + region.elements].copy()
            for region in program.regions
        }
    moved = int(m["moved"]) - (periods.moved if periods else 0)
    return WaveletRun(
        mesh=mesh, program=program, cycles=cycles + skipped,
        marks={
            number: (int(first) + skipped, int(last) + skipped, int(times))
            for number, (first, last, times) in enumerate(state.marks.reshape(-1, 3)) if times
        },
        accounts={name: state.tiles.gathered(accounts[at]) for at, name in enumerate(ACCOUNTS)},
        links=state.tiles.gathered(links.reshape(5, -1).T),
        counts=counts,
        steps={
            "router": int(m["router_steps"]), "pe": int(m["pe_steps"]), "moved": moved,
            "skipped_cycles": skipped,
        },
        memory=memory,
        windows=looks.windows(cycles) if looks else None,
        log=looks.log() if looks else None,
    )  # fmt: skip


def left_in_fabric(state: WaveletState) -> int:
    """Wavelets in the queues of links and ramps."""
    queues = (state.cell & 15, state.up & 0xFF, state.down & 0xFF)
    return sum(int(queue.sum(dtype=np.int64)) for queue in queues)
