"""The arithmetic of the lanes, and the tree that makes one number of them."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.float.adder import Adder
from rtl.float.convert import Converter
from rtl.float.maximum import Maximum
from rtl.float.multiplier import Multiplier
from rtl.vector.parameters import LARGEST, MAX, MUL, OPERATION_BITS, SUM, Parameters


class Lanes(wiring.Component):
    """Combinational: a multiplier, an adder and a comparer a lane, and those of a tree.

    In a reduction a lane adds its elements to what it has ``so_far``, beginning from +0, or from
    -infinity for the largest. The tree adds the lanes: 0 + 1, 2 + 3 ..., then these in pairs.

    Members
    -------
    operation : In(3)
    a, b : In(Parameters.operands)
    count : In(range(lanes + 1))
        Lanes that have elements; in a reduction the others keep what they have.
    so_far : In(Parameters.results)
        Of a reduction, of each lane.
    first : In(1)
        The lanes begin.
    results : Out(Parameters.results)
        Of each lane.
    root : Out(fp32)
        Of a reduction: of all lanes.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "operation": In(OPERATION_BITS),
                "a": In(p.operands),
                "b": In(p.operands),
                "count": In(range(p.lanes + 1)),
                "so_far": In(p.results),
                "first": In(1),
                "results": Out(p.results),
                "root": Out(p.number.bits),
            }
        )
        self.larger = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        reduces = Signal()
        nothing = Signal(p.number.bits)
        minus_infinity = 1 << (p.number.bits - 1) | p.number.infinity
        m.d.comb += [
            reduces.eq((self.operation == SUM) | (self.operation == LARGEST)),
            self.larger.eq((self.operation == MAX) | (self.operation == LARGEST)),
            nothing.eq(Mux(self.larger, minus_infinity, 0)),
        ]
        for lane in range(p.lanes):
            a, b = (self._widened(m, side, lane) for side in "ab")
            begin = Signal(p.number.bits, name=f"begin{lane}")
            m.d.comb += begin.eq(Mux(self.first, nothing, self.so_far[lane]))
            both = self._combined(m, f"lane{lane}", Mux(reduces, begin, a), Mux(reduces, a, b))
            with m.If(reduces & (lane >= self.count)):
                m.d.comb += self.results[lane].eq(begin)
            with m.Else():
                product = self._product(m, lane)
                m.d.comb += self.results[lane].eq(Mux(self.operation == MUL, product, both))
        level: list[Value] = [self.results[lane] for lane in range(p.lanes)]
        while len(level) > 1:
            pairs = [(level[i], level[i + 1]) for i in range(0, len(level), 2)]
            width = len(pairs)
            level = [self._combined(m, f"tree{width}_{i}", x, y) for i, (x, y) in enumerate(pairs)]
        m.d.comb += self.root.eq(level[0])
        return m

    def _combined(self, m: Module, name: str, x: Value, y: Value) -> Value:
        """The sum of two numbers, or the larger one."""
        p = self.parameters
        adder = m.submodules[f"{name}_adder"] = Adder(p.number)
        maximum = m.submodules[f"{name}_maximum"] = Maximum(p.number)
        for unit in (adder, maximum):
            m.d.comb += [unit.a.eq(x), unit.b.eq(y)]
        both = Signal(p.number.bits, name=name)
        m.d.comb += both.eq(Mux(self.larger, maximum.result, adder.result))
        return both

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
