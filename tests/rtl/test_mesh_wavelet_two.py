"""PEs that move two wavelets at once: hardware, the simulator's kernel and the oracle alike."""

from collections.abc import Callable

import pytest
from amaranth.hdl import Module
from twin_checks import check_cuts, check_equal, check_registers
from wavelet_ports import check_ports, random_jobs

from arch.mesh.load import load_mesh
from arch.mesh.wavelet import WaveletMesh
from rtl.lockstep.run import cosim
from rtl.lockstep.wavelet import WaveletTwin
from rtl.lockstep.wavelet_jobs import job_of, program_twin, whole_program
from rtl.mesh import WaveletFabric
from rtl.mesh.wavelet_port import FabricPort
from rtl.mesh.wavelet_queue import WaveletQueue
from rtl.wrapper import Wrapper


def two_of(*settings: str) -> WaveletMesh:
    """wse2 with two wavelets an operation, and other fields."""
    mesh = load_mesh("wse2", ["pe.wavelets_per_operation=2", *settings])
    assert isinstance(mesh, WaveletMesh)
    return mesh


MESHES = {
    "slow": two_of(
        "width=3", "height=1", "router.colours=2", "router.queue_wavelets=3", "hop_cycles=2",
        "ramp_cycles=3", "ramp_down_wavelets=5", "ramp_up_wavelets=3",
    ),
    "least": two_of(
        "width=1", "height=2", "router.colours=1", "ramp_cycles=1", "ramp_down_wavelets=2",
        "ramp_up_wavelets=2",
    ),
}  # fmt: skip
ALONE = two_of(
    "width=1", "height=1", "router.colours=1", "ramp_cycles=1", "ramp_down_wavelets=3",
    "ramp_up_wavelets=4",
)  # fmt: skip
"""For faults in the hardware, which is built anew for each."""
SQUARE = two_of("width=2", "height=2", "router.colours=9", "pe.costs.fabric_cycles=1")
ROW = two_of("width=3", "height=1", "router.colours=6")
WHOLE = two_of("router.colours=9")
WORKLOADS = {
    "MeshGEMV": (SQUARE, "mesh_gemv:k=12,n=20"),
    "MeshGEMM": (SQUARE, "mesh_gemm:m=6,k=8,n=10"),
    "SUMMA": (SQUARE, "summa:m=6,k=8,n=10"),
    "MeshGEMV, 3 x 3": (WHOLE, "mesh_gemv:k=21,n=15,grid=3"),
    "MeshGEMM, 3 x 3": (WHOLE, "mesh_gemm:m=6,k=9,n=12,grid=3"),
    "MeshGEMV, 4 x 4": (WHOLE, "mesh_gemv:k=20,n=20,grid=4"),
    "SUMMA, 4 x 4": (WHOLE, "summa:m=12,k=8,n=16,grid=4"),
    "an odd number": (ROW, "chain:wavelets=21"),
    "slow ways": (
        two_of("hop_cycles=3", "ramp_cycles=7", "ramp_down_wavelets=9", "ramp_up_wavelets=10",
               "router.colours=6"),
        "ring_allreduce:wavelets=9,width=4",
    ),
}  # fmt: skip


def square() -> WaveletTwin:
    """With all programs of 2 x 2 PEs, and random ones."""
    texts = [text for mesh, text in WORKLOADS.values() if mesh is SQUARE]
    jobs = [job_of(SQUARE, whole_program(SQUARE, text)) for text in texts]
    return WaveletTwin(SQUARE, [*jobs, *random_jobs(SQUARE)])


@pytest.mark.validates("wavelet.wavelets_per_operation", by="hardware")
@pytest.mark.compiled
@pytest.mark.parametrize("name", MESHES)
def test_hardware_and_kernel_agree_in_every_register(name: str) -> None:
    outcome = check_equal(WaveletTwin(MESHES[name]), seed=12, cycles=10_000)
    assert outcome.useful_cycles > 7500
    assert not {event for event, count in outcome.coverage.items() if count == 0}


