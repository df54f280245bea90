"""Programs of PEs on wavelet meshes: hardware, the simulator's kernel and the oracle alike."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from amaranth.hdl import Module
from typer.testing import CliRunner
from wavelet_cases import one_way, pe_of, row_of
from wavelet_ports import check_ports, random_jobs
from wavelet_small import memory_of

from arch.errors import InputError
from arch.mesh.load import load_mesh
from arch.mesh.program import EAST, RAMP, WEST, MeshProgram, Route
from rtl.lockstep import wavelet_jobs
from rtl.lockstep.campaign_wavelet import wavelet_builds
from rtl.lockstep.run import cosim
from rtl.lockstep.units import twin_of
from rtl.lockstep.wavelet import WaveletTwin
from rtl.lockstep.wavelet_jobs import job_of, program_twin, whole_program
from rtl.mesh.wavelet_port import FabricPort
from rtl.mesh.wavelet_router import WaveletRouter
from sim.cli import app
from traces.mesh.commands import delay, recv, route, send

SQUARE = load_mesh("wse2", ["width=2", "height=2", "router.colours=9", "pe.costs.fabric_cycles=1"])
ROW = load_mesh("wse2", ["width=3", "height=1", "router.colours=6", "ramp_down_wavelets=1"])
WORKLOADS = {
    "MeshGEMV": (SQUARE, "mesh_gemv:k=12,n=20"),
    "by a chain": (SQUARE, "mesh_gemv:k=12,n=30,next=6,allreduce=chain"),
    "MeshGEMM": (SQUARE, "mesh_gemm:m=6,k=8,n=10"),
    "SUMMA": (SQUARE, "summa:m=6,k=8,n=10"),
    "K-tree": (SQUARE, "ktree_allreduce:wavelets=10,axis=y,width=2"),
    "chain": (ROW, "chain:wavelets=20"),
    "4 x 4": (load_mesh("wse2", ["router.colours=9"]), "mesh_gemv:k=20,n=20,grid=4"),
    "slow ways": (
        load_mesh("wse2", ["hop_cycles=3", "ramp_cycles=3", "router.queue_wavelets=1"]),
        "ring_allreduce:wavelets=9,width=4",
    ),
}  # fmt: skip


def switching() -> MeshProgram:
    """A PE takes some of what comes, lets some pass, and takes again."""
    programs = [
        pe_of(send(0, 17, 0, "fp32")),
        pe_of(recv(0, 5, 0, "fp32"), route(0, 1), delay(30), route(0, 0), recv(0, 2, 5, "fp32")),
        pe_of(recv(0, 5, 0, "fp32")),
    ]
    between = Route(((WEST, (RAMP,)), (WEST, (EAST,))))
    routes = [{0: one_way(RAMP, EAST)}, {0: between}, {0: one_way(WEST, RAMP)}]
    return row_of(programs, routes, memory_of(17))


@cache
def square() -> WaveletTwin:
    """With all programs of 2 x 2 PEs, and random ones."""
    texts = [text for mesh, text in WORKLOADS.values() if mesh is SQUARE]
    jobs = [job_of(SQUARE, whole_program(SQUARE, text)) for text in texts]
    return WaveletTwin(SQUARE, [*jobs, *random_jobs(SQUARE)])


@cache
def row() -> WaveletTwin:
    """With programs of 3 x 1 PEs, random ones and ``switching``."""
    return WaveletTwin(ROW, [job_of(ROW, switching()), *random_jobs(ROW)])


def switching_row() -> WaveletTwin:
    return WaveletTwin(ROW, [job_of(ROW, switching())])


@pytest.mark.compiled
def test_programs_run_in_lockstep() -> None:
    outcome = cosim(square(), seed=5, cycles=20_000)
    assert outcome.mismatch is None
    assert outcome.cycles == 20_000
    assert outcome.useful_cycles > 5000
    for event in ("wavelet put", "wavelet taken", "reset while dirty", "program ran to its end",
                  "control switches", "left by N", "left by E"):  # fmt: skip
        assert outcome.coverage[event] > 20


@pytest.mark.compiled
def test_a_program_that_switches_runs_in_lockstep() -> None:
    outcome = cosim(switching_row(), seed=1, cycles=5000)
    assert outcome.mismatch is None
    assert outcome.coverage["PE sets a position"] > 20
    assert outcome.coverage["program ran to its end"] > 20


@pytest.mark.compiled
@pytest.mark.parametrize("name", WORKLOADS)
def test_ports_carry_what_the_oracle_s_pes_take_and_put(name: str) -> None:
    """In the same cycles; and the kernel that is stepped ends as a run of it does."""
    taken, second = check_ports(program_twin(*WORKLOADS[name]), 8)
    assert taken
    assert not second


@pytest.mark.compiled
def test_ports_of_random_programs() -> None:
    assert check_ports(switching_row(), 1) == (12, 0)
    assert sum(check_ports(row(), seed)[0] for seed in range(12)) > 50


@pytest.mark.compiled
def test_a_position_that_is_set_late_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hardware's ROUTE waits until the queue of the colour is empty."""

    def switch(self: WaveletRouter, m: Module, k: int, position: Any, front: Any) -> None:
        late = self.switched[k].valid & ~self.queues[k].is_empty
        with m.If(~late):
            right(self, m, k, position, front)

    right = WaveletRouter._switch
    monkeypatch.setattr(WaveletRouter, "_switch", switch)
    assert cosim(switching_row(), seed=1, cycles=5000).mismatch is not None


