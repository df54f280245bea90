"""A program, run by a mesh of wavelet routers and PEs."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.errors import SimulationError
from arch.mesh.program import MeshProgram
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet import run
from sim.mesh.wavelet_build import new_state
from sim.mesh.wavelet_errors import check_done, told
from sim.mesh.wavelet_state import (
    ACCOUNTS,
    AWAKE,
    DONE,
    WaveletState,
)
from traces.mesh.check import check_program

CYCLES_MAX = 2**61


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
    """What was simulated, for speed: ``router`` and ``pe`` steps, wavelets ``moved`` by routers."""
    memory: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    """[height, width, elements] of each region at the end, with values."""


COUNTED = ("sent", "taken", "copied", "absorbed", "hops")


def run_program(
    mesh: WaveletMesh,
    program: MeshProgram,
    *,
    values: bool | None = None,
    limit_cycles: int | None = None,
    forced: bool = False,
    backwards: bool = False,
) -> WaveletRun:
    """Run a program to its end.

    ``values``: whether wavelets and memory have values; None: if the program has some at the start.
    ``forced`` visits every router and PE in every cycle, ``backwards`` in another order: neither
    changes anything. Raises InputError for a program that cannot be run, SimulationError for a
    deadlock, wavelets that go round, an error of a PE, or ``limit_cycles`` reached.
    """
    check_program(program, mesh)
    with_values = bool(program.values) if values is None else values
    state = new_state(mesh, program, values=with_values)
    until = CYCLES_MAX if limit_cycles is None else limit_cycles
    now, how = run(*state.arrays(), 0, until, forced, backwards)
    if how != DONE:
        raise SimulationError(told(program, state, now, how))
    check_done(program, state)
    return result(mesh, program, state)


def charge_rest(state: WaveletState, cycles: int) -> npt.NDArray[np.int64]:
    """[9, nodes] accounts up to ``cycles``, with what is not yet charged."""
    accounts = state.accounts.reshape(len(ACCOUNTS), -1).copy()
    pes = state.pes
    every = np.arange(len(pes))
    asleep = pes["nap"] != AWAKE
    until = np.where(asleep, np.minimum(pes["slept"], cycles), cycles)
    # What was charged behind the end of the run was charged to the account before.
    spare = np.minimum(until - pes["since"], 0)
    accounts[pes["before"], every] += spare
    accounts[pes["why"], every] += np.maximum(until - pes["since"], 0)
    rest = np.where(asleep, cycles - np.maximum(until, np.minimum(pes["since"], cycles)), 0)
    accounts[np.where(asleep, pes["nap"], 0), every] += rest
    return accounts


def result(mesh: WaveletMesh, program: MeshProgram, state: WaveletState) -> WaveletRun:
    """Of a state in which nothing can move."""
    m = state.mesh[0]
    cycles = int(m["last"]) + 1
    accounts = charge_rest(state, cycles)
    marks = state.marks.reshape(-1, 3)
    counts = {name: int(m[name]) for name in COUNTED}
    counts["left"] = left_in_fabric(state)
    memory = {}
    if m["values"]:
        every = state.tiles.gathered(state.memory[:-1].reshape(len(state.pes), -1))
        memory = {
            region.name: every[:, :, region.start : region.start + region.elements].copy()
            for region in program.regions
        }
    return WaveletRun(
        mesh, program, cycles,
        {number: (int(a), int(b), int(n)) for number, (a, b, n) in enumerate(marks) if n},
        {name: state.tiles.gathered(accounts[at]) for at, name in enumerate(ACCOUNTS)},
        state.tiles.gathered(state.links.reshape(5, -1).T).astype(np.int64),
        counts,
        {"router": int(m["router_steps"]), "pe": int(m["pe_steps"]), "moved": int(m["moved"])},
        memory,
    )  # fmt: skip


def left_in_fabric(state: WaveletState) -> int:
    """Wavelets in the queues of links and ramps."""
    queued = (state.cell & 15).sum(dtype=np.int64)
    return int(
        queued + (state.up & 0xFF).sum(dtype=np.int64) + (state.down & 0xFF).sum(dtype=np.int64)
    )
