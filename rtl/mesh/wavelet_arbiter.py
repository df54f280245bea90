"""Which colours move: ports out are taken in the cyclic order of colours."""

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.mesh.packet_pick import first_of, from_place, number_of, only_if
from rtl.mesh.wavelet_parameters import PORTS, Parameters


class ColourArbiter(wiring.Component):
    """Grants each colour that can move and whose ports out no earlier one has taken.

    The order begins at a pointer, which goes behind the first that moves. Outputs are
    combinational.

    Members
    -------
    ready : In(colours)
        Those that can move.
    to : In(ArrayLayout(5, colours))
        Their ports out.
    grants : Out(colours)
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "ready": In(p.colours),
                "to": In(data.ArrayLayout(PORTS, p.colours)),
                "grants": Out(p.colours),
            }
        )
        self.pointer = Signal(range(p.colours))
        self.registers: dict[str, ValueLike] = {"pointer": self.pointer}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        colours = self.parameters.colours
        ahead = Signal(colours)
        m.d.comb += ahead.eq(from_place(self.pointer, colours))
        asking = (self.ready & ahead, self.ready & ~ahead)
        taken = Signal(PORTS, name="taken")
        turns = []
        for turn, asks in enumerate(asking):
            grants = Signal(colours, name=f"grants_{turn}")
            turns.append(grants)
            for k in range(colours):
                after = Signal(PORTS, name=f"taken_{turn}_{k}")
                m.d.comb += [
                    grants[k].eq(asks[k] & ~(self.to[k] & taken).any()),
                    after.eq(taken | only_if(grants[k], self.to[k])),
                ]
                taken = after
        first = first_of(m, "colour", self.ready, ahead)
        m.d.comb += self.grants.eq(turns[0] | turns[1])
        m.d.sync += self.pointer.eq(
            Mux(self.ready.any(), number_of(first, 1, colours), self.pointer)
        )
        return m
