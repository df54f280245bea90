"""The kernel's run of a program beside the oracle's: everything that can be seen."""

from collections import Counter

import numpy as np
from wavelet_oracle import ACCOUNTS, OracleRun, simulate

from arch.mesh.program import MeshProgram
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet import run
from sim.mesh.wavelet_build import new_state
from sim.mesh.wavelet_errors import not_done
from sim.mesh.wavelet_run import result
from sim.mesh.wavelet_state import DONE, FAILED, NO_TIME, ROUND

LIMIT = 3_000


def differences(
    mesh: WaveletMesh, program: MeshProgram, forced: bool = False, backwards: bool = False
) -> tuple[str, list[str]]:
    """How the oracle's run ends, and what differs in the kernel's."""
    wanted = simulate(program, mesh, LIMIT)
    state = new_state(mesh, program, values=bool(program.values))
    now, how = run(*state.arrays(), 0, LIMIT, forced, backwards)
    m = state.mesh[0]
    # The kernel has an order of its own.
    numbers = {node: number for number, node in enumerate(state.tiles.order.tolist())}
    stuck = {numbers[n] for n in not_done(program, state).tolist()} if how == DONE else set()
    outcome = {DONE: "deadlock" if stuck else "done", ROUND: "forever"}.get(how, "limit")
    if how == FAILED:
        outcome = "no time" if m["error"] == NO_TIME else "two at once"
    if outcome != wanted.outcome:
        return wanted.outcome, [f"ends: {outcome} in {now}, wanted {wanted.outcome}"]
    if how == FAILED:
        place = (numbers[int(m["error_pe"])], now - 1)
        wanted_place = (wanted.stuck[0][0], wanted.at)
        found = [] if place == wanted_place else [f"error: {place}, wanted {wanted_place}"]
        return wanted.outcome, found
    if how not in (DONE,):
        return wanted.outcome, []
    found = []
    wanted_stuck = {stuck[0] for stuck in wanted.stuck}
    if stuck != wanted_stuck:
        found.append(f"stuck: {stuck}, wanted {wanted_stuck}")
    at = max(m["last"], m["acted"]) + 1
    if stuck and at != wanted.at:
        found.append(f"deadlock in {at}, wanted {wanted.at}")
    return wanted.outcome, found + _of_runs(wanted, mesh, program, state)


def _of_runs(
    wanted: OracleRun, mesh: WaveletMesh, program: MeshProgram, state: object
) -> list[str]:
    done = result(mesh, program, state)  # type: ignore[arg-type]
    found = []
    if done.cycles != wanted.cycles:
        found.append(f"cycles: {done.cycles}, wanted {wanted.cycles}")
    marks: dict[int, list[int]] = {}
    for (_, number), cycles in wanted.marks.items():
        marks.setdefault(number, []).extend(cycles)
    noted = {number: (min(at), max(at), len(at)) for number, at in marks.items()}
    if done.marks != noted:
        found.append(f"marks: {done.marks}, wanted {noted}")
    for at, name in enumerate(ACCOUNTS):
        given = done.accounts[name].ravel()
        for node in np.flatnonzero(given != wanted.accounts[:, at]):
            found.append(f"{name} of PE {node}: {given[node]}, wanted {wanted.accounts[node, at]}")
    links = done.links.reshape(-1, 5)
    if not np.array_equal(links, wanted.links):
        found.append(f"links: {links.tolist()}, wanted {wanted.links.tolist()}")
    if done.counts["left"] != wanted.left:
        found.append(f"left: {done.counts['left']}, wanted {wanted.left}")
    counts = done.counts
    if counts["sent"] + counts["copied"] != counts["taken"] + counts["absorbed"] + counts["left"]:
        found.append(f"wavelets are lost: {counts}")
    if program.values:
        memory = np.concatenate(
            [done.memory[region.name].reshape(len(links), -1) for region in program.regions], axis=1
        )
        given = np.array(wanted.memory)
        wrong = ~((memory == given) | (np.isnan(memory) & np.isnan(given)))
        for node, element in np.argwhere(wrong)[:4]:
            found.append(
                f"memory of PE {node}, {element}: {memory[node, element]!r}, wanted "
                f"{given[node, element]!r}"
            )
    return found


def tally(outcomes: list[str]) -> str:
    """How often each end came."""
    return ", ".join(f"{name} {count}" for name, count in sorted(Counter(outcomes).items()))
