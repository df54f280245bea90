"""Windows of a run, and the log of commands of chosen PEs."""

import numpy as np
import pytest
from wavelet_cases import EASTWARDS, mesh_of, pe_of, row_of
from wavelet_small import chain_reduce, memory_of

from sim.mesh import wavelet_build
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh import collective
from traces.mesh.commands import delay, fma, loop, recv, send, wait


@pytest.mark.parametrize("window", [1, 7, 25, 1000])
def test_windows_sum_to_the_run(window: int) -> None:
    mesh, program = mesh_of(), collective("ktree_allreduce", 4, 5, 9, axis="both")
    plain = run_program(mesh, program)
    run = run_program(mesh, program, window_cycles=window)
    assert run.cycles == plain.cycles
    assert run.windows is not None
    count = -(-run.cycles // window)
    assert run.windows.links.shape == (count, 5, 4, 5)
    assert (run.windows.links.sum(axis=0) == plain.links).all()
    for name, cycles in run.windows.accounts.items():
        assert (cycles.sum(axis=0) == plain.accounts[name]).all()
        assert (cycles >= 0).all()
    lengths = [min(window, run.cycles - at * window) for at in range(count)]
    spent = sum(run.windows.accounts.values())
    assert (spent == np.array(lengths)[:, None, None]).all()


def test_a_window_has_what_happened_in_it() -> None:
    """A chain of two PEs, T_R = 2: sent in 0 to 9, out of the router in 3 to 12, received in 6."""
    run = run_program(mesh_of(), chain_reduce(2, 10), window_cycles=5)
    assert run.windows is not None
    assert run.windows.links[:, 0, 1, 1].tolist() == [2, 5, 3, 0]
    assert run.windows.links[:, 0, 0, 4].tolist() == [1, 5, 4, 0]
    assert run.windows.accounts["fabric"][:, 0, 0].tolist() == [0, 4, 5, 1]


def test_the_log_of_commands() -> None:
    costs = {"task_cycles": 2, "fabric_cycles": 1, "microthread_cycles": 1, "loop_cycles": 1}
    mesh = mesh_of(pe={"costs": costs})
    programs = [
        pe_of(send(0, 4, 0, "fp32"), delay(3)),
        pe_of(recv(0, 2, 0, "fp32", slot=1), fma(1, 0, 1, 2, "fp32", count=5), wait(1), loop(0, 2)),
    ]
    run = run_program(mesh, row_of(programs, EASTWARDS, memory_of(16)), chosen=[1, 0])
    assert run.log is not None
    assert [tuple(entry) for entry in run.log.tolist()] == [
        (0, 0, 0, -1, 0, 2),  # to start the task
        (1, 0, 0, -1, 0, 2),
        (1, 0, 0, 0, 2, 3),  # to start the microthread
        (0, 0, 0, 0, 2, 7),
        (1, 0, 0, 1, 3, 8),  # alone until the first wavelet is there
        (0, 0, 0, 1, 7, 10),
        (1, 0, 0, 2, 8, 11),
        (1, 1, 0, 0, 3, 11),
        (1, 0, 0, 3, 11, 12),
        (1, 0, 0, 0, 12, 13),
        (1, 1, 0, 0, 13, 16),  # each second cycle
        (1, 0, 0, 1, 13, 20),
    ]
    assert len(run_program(mesh, row_of(programs, EASTWARDS, memory_of(16)), chosen=[0]).log) == 3


def test_a_full_log_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    program = collective("ktree_allreduce", 5, 4, 8, axis="both")
    wanted = run_program(mesh_of(), program, chosen=range(20)).log
    monkeypatch.setattr(wavelet_build, "LOG_ENTRIES", 3)
    given = run_program(mesh_of(), program, chosen=range(20)).log
    assert wanted is not None
    assert len(wanted) > 40
    assert (wanted == given).all()
