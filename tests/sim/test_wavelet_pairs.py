"""Operations that move two wavelets: cycles known by hand, and what two cannot do."""

from typing import Any

import numpy as np
import pytest
from wavelet_cases import EASTWARDS, mesh_of, one_way, pe_of, row_of
from wavelet_small import chain_reduce, memory_of

from arch.errors import SimulationError
from arch.mesh.program import EAST, RAMP, SOUTH, WEST, MeshProgram
from sim.mesh.wavelet_run import WaveletRun, run_program
from traces.mesh.commands import delay, fma, mark, recv, send, wait

FMA = fma(4, 0, 16, 20, "fp32", count=5)


def mesh_of_pairs(ramp: int = 2, **changed: Any) -> Any:
    """Queues of ramps that sustain a wavelet a cycle."""
    depths = {"ramp_down_wavelets": ramp + 2, "ramp_up_wavelets": ramp + 3}
    return mesh_of(ramp_cycles=ramp, pe={"wavelets_per_operation": 2}, **{**depths, **changed})


def spent(run: WaveletRun) -> dict[str, list[int]]:
    """Accounts that are not 0, of a row."""
    return {name: cycles[0].tolist() for name, cycles in run.accounts.items() if cycles.any()}


def test_pairs_to_the_neighbour() -> None:
    """Put in 0, 2 and 4, the last one alone; the second of a pair is 2 T_R + 3 on its way."""
    programs = [pe_of(send(0, 5, 0, "fp32")), pe_of(recv(0, 5, 0, "fp32"), mark(0))]
    values = {"memory": np.arange(10).reshape(2, 5)}
    run = run_program(mesh_of_pairs(), row_of(programs, EASTWARDS, memory_of(5), values))
    assert (run.cycles, run.marks) == (11, {0: (11, 11, 1)})
    assert spent(run) == {
        "fabric": [3, 3], "wavelets": [0, 8], "room": [2, 0], "done": [6, 0]
    }  # fmt: skip
    assert run.memory["memory"][0].tolist() == [[0, 1, 2, 3, 4]] * 2


@pytest.mark.parametrize("ramp", [1, 2, 5])
@pytest.mark.parametrize(("pes", "wavelets"), [(2, 2), (3, 6), (8, 40)])
def test_each_pe_of_a_chain_waits_for_a_second_wavelet(pes: int, wavelets: int, ramp: int) -> None:
    run = run_program(mesh_of_pairs(ramp), chain_reduce(pes, wavelets))
    assert run.cycles == wavelets - 1 + (2 * ramp + 3) * (pes - 1)
    assert (run.accounts["fabric"] == wavelets // 2).all()
    sums = np.arange(pes * wavelets).reshape(pes, wavelets).sum(0)
    assert run.memory["memory"][0, 0].tolist() == sums.tolist()


def test_ramps_hold_a_wavelet_more_to_sustain_one_a_cycle() -> None:
    full = run_program(mesh_of_pairs(), chain_reduce(3, 60)).cycles
    for name, depth in (("ramp_up_wavelets", 4), ("ramp_down_wavelets", 3)):
        run = run_program(mesh_of_pairs(**{name: depth}), chain_reduce(3, 60))
        assert run.cycles > full + 10, name


def both_ways(length: int) -> MeshProgram:
    """A PE that sends to the east and to the south at once, and computes."""
    programs = [
        pe_of(*[send(at, length, 0, "fp32", slot=at + 1) for at in (0, 1)], FMA, wait(1, 2)),
        pe_of(recv(0, length, 0, "fp32")), pe_of(recv(1, length, 0, "fp32")), pe_of(),
    ]  # fmt: skip
    routes = ({0: one_way(RAMP, EAST), 1: one_way(RAMP, SOUTH)}, {0: one_way(WEST, RAMP)},
              {1: one_way(3, RAMP)}, {})  # fmt: skip
    of = np.arange(4, dtype=np.int32).reshape(2, 2)
    return MeshProgram("both", 2, 2, tuple(programs), of, routes, of, memory_of(64))


def test_a_ramp_carries_one_wavelet_a_cycle_of_all_colours() -> None:
    """40 wavelets by two ports take 40 cycles, in 20 of which the datapath computes."""
    run = run_program(mesh_of_pairs(), both_ways(20))
    accounts = {name: int(cycles[0, 0]) for name, cycles in run.accounts.items()}
    assert (accounts["fabric"], accounts["compute"]) == (20, 20)
    # Compute comes first; the last pair is put in 39, its second wavelet 2 T_R + 3 on its way.
    assert run.cycles == 39 + 7 + 1
    one = run_program(mesh_of(), both_ways(20))
    assert one.cycles == 20 + 39 + 6 + 1


def test_a_pair_that_never_comes() -> None:
    """Three wavelets for a command of four: one stays in the queue."""
    programs = [pe_of(send(0, 3, 0, "fp32"), delay(30)), pe_of(recv(0, 4, 0, "fp32"))]
    with pytest.raises(
        SimulationError, match=r"command 0 \(RECV\) waits for 2 wavelets at once of"
    ):
        run_program(mesh_of_pairs(), row_of(programs, EASTWARDS, memory_of(8)))
    alone = [programs[0], pe_of(recv(0, 3, 0, "fp32"))]
    run = run_program(mesh_of_pairs(), row_of(alone, EASTWARDS, memory_of(8)))
    assert run.accounts["fabric"].tolist() == [[2, 2]]
