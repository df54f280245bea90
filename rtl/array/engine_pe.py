"""The processing element with a SIMD engine, which holds a sum."""

from amaranth.hdl import Module, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.array.parameters import Parameters
from rtl.mac.parameters import mode_bits, sliced
from rtl.mac.simd_mac import SimdMac


class EnginePe(wiring.Component):
    """A PE of an output-stationary array of engines; all registers move with ``advance``.

    Latency: 1 advance from ``left_in`` to ``left`` and from ``top_in`` to ``top``,
    ``pe_latency_cycles`` from both to the sum. Initiation interval: 1 advance.

    Members
    -------
    advance, left_in, left, top_in, top, first_in, first, last_in, last, shift
        As of ``OutputPe``, of words.
    mode_in, mode : In, Out(mode_bits(engine))
        With ``left``.
    drain_in, drain : In, Out(sum_bits)
        From above, to below: the drain register, or the sum itself (serial drain).
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        engine = parameters.engine
        assert engine is not None
        word, total, mode = parameters.operand, parameters.accumulator, mode_bits(engine)
        super().__init__(
            {
                "advance": In(1),
                "left_in": In(word),
                "left": Out(word),
                "top_in": In(word),
                "top": Out(word),
                "first_in": In(1),
                "first": Out(1),
                "last_in": In(1),
                "last": Out(1),
                "mode_in": In(mode),
                "mode": Out(mode),
                "shift": In(1),
                "drain_in": In(total),
                "drain": Out(total),
            }
        )
        self.mac = SimdMac(engine, parameters.latency)
        self.registers: dict[str, ValueLike] = {
            name: getattr(self, name) for name in ("left", "top", "first", "last", "mode")
        }
        self.registers |= self.mac.registers
        if parameters.holds:
            self.done = Signal()
            self.registers["done"] = self.done
        if parameters.overlapped_drain:
            self.registers |= sliced("drain", self.drain)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        m.submodules.mac = mac = self.mac
        m.d.comb += [
            mac.advance.eq(self.advance),
            mac.left.eq(self.left_in),
            mac.top.eq(self.top_in),
            mac.mode.eq(self.mode_in),
            mac.first.eq(self.first_in),
            mac.last.eq(self.last_in),
        ]
        with m.If(self.advance):
            m.d.sync += [
                self.left.eq(self.left_in),
                self.top.eq(self.top_in),
                self.first.eq(self.first_in),
                self.last.eq(self.last_in),
                self.mode.eq(self.mode_in),
            ]
        if p.holds:
            m.d.comb += mac.hold.eq(self.done & ~mac.arrived_first)
            with m.If(self.advance & (mac.arrived_first | mac.arrived_last)):
                m.d.sync += self.done.eq(mac.arrived_last)
        if not p.overlapped_drain:
            m.d.comb += [
                mac.shift.eq(self.shift),
                mac.drain_in.eq(self.drain_in),
                self.drain.eq(mac.sum),
            ]
            return m
        with m.If(self.advance):
            with m.If(mac.arrived_last):
                m.d.sync += self.drain.eq(mac.total)
            with m.Elif(self.shift):
                m.d.sync += self.drain.eq(self.drain_in)
        return m
