"""The queue of an input VC, and how far the packet in front of it is."""

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.mesh.packet import PORTS
from rtl.mesh.packet_parameters import NODE, Parameters


class VcQueue(wiring.Component):
    """Flits in the order of their arrival, in a ring; and the route and output VC of the first.

    A head that comes to the front is routed, x before y: at once, in the cycle before it is there,
    or ``routing_cycles`` later. Then it wants a VC of its output; once it has been given one,
    the flits may leave.

    Latency: 1 cycle from ``arrives`` to ``front``. Initiation interval: 1 cycle.

    Members
    -------
    x, y : In
        The router's place.
    arrives, flit : In(1), In(Parameters.flit)
        There must be room.
    given, given_vc : In(1), In(range(vcs))
        An output VC, to who wants one.
    leaves : In(1)
        The first flit, which must be there.
    front : Out(Parameters.flit)
    is_there : Out(1)
    wanted, held : Out(1), Out(1)
        The packet in front wants an output VC, or has one.
    port, vc : Out
        Of the output; 0 where it has none.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "x": In(p.x_bits),
                "y": In(p.y_bits),
                "arrives": In(1),
                "flit": In(p.flit),
                "given": In(1),
                "given_vc": In(range(p.vcs)),
                "leaves": In(1),
                "front": Out(p.flit),
                "is_there": Out(1),
                "wanted": Out(1),
                "held": Out(1),
                "port": Out(range(PORTS)),
                "vc": Out(range(p.vcs)),
            }
        )
        self.entries: Any = [Signal(p.flit, name=f"entry_{i}") for i in range(p.depth)]
        self.head = Signal(range(p.depth))
        self.count = Signal(range(p.depth + 1))
        self.routing = Signal(range(p.routing_cycles + 1))
        self.registers: dict[str, ValueLike] = {
            "head": self.head,
            "count": self.count,
            "routing": self.routing,
            "wanted": self.wanted,
            "held": self.held,
            "port": self.port,
            "vc": self.vc,
        }
        self.registers |= {f"entry_{i}": entry for i, entry in enumerate(self.entries)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        left = Signal.like(self.count)
        behind = Signal.like(self.head)
        place = Signal(range(2 * p.depth))
        m.d.comb += [
            left.eq(self.count - self.leaves),
            behind.eq(Mux(self.head == p.depth - 1, 0, self.head + 1)),
            place.eq(self.head + self.count),
            self.front.eq(Array(self.entries)[self.head]),
            self.is_there.eq(self.count != 0),
        ]
        m.d.sync += self.count.eq(left + self.arrives)
        with m.If(self.leaves):
            m.d.sync += self.head.eq(behind)
        for i, entry in enumerate(self.entries):
            with m.If(self.arrives & ((place == i) | (place == p.depth + i))):
                m.d.sync += entry.eq(self.flit)
        coming = Signal(p.flit)
        comes = Signal()
        m.d.comb += [
            coming.eq(Mux(left == 0, self.flit, Array(self.entries)[behind])),
            comes.eq(Mux(left == 0, self.arrives, self.leaves) & coming.head),
        ]
        self._follow(m, coming, comes)
        return m

    def _follow(self, m: Module, coming: Any, comes: Signal) -> None:
        """What becomes of the packet in front; ``comes``: a head will be there."""
        p = self.parameters
        with m.If(self.given):
            m.d.sync += [self.wanted.eq(0), self.held.eq(1), self.vc.eq(self.given_vc)]
        with m.If(self.leaves & self.front.tail):
            m.d.sync += [self.held.eq(0), self.port.eq(0), self.vc.eq(0)]
        if p.routing_cycles == 0:
            with m.If(comes):
                m.d.sync += [self.wanted.eq(1), self.port.eq(self._route(m, coming))]
            return
        with m.If(comes):
            m.d.sync += self.routing.eq(p.routing_cycles)
        with m.Elif(self.routing != 0):
            m.d.sync += self.routing.eq(self.routing - 1)
        with m.If(self.routing == 1):
            m.d.sync += [self.wanted.eq(1), self.port.eq(self._route(m, self.front))]

    def _route(self, m: Module, flit: Any) -> Signal:
        port = Signal(range(PORTS), name="route")
        with m.If(flit.x > self.x):
            m.d.comb += port.eq(0)
        with m.Elif(flit.x < self.x):
            m.d.comb += port.eq(1)
        with m.Elif(flit.y > self.y):
            m.d.comb += port.eq(2)
        with m.Elif(flit.y < self.y):
            m.d.comb += port.eq(3)
        with m.Else():
            m.d.comb += port.eq(NODE)
        return port
