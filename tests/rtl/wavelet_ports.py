"""What PEs take and put at their fabric ports: the oracle's, and those that drive hardware."""

from contextlib import suppress
from random import Random
from typing import Any

import numpy as np
from wavelet_oracle import Oracle
from wavelet_programs import random_program

from arch.errors import SimulationError
from arch.mesh.program import NONE
from arch.mesh.wavelet import WaveletMesh
from rtl.lockstep.twin import Batch
from rtl.lockstep.wavelet import WaveletTwin
from rtl.lockstep.wavelet_eras import Job
from rtl.lockstep.wavelet_jobs import job_of
from sim.mesh.wavelet_run import result, run_program

Moves = list[tuple[int, int, int, int, int]]
"""Cycle, PE, colour, which of the operation's wavelets, word."""


def random_jobs(mesh: WaveletMesh) -> list[Job]:
    """Random programs that come to an end."""
    found = []
    for seed in range(80):
        with suppress(SimulationError):
            found.append(job_of(mesh, random_program(Random(seed), mesh, True)))
    return found


def oracle_of(mesh: WaveletMesh, program: Any) -> tuple[Moves, Moves]:
    """What the oracle's PEs take, and what they put; of a control wavelet its controls."""
    oracle = Oracle(program, mesh)
    taken: Moves = []
    put: Moves = []
    for pe in oracle.pes:

        def carry(transfer: Any, now: int, pe: Any = pe, right: Any = pe.carry) -> None:
            came, sent = transfer.receives, transfer.sends
            there = list(pe.down[came]) if came != NONE else []
            former = len(pe.up[sent]) if sent != NONE else 0
            right(transfer, now)
            if came != NONE:
                gone = there[: len(there) - len(pe.down[came])]
                taken.extend((now, pe.number, came, i, each.bits) for i, each in enumerate(gone))
            if sent != NONE:
                for i, each in enumerate(list(pe.up[sent])[former:]):
                    word = each.bits if each.controls is None else each.controls
                    put.append((now, pe.number, sent, i, word))

        pe.carry = carry
    assert oracle.run(50_000).outcome == "done"
    return sorted(taken), sorted(put)


def ports_of(twin: WaveletTwin, batch: Batch) -> tuple[Moves, Moves]:
    """What the hardware's ports are told to take, and have given; and what they are given."""
    stim, resp = ({field.name: i for i, field in enumerate(side)} for side in twin.fields)
    words = {
        "take": (batch.resp, resp, ("taken_{}", "taken_second_{}")),
        "put": (batch.stim, stim, ("put_{}.wavelet.word", "put_{}.second")),
    }
    moves: dict[str, Moves] = {"take": [], "put": []}
    pairs = twin.parameters.together == 2
    for node in range(twin.mesh.nodes):
        for kind, (rows, of, names) in words.items():
            own = f"{kind}_{node}.colour" if kind == "put" else f"{kind}_{node}"
            for cycle in np.flatnonzero(batch.stim[:, stim[f"{own}.valid"]]).tolist():
                colour = int(batch.stim[cycle, stim[f"{own}.number"]])
                two = pairs and batch.stim[cycle, stim[f"{kind}_{node}.two"]]
                moves[kind] += [
                    (cycle, node, colour, i, int(rows[cycle, of[name.format(node)]]))
                    for i, name in enumerate(names if two else names[:1])
                ]
    return sorted(moves["take"]), sorted(moves["put"])


def check_ports(twin: WaveletTwin, seed: int) -> tuple[int, int]:
    """The first program of a seed; returns how many wavelets PEs take, and how many of them are the
    second one of an operation."""
    traffic = twin.traffic(seed)
    state, program = traffic.state, traffic.era.program
    taken, put = ports_of(twin, traffic.next(traffic.era.cycles))
    assert (taken, put) == oracle_of(twin.mesh, program)
    stepped, whole = result(twin.mesh, program, state), run_program(twin.mesh, program)
    assert stepped.cycles == whole.cycles
    np.testing.assert_array_equal(stepped.links, whole.links)
    for region, numbers in whole.memory.items():
        np.testing.assert_array_equal(stepped.memory[region], numbers)
    return len(taken), sum(number for _, _, _, number, _ in taken)
