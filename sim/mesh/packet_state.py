"""The state of a mesh of packet-switched routers.

Routers, ports and VCs are numbered through: port ``router * 5 + port``, VC
``(router * 5 + port) * vcs + vc``. An input VC and the output VC of the same number share a record.
Inside a router, VC ``port * vcs + vc`` is one bit of its masks.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from arch.mesh.packet import PORTS, VCS_MAX, PacketMesh

NEVER = 2**62
NONE = -1
NODE = 4
"""Port of a router towards its node."""
OPPOSITE = (1, 0, 3, 2)
HEAD, TAIL = 1, 2
"""Bits of a flit, which is ``packet * 4 + bits``."""
DONE, STUCK, PAUSED = 0, 1, 2
"""How a run has ended."""

MESH = np.dtype(
    [
        ("routers", np.int64),
        ("vcs", np.int64),  # of a port
        ("depth", np.int64),  # flits, of the queue of an input VC
        ("routing", np.int64),  # cycles from arrival to VC allocation
        ("to_router", np.int64),  # cycles from a switch win to the next router's input
        ("to_node", np.int64),  # cycles from a switch win to the node
        ("from_node", np.int64),  # cycles from a node's injection to its router's input
        ("credit_link", np.int64),  # cycles from a switch win to a credit at the router before
        ("credit_source", np.int64),  # cycles from a switch win to a credit at the node
        ("credit_sink", np.int64),  # cycles from a switch win to the node's credit back
        ("vc_rounds", np.int64),  # iterations of islip for VCs; 0: separable, input first
        ("switch_rounds", np.int64),  # the same for the switch
        ("slots", np.int64),  # of the wheels, a power of two
        ("flit_slot", np.int64),  # entries of a slot
        ("credit_slot", np.int64),
        ("route_slot", np.int64),
        ("since", np.int64),  # cycle up to which cycles are charged
        ("front", np.int64),  # packets created
        ("active", np.int64),  # routers in the list
        ("sending", np.int64),  # nodes in the list
        ("due", np.int64),  # entries in all wheels
        ("moved", np.int64),  # flits, in this cycle
        ("inside", np.int64),  # flits injected that have not won the switch towards a node
        ("queued", np.int64),  # packets created whose tail is not injected
        ("flits_injected", np.int64),
        ("flits_delivered", np.int64),
        ("packets_delivered", np.int64),
        ("flit_hops", np.int64),  # switch wins
        ("last_arrival", np.int64),  # cycle of the last tail
        ("cycles_moving", np.int64),  # cycles in which a flit was injected or switched
        ("cycles_waiting", np.int64),  # others with flits inside or packets queued
        ("cycles_idle", np.int64),  # the rest
    ]
)

ROUTER = np.dtype(
    [
        ("want", np.int64),  # input VCs whose head waits for an output VC
        ("ready", np.int64),  # input VCs with output VC, flit and credit
        ("free", np.int64),  # output VCs that no packet holds
        ("listed", np.int64),  # whether it is in the list of active ones
        ("x", np.int64),
        ("y", np.int64),
    ]
)

PORT = np.dtype(
    [
        ("vc_turn", np.int64),  # VC of this input that the switch looks at first
        ("in_turn", np.int64),  # output that this input prefers
        ("out_turn", np.int64),  # input that this output prefers
        ("behind", np.int64),  # first input VC at the other end of this output, NONE at an edge
        ("flits", np.int64),  # that have left by this output
    ]
)

VC = np.dtype(
    [
        ("head", np.int32),  # of the queue of this input VC
        ("count", np.int32),
        ("out", np.int32),  # output VC; its port's first while that is wanted; NONE
        ("in_turn", np.int32),  # output VC that this input VC prefers
        ("credits", np.int32),  # of this output VC
        ("owner", np.int32),  # input VC that holds this output VC, or NONE
        ("out_turn", np.int32),  # input VC that this output VC prefers
        ("node_credits", np.int32),  # of the node; of VCs of input port NODE alone
        ("router", np.int32),  # that it is of: dividing is slower than looking it up
    ]
)

SOURCE = np.dtype(
    [
        ("next", np.int64),  # packet to inject, as an index of ``order``
        ("created", np.int64),  # end of those created
        ("left", np.int64),  # flits of the packet under way
        ("vc", np.int64),  # of the packet under way, or of the last one
        ("listed", np.int64),
    ]
)

PACKET = np.dtype(
    [
        ("created", np.int64),  # cycle; never falls along the array
        ("src", np.int64),
        ("dst", np.int64),
        ("flits", np.int64),
        ("x", np.int64),  # of the destination
        ("y", np.int64),
        ("injected", np.int64),  # cycle in which the head left the node, or NONE
        ("arrived", np.int64),  # cycle in which the tail reaches its node, or NONE
    ]
)

FLIT_DUE = np.dtype([("vc", np.int64), ("flit", np.int64)])


@dataclass
class PacketState:
    """Everything that a mesh is at the start of a cycle."""

    mesh: npt.NDArray[np.void]
    """[1] of MESH"""
    routers: npt.NDArray[np.void]
    """[routers] of ROUTER"""
    ports: npt.NDArray[np.void]
    """[routers * 5] of PORT"""
    vcs: npt.NDArray[np.void]
    """[routers * 5 * vcs] of VC"""
    queue: npt.NDArray[np.int64]
    """[routers * 5 * vcs * depth] flits"""
    sources: npt.NDArray[np.void]
    """[routers] of SOURCE"""
    order: npt.NDArray[np.int64]
    """[packets] packets by source, then by creation"""
    packets: npt.NDArray[np.void]
    """[packets] of PACKET"""
    active: npt.NDArray[np.int64]
    """[routers] routers that have something to do, in any order"""
    sending: npt.NDArray[np.int64]
    """[routers] nodes that have something to inject, in any order"""
    flits_due: npt.NDArray[np.void]
    """[slots * flit_slot] of FLIT_DUE"""
    credits_due: npt.NDArray[np.int64]
    """[slots * credit_slot] output VCs; ``-1 - vc`` for those of a node"""
    routes_due: npt.NDArray[np.int64]
    """[slots * route_slot] input VCs with a head to route"""
    counts: npt.NDArray[np.int64]
    """[slots * 3] entries of each slot: flits, credits, routes"""
    tables: npt.NDArray[np.int64]
    """[67 + 64] place of the one bit of a number modulo 67; port of a VC of a router"""
    scratch: npt.NDArray[np.int64]
    """[SCRATCH] of one router in one cycle; nothing in it outlives that"""

    def arrays(self) -> tuple[npt.NDArray[np.generic], ...]:
        """In the order in which kernels take them."""
        return tuple(getattr(self, each.name) for each in fields(self))


WINS, ROWS, COLUMNS, GRANTS, CHOSEN, WANTED, GIVEN = 0, 8, 16, 24, 32, 64, 72
SCRATCH = GIVEN + 64
"""Parts of ``scratch``: inputs that won the switch; outputs that each input asks for; inputs that
ask for each output; grants; the VC for each pair of ports; VCs that want each port; VCs given."""


def new_state(mesh: PacketMesh, packets: npt.NDArray[np.void]) -> PacketState:
    """An empty mesh at cycle 0, and packets of PACKET that it is to carry (see ``prepared``)."""
    router, nodes = mesh.router, mesh.nodes
    vcs = router.vcs
    m = np.zeros(1, MESH)
    m["routers"], m["vcs"], m["depth"] = nodes, vcs, router.buffer_flits
    m["routing"] = router.routing_cycles
    sent = router.switch_allocation_cycles + router.traversal_cycles
    m["to_router"] = sent + mesh.link_latency_cycles
    m["to_node"] = sent + mesh.node_latency_cycles
    m["from_node"] = 1 + mesh.node_latency_cycles
    m["credit_link"] = 1 + mesh.link_latency_cycles + router.credit_cycles
    m["credit_source"] = 1 + mesh.node_latency_cycles
    back = 1 + mesh.node_latency_cycles + router.credit_cycles
    m["credit_sink"] = m["to_node"] + back
    for field, allocator in (
        ("vc_rounds", router.vc_allocator),
        ("switch_rounds", router.switch_allocator),
    ):
        m[field] = allocator.iterations if allocator.kind == "islip" else 0
    longest = max(
        int(m[name][0])
        for name in (
            "to_router", "to_node", "from_node", "credit_link", "credit_source", "credit_sink",
        )
    )  # fmt: skip
    slots = 1 << (max(longest, router.routing_cycles + 1)).bit_length()
    m["slots"] = slots
    m["flit_slot"], m["credit_slot"] = nodes * PORTS, nodes * (PORTS + 1)
    # Heads that arrive and heads that come to the front meet in one slot.
    routed = router.routing_cycles > 0
    m["route_slot"] = nodes * PORTS * 2 if routed else 1
    m["last_arrival"] = NONE

    number = np.arange(nodes)
    routers = np.zeros(nodes, ROUTER)
    routers["x"], routers["y"] = number % mesh.width, number // mesh.width
    routers["free"] = (1 << PORTS * vcs) - 1
    ports = np.zeros((nodes, PORTS), PORT)
    ports["behind"] = NONE
    for port, (dx, dy) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
        x, y = routers["x"] + dx, routers["y"] + dy
        there = (x >= 0) & (x < mesh.width) & (y >= 0) & (y < mesh.height)
        neighbour = y * mesh.width + x
        ports["behind"][there, port] = ((neighbour * PORTS + OPPOSITE[port]) * vcs)[there]
    records = np.zeros(nodes * PORTS * vcs, VC)
    records["out"] = records["owner"] = NONE
    records["router"] = np.repeat(number, PORTS * vcs)
    records["credits"] = records["node_credits"] = router.buffer_flits

    order = np.argsort(packets["src"], kind="stable")
    sources = np.zeros(nodes, SOURCE)
    sources["next"] = np.searchsorted(packets["src"][order], number)
    sources["created"] = sources["next"]
    sources["vc"] = vcs - 1
    tables = np.zeros(67 + 64, np.int64)
    for bit in range(63):
        tables[2**bit % 67] = bit
    tables[67 : 67 + PORTS * VCS_MAX] = np.minimum(np.arange(PORTS * VCS_MAX) // vcs, PORTS - 1)
    return PacketState(
        m, routers, ports.reshape(-1), records,
        np.zeros(nodes * PORTS * vcs * router.buffer_flits, np.int64),
        sources, order, packets,
        np.zeros(nodes, np.int64), np.zeros(nodes, np.int64),
        np.zeros(slots * int(m["flit_slot"][0]), FLIT_DUE),
        np.zeros(slots * int(m["credit_slot"][0]), np.int64),
        np.zeros(slots * int(m["route_slot"][0]), np.int64),
        np.zeros(slots * 3, np.int64), tables, np.zeros(SCRATCH, np.int64),
    )  # fmt: skip


def prepared(
    mesh: PacketMesh,
    created: npt.NDArray[np.int64],
    src: npt.NDArray[np.int64],
    dst: npt.NDArray[np.int64],
    flits: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.void]:
    """Records of PACKET, in order of creation, of packets [n] that are; cycles and nodes."""
    packets = np.zeros(len(created), PACKET)
    packets["created"], packets["src"], packets["dst"] = created, src, dst
    packets["flits"] = mesh.packet_flits if flits is None else flits
    packets["x"], packets["y"] = packets["dst"] % mesh.width, packets["dst"] // mesh.width
    packets["injected"] = packets["arrived"] = NONE
    return packets
