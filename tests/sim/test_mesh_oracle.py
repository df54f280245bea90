"""Packet meshes against the plain oracle, and against themselves however they are stepped."""

import random

import numpy as np
import pytest
from hypothesis import given
from mesh_cases import Packet, mesh_of, runs, trace_of
from mesh_oracle import Mesh

from arch.mesh.packet import PacketMesh
from sim.mesh.packet import run
from sim.mesh.packet_state import DONE, PacketState, new_state, prepared
from sim.mesh.replay import replay_packets


def oracle_of(mesh: PacketMesh) -> Mesh:
    router = mesh.router
    kinds = [(a.kind, a.iterations) for a in (router.vc_allocator, router.switch_allocator)]
    return Mesh(
        mesh.width, mesh.height, router.vcs, router.buffer_flits, router.routing_cycles,
        router.traversal_cycles, router.credit_cycles, mesh.link_latency_cycles,
        mesh.node_latency_cycles, *kinds,
    )  # fmt: skip


def same_as_oracle(mesh: PacketMesh, packets: list[Packet]) -> None:
    injected, arrived, sent = oracle_of(mesh).run(packets)
    done = replay_packets(mesh, trace_of(packets))
    assert done.injected.tolist() == injected
    assert done.arrived.tolist() == arrived
    assert done.link_flits.tolist() == sent


@given(runs())
def test_any_router_equals_the_oracle(case: tuple[PacketMesh, list[Packet]]) -> None:
    same_as_oracle(*case)


def crowded(mesh: PacketMesh, seed: int, cycles: int, chance: float) -> list[Packet]:
    draw = random.Random(seed)
    return [
        (now, src, draw.randrange(mesh.nodes), draw.randint(1, 5))
        for now in range(cycles)
        for src in range(mesh.nodes)
        if draw.random() < chance
    ]


@pytest.mark.parametrize("vcs", [1, 2, 4])
@pytest.mark.parametrize("iterations", [0, 1, 3])
@pytest.mark.parametrize("routing", [0, 1])
def test_crowded_meshes_equal_the_oracle(vcs: int, iterations: int, routing: int) -> None:
    kind = {"kind": "islip", "iterations": iterations} if iterations else None
    allocator = kind or {"kind": "separable_input_first"}
    mesh = mesh_of(
        width=3, height=3, vcs=vcs, buffer_flits=3, routing_cycles=routing,
        vc_allocator=allocator, switch_allocator=allocator,
    )  # fmt: skip
    same_as_oracle(mesh, crowded(mesh, vcs, 60, 0.2))


def carried(
    mesh: PacketMesh, packets: list[Packet], pauses: list[int], forced: bool, backwards: bool
) -> list[tuple[PacketState, int]]:
    """Copies of the state at pauses and at the end, with the cycle of the end."""
    trace = trace_of(packets)
    state = new_state(
        mesh, prepared(mesh, trace["created"], trace["src"], trace["dst"], trace["flits"])
    )
    now, how, found = 0, None, []
    for until in [*pauses, 2**60]:
        if how != DONE:
            now, how = run(*state.arrays(), now, until, forced, backwards)
        copies = [array.copy() for array in state.arrays()]
        found.append((PacketState(*copies), now if how == DONE else until))
    assert how == DONE
    return found


def comparable(state: PacketState) -> list[object]:
    """Everything that the state means: order inside lists and what is dead are left out."""
    m = state.mesh[0]
    counts = state.counts.reshape(-1, 3)
    wheels = []
    for slot, (flits, credits, routes) in enumerate(counts):
        for array, size, number in (
            (state.flits_due, m["flit_slot"], flits),
            (state.credits_due, m["credit_slot"], credits),
            (state.routes_due, m["route_slot"], routes),
        ):
            wheels.append(sorted(array[slot * size : slot * size + number].tolist()))
    names = [name for name in m.dtype.names if name != "moved"]
    return [
        [int(m[name]) for name in names], wheels,
        sorted(state.active[: m["active"]].tolist()),
        sorted(state.sending[: m["sending"]].tolist()),
        *(array.tolist() for array in (state.routers, state.ports, state.vcs, state.queue,
                                       state.sources, state.order, state.packets)),
    ]  # fmt: skip


@given(runs())
def test_skipping_and_order_change_nothing(case: tuple[PacketMesh, list[Packet]]) -> None:
    mesh, packets = case
    pauses = [3, 11, 12, 40]
    wanted = carried(mesh, packets, pauses, False, False)
    for forced, backwards in ((False, True), (True, False), (True, True)):
        found = carried(mesh, packets, pauses, forced, backwards)
        for (state, at), (other, there) in zip(wanted, found, strict=True):
            assert at == there
            assert comparable(state) == comparable(other)


@given(runs())
def test_a_finished_mesh_is_empty(case: tuple[PacketMesh, list[Packet]]) -> None:
    mesh, packets = case
    (state, end), *_ = carried(mesh, packets, [], False, False)
    flits = sum(packet[3] for packet in packets)
    m = state.mesh[0]
    assert m["flits_injected"] == m["flits_delivered"] == flits
    assert m["inside"] == m["queued"] == m["due"] == 0
    assert (state.vcs["count"] == 0).all()
    assert (state.vcs["owner"] == -1).all()
    assert (state.vcs["credits"] == mesh.router.buffer_flits).all()
    assert (state.vcs["node_credits"] == mesh.router.buffer_flits).all()
    way = sum(
        flits * (1 + abs(src % mesh.width - dst % mesh.width)
                 + abs(src // mesh.width - dst // mesh.width))
        for _, src, dst, flits in packets
    )  # fmt: skip
    assert m["flit_hops"] == way == state.ports["flits"].sum()
    assert m["cycles_moving"] + m["cycles_waiting"] + m["cycles_idle"] == end


def test_packets_of_a_source_go_in_order_of_creation() -> None:
    """Those of one cycle in that of the trace; results keep the order of the trace."""
    mesh = mesh_of()
    given_packets = [(5, 0, 1, 1), (0, 0, 3, 1), (5, 0, 2, 1), (5, 1, 2, 1)]
    done = replay_packets(mesh, trace_of(given_packets))
    assert done.injected.tolist() == [5, 0, 6, 5]
    assert np.array_equal(done.packets, trace_of(given_packets))
