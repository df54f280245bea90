"""Saying which packets of a mesh can never move, and what each waits for."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arch.mesh.packet import PORTS, PacketMesh
from sim.mesh.packet_state import NODE, NONE, PacketState

LINES_MAX = 8
"""Packets that are named; of more there is a number."""
DIRECTIONS = ("+x", "-x", "+y", "-y", "node")


class Waiting(NamedTuple):
    """A packet in front of a queue of a router, or at its node; the nearest to the cause first."""

    rank: int
    """0: a credit is missing though there is room; 1: the queue behind is full; 2: the output VC
    is held; 3: still at its node."""
    packet: int
    """As of the trace."""
    text: str


def explain(mesh: PacketMesh, state: PacketState, order: npt.NDArray[np.int64], cycle: int) -> str:
    """What is stuck in a state in which nothing is due, a line a packet.

    ``order`` [n] are the packets of the trace in the order of the state's.
    """
    m = state.mesh[0]
    left = len(state.packets) - int(m["packets_delivered"])
    lines = [f"{mesh.name}: deadlock in cycle {cycle}: {left} packets are left and none can move"]
    found: dict[int, str] = {}
    for each in sorted([*_in_routers(mesh, state, order), *_in_nodes(mesh, state, order)]):
        # A packet may be in several queues; what is nearest to the cause counts.
        found.setdefault(each.packet, each.text)
    named = list(found.values())[:LINES_MAX]
    lines += [f"  {text}" for text in named]
    if left > len(named):
        lines.append(f"  {left - len(named)} more behind them")
    return "\n".join(lines)


def _in_routers(
    mesh: PacketMesh, state: PacketState, order: npt.NDArray[np.int64]
) -> Iterator[Waiting]:
    """Of each input VC with flits: the packet in front."""
    span, depth = PORTS * mesh.router.vcs, mesh.router.buffer_flits
    for vc in np.flatnonzero(state.vcs["count"]):
        record = state.vcs[vc]
        router, place = divmod(int(vc), span)
        packet = int(state.queue[vc * depth + record["head"]]) >> 2
        where = f"at router {_router(mesh, router)}, input {_vc(mesh, place)}"
        rank, reason = _reason(mesh, state, router, place)
        yield Waiting(
            rank, int(order[packet]), f"{_packet(state, packet, order)} {where}: {reason}"
        )


def _reason(mesh: PacketMesh, state: PacketState, router: int, place: int) -> tuple[int, str]:
    """What the packet in front of an input VC waits for."""
    vcs, depth = mesh.router.vcs, mesh.router.buffer_flits
    first = router * PORTS * vcs
    out = int(state.vcs[first + place]["out"])
    if out == NONE:
        return 2, "is not routed"
    if int(state.routers[router]["want"]) >> place & 1:
        port = out // vcs
        held = [int(state.vcs[first + port * vcs + vc]["owner"]) for vc in range(vcs)]
        holders = [_vc(mesh, owner) for owner in held if owner != NONE]
        whom = f", held by input {' and '.join(holders)}" if holders else ""
        return 2, f"waits for a VC of {DIRECTIONS[port]}{whom}"
    credits = int(state.vcs[first + out]["credits"])
    text = f"has {credits} credits for output {_vc(mesh, out)}"
    port = out // vcs
    if port == NODE:
        return 0, f"{text}, though its node takes every flit"
    behind = int(state.ports[router * PORTS + port]["behind"]) + out % vcs
    flits = int(state.vcs[behind]["count"])
    there = _router(mesh, behind // (PORTS * vcs))
    room = f"the queue behind, at router {there}, holds {flits} of {depth} flits"
    return (1 if flits == depth else 0), f"{text}; {room}"


def _in_nodes(
    mesh: PacketMesh, state: PacketState, order: npt.NDArray[np.int64]
) -> Iterator[Waiting]:
    """Of each node with something to send: the packet in front."""
    vcs, depth = mesh.router.vcs, mesh.router.buffer_flits
    for node, source in enumerate(state.sources):
        if source["left"] == 0 and source["next"] == source["created"]:
            continue
        packet = int(state.order[source["next"]])
        first = (node * PORTS + NODE) * vcs
        # Only its first flit may take any VC.
        usable = [int(source["vc"])] if source["left"] else list(range(vcs))
        flits, room = sum(int(state.vcs[first + vc]["count"]) for vc in usable), len(usable) * depth
        text = (
            f"{_packet(state, packet, order)} at its node: has no credit; the queue behind holds "
            f"{flits} of {room} flits"
        )
        yield Waiting(3 if flits == room else 0, int(order[packet]), text)


def _packet(state: PacketState, packet: int, order: npt.NDArray[np.int64]) -> str:
    p = state.packets[packet]
    return f"packet {order[packet]} ({p['src']} to {p['dst']}, created in cycle {p['created']})"


def _router(mesh: PacketMesh, router: int) -> str:
    return f"{router} (x {router % mesh.width}, y {router // mesh.width})"


def _vc(mesh: PacketMesh, place: int) -> str:
    """An input or output VC of a router."""
    port, vc = divmod(place, mesh.router.vcs)
    return f"{DIRECTIONS[port]} VC {vc}"
