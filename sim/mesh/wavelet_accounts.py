"""Cycles of PEs by what they went to, and the log of their commands, out of a state."""

import numpy as np
import numpy.typing as npt

from arch.mesh.program import MeshProgram
from sim.mesh.wavelet_program import task_at
from sim.mesh.wavelet_state import ACCOUNTS, AWAKE, TASKS_MAX, WaveletState

ENTRY = np.dtype(
    [
        ("pe", np.int64),  # y * width + x
        ("slot", np.int64),
        ("task", np.int64),  # of its program
        ("command", np.int64),  # of the task; -1: what it takes to start the task
        ("begin", np.int64),  # cycle
        ("end", np.int64),  # cycle behind the last one
    ]
)
"""A command that a slot had; waiting is in it, and in slot 0 the overhead before it goes to another
slot."""


def accounts_until(state: WaveletState, cycles: int) -> npt.NDArray[np.int64]:
    """[9, nodes] accounts of the cycles before ``cycles``, with what is not yet charged."""
    accounts = state.accounts.reshape(len(ACCOUNTS), -1).copy()
    pes = state.pes
    every = np.arange(len(pes))
    asleep = pes["nap"] != AWAKE
    until = np.where(asleep, np.minimum(pes["slept"], cycles), cycles)
    # What was charged behind the end of the run was charged to the account before.
    accounts[pes["before"], every] += np.minimum(until - pes["since"], 0)
    accounts[pes["why"], every] += np.maximum(until - pes["since"], 0)
    rest = np.where(asleep, cycles - np.maximum(until, np.minimum(pes["since"], cycles)), 0)
    accounts[np.where(asleep, pes["nap"], 0), every] += rest
    return accounts


def settle(state: WaveletState, now: int) -> None:
    """Charge all cycles before ``now``, which changes no result."""
    state.accounts[:] = accounts_until(state, now).reshape(-1)
    pes = state.pes
    asleep = pes["nap"] != AWAKE
    napped = asleep & (pes["slept"] < now)
    pes["before"] = np.where(napped, pes["nap"], pes["why"])
    pes["why"] = np.where(asleep, pes["nap"], pes["why"])
    pes["since"] = now
    pes["slept"] = np.where(asleep, now, pes["slept"])


def entries(program: MeshProgram, state: WaveletState) -> npt.NDArray[np.void]:
    """[n] of ENTRY: what the kernel has logged."""
    log = state.log[: int(state.mesh[0]["logged"])]
    made = np.zeros(len(log), ENTRY)
    place = np.zeros(len(state.pes), np.int64)
    place[state.tiles.order] = np.arange(len(state.tiles.order))
    made["pe"] = place[log["pe"]]
    for name in ("slot", "begin", "end"):
        made[name] = log[name]
    kinds = state.pe_class[log["pe"]]
    starts = log["command"] < 0
    pcs = np.where(starts, -1 - log["command"], log["command"])
    for kind in np.unique(kinds):
        for pc in np.unique(pcs[kinds == kind]):
            mine = (kinds == kind) & (pcs == pc)
            firsts = state.task_pc[kind * TASKS_MAX :]
            made["task"][mine], made["command"][mine] = task_at(
                program.programs[kind], firsts, int(pc)
            )
    made["command"][starts] = -1
    return made
