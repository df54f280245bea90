"""Meshes of packet routers: hardware and the simulator's kernel alike, in every register."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from twin_checks import OTHER_SIMULATORS, check_cuts, check_equal, check_registers

from arch.errors import InputError
from arch.mesh.load import load_packet_mesh
from arch.mesh.packet import PacketMesh
from rtl.lockstep.campaign_mesh import OPTIONS, choice_of, mesh_builds
from rtl.lockstep.mesh import MeshTraffic, MeshTwin, mesh_twin
from rtl.lockstep.mesh_packets import era_of
from rtl.lockstep.pairs import every_pair, pairs_in
from rtl.lockstep.run import cosim
from rtl.mesh import PacketNetwork
from rtl.verilog import verilog_of
from rtl.wrapper import Wrapper
from sim.mesh.replay import replay_packets
from traces.mesh import PACKET_TRACE

SEPARABLE = {"kind": "separable_input_first"}
ISLIP, TWICE = {"kind": "islip"}, {"kind": "islip", "iterations": 2}


def mesh_of(name: str, router: dict[str, Any], **changed: Any) -> PacketMesh:
    """A shipped mesh with other fields."""
    given = load_packet_mesh(name).model_dump()
    return PacketMesh.model_validate({**given, **changed, "router": {**given["router"], **router}})


MESHES = {
    "wormhole": mesh_of("mesh_W1", {}, width=2, height=2),
    "slow": mesh_of(
        "mesh_V4",
        {
            "vcs": 2, "buffer_flits": 3, "routing_cycles": 2, "traversal_cycles": 2,
            "credit_cycles": 2, "vc_allocator": TWICE, "switch_allocator": TWICE,
        },
        width=1, height=2, link_latency_cycles=2, node_latency_cycles=2,
    ),
    "row": mesh_of(
        "mesh_V4",
        {
            "vcs": 2, "buffer_flits": 1, "routing_cycles": 1, "vc_allocator": SEPARABLE,
            "switch_allocator": ISLIP,
        },
        width=2, height=1, packet_flits=40,
    ),
}  # fmt: skip
each = pytest.mark.parametrize("name", MESHES)


@cache
def twin_of(name: str) -> MeshTwin:
    return MeshTwin(MESHES[name])


@cache
def hardware_of(name: str) -> Wrapper:
    """For several runs: its Verilog is written once."""
    return Wrapper(twin_of(name).component)


@pytest.mark.validates(
    "mesh.kind=packet",
    "mesh.width",
    "mesh.height",
    "mesh.link_latency_cycles",
    "mesh.node_latency_cycles",
    "mesh.vcs",
    "mesh.buffer_flits",
    "mesh.routing_cycles",
    "mesh.vc_allocation_cycles=1",
    "mesh.switch_allocation_cycles=1",
    "mesh.traversal_cycles",
    "mesh.credit_cycles",
    "mesh.speculation=none",
    "mesh.vc_allocator",
    "mesh.switch_allocator",
    by="hardware",
)
@each
def test_hardware_and_kernel_agree_in_every_register(name: str) -> None:
    outcome = check_equal(twin_of(name), seed=11, cycles=15_000, wrapper=hardware_of(name))
    assert outcome.useful_cycles > 10_000
    assert not {event for event, count in outcome.coverage.items() if count == 0}


@pytest.mark.parametrize("simulator", OTHER_SIMULATORS)
def test_simulators_agree(simulator: str) -> None:
    check_equal(twin_of("wormhole"), seed=3, cycles=500, simulator=simulator)


@pytest.mark.parametrize("name", ["wormhole", "row"])
def test_every_flip_flop_is_a_register(name: str) -> None:
    check_registers(hardware_of(name))


def test_routers_are_one_module() -> None:
    text = verilog_of(PacketNetwork(MESHES["wormhole"]), "mesh")
    assert len(re.findall(r"^module packet_router ?\(", text, re.MULTILINE)) == 1
    assert len(re.findall(r"^  packet_router ", text, re.MULTILINE)) == 4


def column(twin: MeshTwin, name: str) -> int:
    """Of a field of a response."""
    return [field.name for field in twin.fields[1]].index(name)


@each
@pytest.mark.parametrize("seed", range(3))
def test_packets_are_those_of_the_kernel_as_it_skips(name: str, seed: int) -> None:
    """Cycles in which nodes take and get packets, of the trace carried as users carry it."""
    twin, mesh = twin_of(name), MESHES[name]
    era = era_of(mesh, 12, seed, 0)
    batch = twin.traffic(seed).next(era.cycles)
    assert batch.rst.tolist() == [0] * (era.cycles - 1) + [1]
    trace = np.zeros(len(era.packets), PACKET_TRACE)
    for field in PACKET_TRACE.names:
        trace[field] = era.packets[field]
    done = replay_packets(mesh, trace)
    stim = [field.name for field in twin.fields[0]]
    for node in range(mesh.nodes):
        valid = batch.stim[:, stim.index(f"packet_{node}.valid")]
        ready = batch.resp[:, column(twin, f"packet_{node}.ready")]
        own = done.injected[trace["src"] == node]
        assert np.flatnonzero(valid & ready).tolist() == own[own < era.cycles].tolist()
        tails = batch.resp[:, column(twin, f"taken_{node}.flit.tail")]
        own = np.sort(done.arrived[trace["dst"] == node])
        assert np.flatnonzero(tails).tolist() == own[own < era.cycles].tolist()


class Moved(MeshTraffic):
    """The kernel with one of its times a cycle longer."""

    field = ""

    def _reset(self) -> None:
        super()._reset()
        self.state.mesh[self.field] += 1


TIMES = ("to_router", "to_node", "from_node", "credit_link", "credit_source", "credit_sink",
         "routing")  # fmt: skip


@pytest.mark.parametrize("time", TIMES)
def test_a_time_of_the_model_that_is_one_off_is_found(
    time: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Moved, "field", time)
    monkeypatch.setattr("rtl.lockstep.mesh.MeshTraffic", Moved)
    outcome = cosim(twin_of("row"), seed=1, cycles=3000, wrapper=hardware_of("row"))
    assert outcome.mismatch is not None


@pytest.mark.parametrize(
    ("allocator", "kind"),
    [("vc_allocator", SEPARABLE), ("vc_allocator", ISLIP), ("switch_allocator", ISLIP)],
)
def test_another_allocator_in_the_model_is_found(allocator: str, kind: dict[str, Any]) -> None:
    """The kernel of another mesh against this one's hardware; one iteration, too, against two."""
    given = MESHES["slow"].model_dump()
    other = PacketMesh.model_validate({**given, "router": {**given["router"], allocator: kind}})
    right = hardware_of("slow")
    assert cosim(MeshTwin(other), seed=1, cycles=15_000, wrapper=right).mismatch is not None


