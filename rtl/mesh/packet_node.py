"""A node's side of its link: packets become flits."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.mesh.packet_parameters import Parameters
from rtl.mesh.packet_pick import first_of, from_place, number_of

CARRIED = ("x", "y", "number")
"""By each flit, of its packet."""


class NodePort(wiring.Component):
    """Sends a flit a cycle, packet by packet, each on the next VC that has a credit.

    A packet is taken in the cycle in which its head leaves: the queue of packets is outside.
    ``packet.ready`` is a function of registers.

    Latency: none from ``packet`` to ``sent``. Initiation interval: a packet's flits in cycles.

    Members
    -------
    packet : In(stream of Parameters.packet)
    credit : In(Parameters.credit)
    sent : Out(Parameters.moving)
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "packet": In(stream.Signature(p.packet)),
                "credit": In(p.credit),
                "sent": Out(p.moving),
            }
        )
        self.credits = [
            Signal(range(p.depth + 1), init=p.depth, name=f"credits_{i}") for i in range(p.vcs)
        ]
        self.vc = Signal(range(p.vcs), init=p.vcs - 1)
        self.left = Signal(p.length_bits)
        self.under_way: Any = Signal(
            data.StructLayout({"x": p.x_bits, "y": p.y_bits, "number": p.number_bits})
        )
        self.registers: dict[str, ValueLike] = {
            f"credits_{i}": each for i, each in enumerate(self.credits)
        }
        self.registers |= {"vc": self.vc, "left": self.left, "under_way": self.under_way}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        payload = self.packet.payload
        has_credit = Cat(*(each != 0 for each in self.credits))
        first = first_of(m, "vc", has_credit, from_place(self.vc + 1, p.vcs))
        vc = Signal.like(self.vc, name="chosen")
        begins, goes_on = Signal(), Signal()
        m.d.comb += [
            self.packet.ready.eq((self.left == 0) & has_credit.any()),
            begins.eq(self.packet.valid & self.packet.ready),
            goes_on.eq((self.left != 0) & has_credit.bit_select(self.vc, 1)),
            vc.eq(Mux(begins, number_of(first), self.vc)),
            self.sent.valid.eq(begins | goes_on),
        ]
        flit = self.sent.flit
        with m.If(begins):
            m.d.comb += [flit.head.eq(1), flit.tail.eq(payload.flits == 1)]
            m.d.comb += [getattr(flit, name).eq(payload[name]) for name in CARRIED]
            m.d.sync += [self.vc.eq(vc), self.left.eq(payload.flits - 1)]
            m.d.sync += [self.under_way[name].eq(payload[name]) for name in CARRIED]
        with m.Elif(goes_on):
            m.d.comb += flit.tail.eq(self.left == 1)
            m.d.comb += [getattr(flit, name).eq(self.under_way[name]) for name in CARRIED]
            m.d.sync += self.left.eq(self.left - 1)
        with m.If(self.sent.valid):
            m.d.comb += self.sent.vc.eq(vc)
        for i, credits in enumerate(self.credits):
            comes = self.credit.valid & (self.credit.vc == i)
            goes = self.sent.valid & (vc == i)
            m.d.sync += credits.eq(credits + comes - goes)
        return m
