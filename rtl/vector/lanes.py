"""The arithmetic of the lanes, which is also the tree that adds them up."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.float.adder import Adder
from rtl.float.convert import Converter
from rtl.float.maximum import Maximum
from rtl.float.multiplier import Multiplier
from rtl.vector.parameters import LARGEST, MAX, MUL, OPERATION_BITS, SUM, Parameters


class Lanes(wiring.Component):
    """Combinational: a multiplier, an adder and a comparer a lane.

    A reduction has no adders of its own. Adder k from 1 on adds the sums of adders 2k and 2k + 1,
    those from ``lanes`` on being the elements: lanes 0 + 1, 2 + 3 ..., then these in pairs. Adder 0
    adds ``incoming`` to the result so far. Lanes without an element count as -0, or as -infinity
    for the largest: they change no result.

    Members
    -------
    operation : In(3)
    a, b : In(Parameters.operands)
    count : In(range(lanes + 1))
        Lanes that have elements.
    so_far, incoming : In(fp32)
        Of a reduction: what adder 0 adds.
    first : In(1)
        Instead of ``so_far`` it adds nothing.
    results : Out(Parameters.results)
        Of each lane; of a reduction lane 0 has the new result so far.
    root : Out(fp32)
        Of a reduction, the group's.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "operation": In(OPERATION_BITS),
                "a": In(p.operands),
                "b": In(p.operands),
                "count": In(range(p.lanes + 1)),
                "so_far": In(p.number.bits),
                "incoming": In(p.number.bits),
                "first": In(1),
                "results": Out(p.results),
                "root": Out(p.number.bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        wide = {side: [self._widened(m, side, i) for i in range(p.lanes)] for side in "ab"}
        reduces, larger = Signal(), Signal()
        nothing = Signal(p.number.bits)
        minus = 1 << (p.number.bits - 1)
        m.d.comb += [
            reduces.eq((self.operation == SUM) | (self.operation == LARGEST)),
            larger.eq((self.operation == MAX) | (self.operation == LARGEST)),
            nothing.eq(Mux(larger, minus | p.number.infinity, minus)),
        ]
        sums = [Signal(p.number.bits, name=f"sum{k}") for k in range(p.lanes)]
        leaves = [Mux(i < self.count, wide["a"][i], nothing) for i in range(p.lanes)]
        nodes: list[Value] = [*sums, *leaves]
        for k in range(p.lanes):
            pair = (nodes[2 * k], nodes[2 * k + 1])
            if k == 0:
                pair = (Mux(self.first, nothing, self.so_far), self.incoming)
            adder = m.submodules[f"adder{k}"] = Adder(p.number)
            maximum = m.submodules[f"maximum{k}"] = Maximum(p.number)
            for unit in (adder, maximum):
                m.d.comb += [
                    unit.a.eq(Mux(reduces, pair[0], wide["a"][k])),
                    unit.b.eq(Mux(reduces, pair[1], wide["b"][k])),
                ]
            product = self._product(m, k)
            m.d.comb += [
                sums[k].eq(Mux(larger, maximum.result, adder.result)),
                self.results[k].eq(Mux(self.operation == MUL, product, sums[k])),
            ]
        m.d.comb += self.root.eq(nodes[1])
        return m

    def _widened(self, m: Module, side: str, lane: int) -> Value:
        p = self.parameters
        given = getattr(self, side)[lane]
        if p.operand == p.number:
            return Value.cast(given)
        unit = m.submodules[f"widen_{side}{lane}"] = Converter(p.operand, p.number)
        m.d.comb += unit.a.eq(given)
        return Value.cast(unit.result)

    def _product(self, m: Module, lane: int) -> Value:
        p = self.parameters
        unit = m.submodules[f"multiplier{lane}"] = Multiplier(p.operand, p.number)
        m.d.comb += [unit.a.eq(self.a[lane]), unit.b.eq(self.b[lane])]
        return Value.cast(unit.result)