def test_a_pick_of_the_lowest_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def lowest(m: Module, name: str, asking: ValueLike, from_here: ValueLike) -> Signal:
        asking = Value.cast(asking)
        first = Signal(len(asking), name=name)
        m.d.comb += first.eq(asking & -Mux(asking.any(), asking, from_here))
        return first

    monkeypatch.setattr("rtl.mesh.packet_match.first_of", lowest)
    outcome = cosim(MeshTwin(MESHES["row"]), seed=1, cycles=5000)
    assert outcome.mismatch is not None


def test_traffic_does_not_depend_on_how_it_is_cut() -> None:
    check_cuts(twin_of("wormhole"), (1, 1023, 1024, 2, 3950))


def test_legal_traffic_holds_what_is_stalled() -> None:
    twin = twin_of("slow")
    stim = [field.name for field in twin.fields[0]]
    own = [i for i, name in enumerate(stim) if name.startswith("packet_0.")]
    valid, ready = stim.index("packet_0.valid"), column(twin, "packet_0.ready")
    kinds = set()
    for seed in range(40):
        era = era_of(twin.mesh, 12, seed, 0)
        batch = twin.traffic(seed).next(era.cycles)
        stalled = (batch.stim[:-1, valid] == 1) & (batch.resp[:-1, ready] == 0)
        held = (batch.stim[1:, own] == batch.stim[:-1, own]).all(axis=1)
        if stalled.sum() > 20:
            assert held[stalled].all() != era.hostile
            kinds.add(era.hostile)
    assert kinds == {False, True}


def test_a_campaign_has_every_pair_of_values() -> None:
    builds = mesh_builds(34, 2026)
    found = set().union(*(pairs_in(OPTIONS, choice_of(build.mesh)) for build in builds))
    assert found >= every_pair(OPTIONS)
    assert [build.parameters for build in builds] == [
        build.parameters for build in mesh_builds(34, 2026)
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["router.vcs=9"], "router.vcs: hardware needs 8 at most, not 9; router.vcs=8 would do"),
        (["width=17"], "width: hardware needs 16 at most, not 17"),
        (["router.credit_cycles=9"], "router.credit_cycles: hardware needs 8 at most, not 9"),
    ],
)
def test_what_is_not_built_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        mesh_twin(load_packet_mesh("mesh_W1", settings))


def test_too_many_registers_for_one_response() -> None:
    with pytest.raises(InputError, match="co-simulation takes 65,536: take a smaller one"):
        mesh_twin(load_packet_mesh("mesh_V4")).traffic(1)
