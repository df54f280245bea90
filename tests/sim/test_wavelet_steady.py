"""Runs in which periods that repeat themselves are left out, against runs that do all of them."""

from typing import Any

import numpy as np
import pytest
from wavelet_cases import mesh_of, one_way, pe_of, row_of
from wavelet_small import memory_of

from arch.errors import SimulationError
from arch.mesh.program import EAST, RAMP, WEST, MeshProgram, Route
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_run import WaveletRun, run_program
from traces.mesh.commands import Command, delay, fma, loop, mark, recv, send, wait


def ring_shift(width: int, *bodies: tuple[int, list[Command]]) -> MeshProgram:
    """Vectors go from each PE to the next one and from the last to the first, in each turn of the
    loops, one for each body: its turns, and what a PE does beside."""
    programs, routes = [], []
    for x in range(width):
        on = 3 if x + 1 == width else x % 3
        came = 3 if x == 0 else (x - 1) % 3
        ways: dict[int, Route] = {3: one_way(EAST, WEST)} if 0 < x < width - 1 else {}
        ways[on] = one_way(RAMP, WEST if on == 3 else EAST)
        ways[came] = one_way(EAST if came == 3 else WEST, RAMP)
        routes.append(ways)
        commands: list[Command] = []
        for number, (turns, body) in enumerate(bodies):
            first = len(commands)
            commands += [mark(number), send(on, 8, 0, "fp32", slot=1)]
            commands += [recv(came, 8, 16, "fp32", slot=2)]
            inner = len(commands)
            commands += body
            if number % 2:
                commands.append(loop(inner, 3, level=1))
            commands += [wait(1, 2), loop(first, turns)]
        programs.append(pe_of(*commands))
    return row_of(programs, routes, memory_of(64))


def equal(mesh: WaveletMesh, program: MeshProgram, **options: Any) -> WaveletRun:
    """The run with steady periods left out, if it is as the one that does them all."""
    whole = run_program(mesh, program, values=False)
    run = run_program(mesh, program, values=False, steady="mark", **options)
    assert run.cycles == whole.cycles
    assert run.marks == whole.marks
    assert run.counts == whole.counts
    assert np.array_equal(run.links, whole.links)
    for name, cycles in run.accounts.items():
        assert np.array_equal(cycles, whole.accounts[name]), name
    return run


WORK = fma(4, 0, 16, 20, "fp32", count=5)
FINDS = 6
"""Periods that it takes to see that they are alike, and the last one."""


@pytest.mark.parametrize(("width", "turns"), [(3, 20), (4, 50), (6, 33), (9, 12), (14, 25)])
def test_turns_that_are_alike_are_left_out(width: int, turns: int) -> None:
    run = equal(mesh_of(width=width), ring_shift(width, (turns, [WORK])), steady_pe=1)
    assert run.steps["skipped_cycles"] > run.cycles * (turns - FINDS) // turns - run.cycles // turns


def test_latencies_and_costs_are_in_a_period() -> None:
    costs = {"fabric_cycles": 3, "microthread_cycles": 1, "loop_cycles": 2}
    mesh = mesh_of(hop_cycles=3, ramp_cycles=4, pe={"costs": costs})
    run = equal(mesh, ring_shift(5, (40, [delay(33), WORK])))
    assert run.steps["skipped_cycles"]


def test_pairs_of_wavelets_are_in_a_period() -> None:
    """Compute in each second cycle of a ramp that is taken."""
    mesh = mesh_of(ramp_up_wavelets=5, ramp_down_wavelets=4, pe={"wavelets_per_operation": 2})
    run = equal(mesh, ring_shift(5, (40, [WORK])))
    assert run.steps["skipped_cycles"]


def test_two_loops_one_after_the_other() -> None:
    """The second one has a loop of its own inside; each is skipped by its mark."""
    program = ring_shift(4, (30, [WORK]), (25, [WORK, delay(2)]))
    for number in (0, 1):
        run = equal(mesh_of(), program, steady_mark=number)
        assert run.steps["skipped_cycles"]


def test_periods_of_two_marks_drift_apart() -> None:
    """PEs that have nothing to do with each other and turn with periods of 7 and 11 cycles."""
    programs = [pe_of(mark(0), delay(cycles), loop(0, 200)) for cycles in (7, 11)]
    run = equal(mesh_of(), row_of(programs, [{}, {}]))
    assert not run.steps["skipped_cycles"]


def test_a_loop_that_ends_sooner_is_seen() -> None:
    """Alike until the first PE is through with its turns."""
    programs = [pe_of(mark(at), delay(10), loop(0, turns)) for at, turns in enumerate((90, 40))]
    for pe in (0, 1):
        run = equal(mesh_of(), row_of(programs, [{}, {}]), steady_pe=pe, steady_mark=pe)
        assert run.steps["skipped_cycles"] >= 10 * (40 - FINDS)


def test_a_loop_that_ends_at_other_times_is_seen() -> None:
    """The third PE ends 20 inner turns once in each of the first one's periods, of 23 such turns,
    but ever sooner: what it sends comes when the second one waits, and later into its delay."""
    programs = [
        pe_of(mark(0), send(0, 1, 0, "fp32", slot=1), delay(23 * 8), loop(0, 10)),
        pe_of(
            recv(1, 1, 0, "fp32", slot=1), recv(0, 1, 20, "fp32"), delay(90), loop(0, 10), wait(1)
        ),
        pe_of(delay(8), loop(0, 20, level=1), send(1, 1, 0, "fp32", slot=1), loop(0, 12)),
    ]
    routes = [
        {0: one_way(RAMP, EAST)}, {0: one_way(WEST, RAMP), 1: one_way(EAST, RAMP)},
        {1: one_way(RAMP, WEST)},
    ]  # fmt: skip
    equal(mesh_of(), row_of(programs, routes, memory_of(32)))


def test_a_mark_that_nobody_passes() -> None:
    run = equal(mesh_of(), ring_shift(3, (9, [WORK])), steady_mark=7)
    assert not run.steps["skipped_cycles"]


def test_the_limit_counts_cycles_left_out() -> None:
    program = ring_shift(3, (1000, [WORK]))
    with pytest.raises(SimulationError, match="not done after 10000 cycles"):
        run_program(mesh_of(), program, values=False, steady="mark", limit_cycles=10_000)