@pytest.mark.validates("wavelet.wavelets_per_operation", by="hardware")
@pytest.mark.compiled
def test_programs_run_in_lockstep() -> None:
    outcome = check_equal(square(), seed=5, cycles=6000)
    assert outcome.useful_cycles > 1500
    for event in ("two put at once", "two taken at once", "reset while dirty",
                  "program ran to its end", "left by N", "left by E"):  # fmt: skip
        assert outcome.coverage[event] > 4


@pytest.mark.compiled
@pytest.mark.parametrize("name", WORKLOADS)
def test_ports_carry_what_the_oracle_s_pes_take_and_put(name: str) -> None:
    taken, second = check_ports(program_twin(*WORKLOADS[name]), 8)
    assert taken > second > 0


@pytest.mark.compiled
def test_ports_of_random_programs() -> None:
    twin = WaveletTwin(ROW, random_jobs(ROW))
    found = [check_ports(twin, seed) for seed in range(12)]
    assert sum(second for _, second in found) > 20


@pytest.mark.parametrize("name", ["slow", "least"])
def test_every_flip_flop_is_a_register(name: str) -> None:
    check_registers(Wrapper(WaveletFabric(MESHES[name])))


def test_traffic_does_not_depend_on_how_it_is_cut() -> None:
    check_cuts(WaveletTwin(MESHES["least"]), (1, 1023, 1024, 2, 950))


Planted = Callable[[FabricPort, Module], None]


def second_is_dropped(port: FabricPort, m: Module) -> None:
    m.d.sync += port.second.eq(0)


def second_waits_for_nobody(port: FabricPort, m: Module) -> None:
    m.d.comb += port.room[0].eq(~port.parts["up_0"].is_full)


def swapped_on_the_way_up(port: FabricPort, m: Module) -> None:
    with m.If(port.put.two & port.room_two[0]):
        m.d.comb += port.parts["rises"].input.wavelet.word.eq(port.put.second)
        m.d.sync += port.second.word.eq(port.put.wavelet.word)


def swapped_as_they_are_taken(port: FabricPort, m: Module) -> None:
    down = port.parts["down_0"]
    with m.If(down.leaves == 2):
        m.d.comb += [port.taken.eq(down.second), port.taken_second.eq(down.front)]


def counted_once_as_put(port: FabricPort, m: Module) -> None:
    up = port.parts["up_0"]
    with m.If(port.put.colour.valid & port.put.two & port.room_two[0]):
        m.d.comb += up.sent.eq(1)


def counted_once_as_taken(port: FabricPort, m: Module) -> None:
    down = port.parts["down_0"]
    with m.If(port.take.valid & port.take.two & down.are_two):
        m.d.comb += down.leaves.eq(1)


def one_taken_of_two(port: FabricPort, m: Module) -> None:
    """Where two are asked for and one is there, that one goes."""
    down = port.parts["down_0"]
    with m.If(port.take.valid & port.take.two & down.is_there & ~down.are_two):
        m.d.comb += down.leaves.eq(1)


FAULTS: tuple[Planted, ...] = (
    second_is_dropped, second_waits_for_nobody, swapped_on_the_way_up, swapped_as_they_are_taken,
    counted_once_as_put, counted_once_as_taken, one_taken_of_two,
)  # fmt: skip


@pytest.mark.compiled
@pytest.mark.parametrize("planted", FAULTS, ids=lambda planted: planted.__name__)
def test_a_planted_fault_of_the_port_is_found(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elaborate(self: FabricPort, platform: object) -> Module:
        m = right(self, platform)
        planted(self, m)
        return m

    right = FabricPort.elaborate
    monkeypatch.setattr(FabricPort, "elaborate", elaborate)
    assert cosim(WaveletTwin(ALONE), seed=1, cycles=5000).mismatch is not None


@pytest.mark.compiled
def test_two_where_one_has_room_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def elaborate(self: WaveletQueue, platform: object) -> Module:
        m = right(self, platform)
        if self.sends > 1:
            m.d.comb += self.has_two_free.eq(self.count < self.depth)
        return m

    right = WaveletQueue.elaborate
    monkeypatch.setattr(WaveletQueue, "elaborate", elaborate)
    assert cosim(WaveletTwin(ALONE), seed=1, cycles=5000).mismatch is not None