@pytest.mark.compiled
def test_a_port_that_takes_without_looking_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues to PEs accept wavelets of colour 0 when they are full."""

    def elaborate(self: FabricPort, platform: object) -> Module:
        m = right(self, platform)
        m.d.comb += self.down_accepted[0].eq(1)
        return m

    right = FabricPort.elaborate
    monkeypatch.setattr(FabricPort, "elaborate", elaborate)
    assert cosim(program_twin(*WORKLOADS["chain"]), seed=1, cycles=5000).mismatch is not None


def test_programs_of_too_many_pes_are_refused_before_they_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wafer = load_mesh("wse2")
    with pytest.raises(InputError, match=r"take a smaller one \(a program of fewer PEs, or"):
        program_twin(wafer, "mesh_gemv:k=8,n=8,grid=4").traffic(1)
    monkeypatch.setattr(wavelet_jobs, "run_program", lambda *_, **__: pytest.fail("it ran"))
    for text in ("mesh_gemv:k=8,n=8", "chain:wavelets=2,width=17,height=1"):
        with pytest.raises(InputError, match="hardware is of 16 x 16 at most: give it a smaller"):
            program_twin(wafer, text)


def test_programs_and_draws_take_turns() -> None:
    jobs = program_twin(*WORKLOADS["chain"]).jobs
    traffic = WaveletTwin(ROW, jobs, mixed=True).traffic(2)
    kinds = []
    for _ in range(20):
        kinds.append((traffic.era.runs, traffic.era.whole))
        traffic._reset()
    assert {*kinds} == {(False, False), (True, False), (True, True)}


def test_every_kind_of_program_is_in_the_campaign() -> None:
    builds = wavelet_builds(40, 2026)
    found = {text.partition(":")[0] for build in builds for text in build.workloads}
    assert {"chain", "ktree_allreduce", "mesh_gemv", "mesh_gemm", "summa"} <= found
    for side, together in product((2, 3, 4), (1, 2)):
        texts = [
            text for build in builds for text in build.workloads
            if (build.mesh.width, build.mesh.height) == (side, side)
            and build.mesh.pe.wavelets_per_operation == together
        ]  # fmt: skip
        assert {text.partition(":")[0] for text in texts} >= {"mesh_gemv", "mesh_gemm", "summa"}
        assert any(text.startswith("mesh_gemv") and text.endswith("k_tree") for text in texts)


@pytest.mark.compiled
def test_the_command_line_runs_a_program() -> None:
    arguments = ["cosim", "wse2", "--unit", "mesh", "--set", "router.colours=2", "--set",
                 "width=3", "--set", "height=1", "--set", "ramp_down_wavelets=1",
                 "--workload", "chain:wavelets=20", "--cycles", "2000"]  # fmt: skip
    done = CliRunner(env={"COLUMNS": "80"}).invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "2,000 cycles compared in every register, all equal" in done.output
    assert "program ran to its end" in done.output
    refused = CliRunner().invoke(app, ["cosim", "gemmini_16", "--workload", "chain:wavelets=20"])
    assert refused.exit_code == 2
    assert "is run by PEs of a wafer" in refused.stderr


def test_refused() -> None:
    with pytest.raises(InputError, match="is run by PEs of a wafer"):
        twin_of(load_mesh("mesh_W1"), "mesh", "chain:wavelets=3")
    with pytest.raises(InputError, match="mesh workload 'chian'"):
        twin_of(SQUARE, "mesh", "chian:wavelets=3")
    with pytest.raises(InputError, match="is for 2 x 1 PEs; must be for 2 x 2, all of wse2"):
        whole_program(SQUARE, "chain:wavelets=3")
