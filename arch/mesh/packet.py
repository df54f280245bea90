"""A mesh of packet-switched routers: input-queued, virtual channels, credits, x before y."""

from typing import Literal

from pydantic import Field, model_validator

from arch.spec import Name, Spec

PORTS = 5
"""Of a router, in and out: +x, -x, +y, -y, node."""
NODES_MAX = 2**20
VCS_MAX = 12
"""Input VCs of a router are bits of one 64-bit word."""
DELAY_MAX = 255


class Allocator(Spec):
    """Who of those that ask is given what they ask for, each cycle."""

    kind: Literal["separable_input_first", "islip"]
    """``separable_input_first``: each input picks one of its requests, then each output one of
    those. ``islip``: each output grants one request, then each input accepts one grant. All picks
    are round robin; a pointer moves behind the winner on a final grant only."""
    iterations: int = Field(default=1, ge=1, le=8)
    """Of islip in a cycle; pointers move in the first one only."""

    @model_validator(mode="after")
    def _one_pass(self) -> "Allocator":
        if self.kind == "separable_input_first" and self.iterations != 1:
            raise ValueError(f"iterations: must be 1 unless kind is islip, not {self.iterations}")
        return self


class PacketRouter(Spec):
    """A router: queues at its inputs, one for each virtual channel (VC), and credits for those
    behind its outputs."""

    vcs: int = Field(ge=1, le=VCS_MAX)
    """Virtual channels of each port."""
    buffer_flits: int = Field(ge=1, le=2**15)
    """Depth of the queue of a VC."""
    routing_cycles: int = Field(ge=0, le=DELAY_MAX)
    """From the arrival of a head at the front of its queue to VC allocation; 0 where the route is
    looked ahead by the router before."""
    vc_allocation_cycles: Literal[1] = 1
    """From VC allocation to switch allocation."""
    switch_allocation_cycles: Literal[1] = 1
    """From switch allocation to the crossbar."""
    traversal_cycles: int = Field(ge=1, le=DELAY_MAX)
    """From the crossbar to the link."""
    credit_cycles: int = Field(ge=0, le=DELAY_MAX)
    """That a router holds a credit which reached it before it counts."""
    speculation: Literal["none"] = "none"
    """Whether heads bid for the switch before they have a VC."""
    vc_allocator: Allocator
    """Of output VCs, which are requested whether or not they have credits."""
    switch_allocator: Allocator
    """Of the crossbar; a flit asks for it if there is a credit."""


class PacketMesh(Spec):
    """A mesh of packet-switched routers, with one node at each: a machine for packet traces.

    Packets go along x, then along y. Nodes are numbered ``y * width + x``.
    """

    name: Name
    """Of the mesh."""
    source: str
    """Where its numbers come from."""
    kind: Literal["packet"]
    """Of the routers."""
    clock_khz: int = Field(ge=1, le=10**9)
    """The clock of all routers, links and nodes."""
    width: int = Field(ge=1, le=4096)
    """Routers along x."""
    height: int = Field(ge=1, le=4096)
    """Routers along y."""
    link_latency_cycles: int = Field(ge=1, le=DELAY_MAX)
    """Of a link between routers, in both directions: flits and credits."""
    node_latency_cycles: int = Field(ge=1, le=DELAY_MAX)
    """Of the links between a node and its router, in both directions."""
    packet_flits: int = Field(ge=1, le=2**15)
    """Length of the packets of a trace that does not say it."""
    router: PacketRouter
    """All routers are alike."""

    @model_validator(mode="after")
    def _is_numbered(self) -> "PacketMesh":
        if self.nodes > NODES_MAX:
            raise ValueError(f"width x height: must be {NODES_MAX} at most, not {self.nodes}")
        return self

    @property
    def nodes(self) -> int:
        """Routers, and nodes."""
        return self.width * self.height

    @property
    def hop_cycles(self) -> int:
        """From one router's input to the next one's where nothing is in the way."""
        router = self.router
        return (
            router.routing_cycles
            + router.vc_allocation_cycles
            + router.switch_allocation_cycles
            + router.traversal_cycles
            + self.link_latency_cycles
        )

    def timings(self) -> dict[str, int]:
        """What follows from the latencies: a hop, and the way of one flit across an empty mesh."""
        routers = self.width + self.height - 1
        return {
            "hop": self.hop_cycles,
            "zero_load_corner_to_corner": self.zero_load_cycles(routers, 1),
        }

    def zero_load_cycles(self, routers: int, flits: int) -> int:
        """Creation to arrival of the tail of a packet that nothing is in the way of.

        ``routers`` are those it visits; buffers are as deep as the way of a credit is long.
        """
        ends = 1 + self.node_latency_cycles + self.node_latency_cycles - self.link_latency_cycles
        return routers * self.hop_cycles + ends + flits - 1
