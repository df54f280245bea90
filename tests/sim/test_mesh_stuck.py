"""Packets that can never move: routed x before y nothing waits in a ring, so faults are planted."""

from collections.abc import Callable
from typing import Any

import pytest
from mesh_cases import Packet, mesh_of, trace_of

from arch.errors import SimulationError
from arch.mesh.packet import PacketMesh
from sim.mesh.packet_state import PacketState, new_state
from sim.mesh.replay import replay_packets

EAST, NODE = 0, 4
PORTS = 5


def fails(
    monkeypatch: pytest.MonkeyPatch,
    mesh: PacketMesh,
    packets: list[Packet],
    spoil: Callable[[PacketState], None],
    forced: bool = False,
) -> list[str]:
    """Lines of the error of a mesh that was spoilt before it began."""

    def spoilt(mesh: PacketMesh, records: Any) -> PacketState:
        state = new_state(mesh, records)
        spoil(state)
        return state

    monkeypatch.setattr("sim.mesh.replay.new_state", spoilt)
    with pytest.raises(SimulationError) as caught:
        replay_packets(mesh, trace_of(packets), forced=forced)
    return str(caught.value).splitlines()


def without_credits(router: int, port: int, vcs: int = 1) -> Callable[[PacketState], None]:
    """Takes those of an output port away."""
    first = (router * PORTS + port) * vcs

    def spoil(state: PacketState) -> None:
        state.vcs["credits"][first : first + vcs] = 0

    return spoil


@pytest.mark.parametrize("forced", [False, True])
def test_the_end_is_told(monkeypatch: pytest.MonkeyPatch, forced: bool) -> None:
    def spoil(state: PacketState) -> None:
        state.vcs["credits"] = 0

    found = fails(monkeypatch, mesh_of(), [(0, 0, 1, 1), (6, 1, 0, 1)], spoil, forced)
    assert found[0] == "test: deadlock in cycle 8: 2 packets are left and none can move"
    assert len(found) == 3


def test_a_credit_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of three; the middle one has no credits to the east. Packets are those of the trace,
    which is not in order of creation, and what waits behind follows the cause."""
    mesh = mesh_of(width=3, height=1, buffer_flits=2)
    packets = [(9, 0, 2, 4), (0, 0, 2, 1), (0, 1, 0, 1), (20, 1, 2, 1)]
    assert fails(monkeypatch, mesh, packets, without_credits(1, EAST))[1:] == [
        "  packet 1 (0 to 2, created in cycle 0) at router 1 (x 1, y 0), input -x VC 0: has 0 "
        "credits for output +x VC 0; the queue behind, at router 2 (x 2, y 0), holds 0 of 2 flits",
        "  packet 0 (0 to 2, created in cycle 9) at router 0 (x 0, y 0), input node VC 0: has 0 "
        "credits for output +x VC 0; the queue behind, at router 1 (x 1, y 0), holds 2 of 2 flits",
        "  packet 3 (1 to 2, created in cycle 20) at router 1 (x 1, y 0), input node VC 0: waits "
        "for a VC of +x, held by input -x VC 0",
    ]


def test_a_node_without_credits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has one, for the head."""

    def spoil(state: PacketState) -> None:
        state.vcs["node_credits"][NODE * 2 : NODE * 2 + 2] = [0, 1]
        state.vcs["credits"][NODE * 2 : NODE * 2 + 2] = 0

    mesh = mesh_of(vcs=2, buffer_flits=3)
    assert fails(monkeypatch, mesh, [(0, 1, 0, 1), (2, 0, 0, 2), (3, 0, 1, 1)], spoil)[1:] == [
        "  packet 0 (1 to 0, created in cycle 0) at router 0 (x 0, y 0), input +x VC 0: has 0 "
        "credits for output node VC 1, though its node takes every flit",
        "  packet 1 (0 to 0, created in cycle 2) at its node: has no credit; the queue behind "
        "holds 1 of 3 flits",
        "  1 more behind them",
    ]


def test_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    packets = [(cycle, node, 2 + node % 2, 1) for cycle in range(9) for node in (0, 1)]
    spoil = without_credits(2, NODE)
    found = fails(monkeypatch, mesh_of(buffer_flits=1), packets, spoil)
    assert found[0].endswith("9 packets are left and none can move")
    assert "for output node VC 0, though its node takes every flit" in found[1]
    assert len(found) == 5
    assert found[-1] == "  6 more behind them"


def test_eight_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(state: PacketState) -> None:
        state.vcs["node_credits"] = 0

    packets = [(0, node, 0, 1) for node in range(12)]
    found = fails(monkeypatch, mesh_of(width=4, height=3), packets, spoil)
    assert [line.split()[1] for line in found[1:-1]] == list("01234567")
    assert found[-1] == "  4 more behind them"
