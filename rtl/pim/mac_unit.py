"""The MAC unit beside a bank: multipliers, an adder tree, accumulators."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.float.adder import Adder
from rtl.float.convert import Converter
from rtl.float.multiplier import Multiplier
from rtl.pim.parameters import Parameters


class MacUnit(wiring.Component):
    """Multiplies two columns lane by lane and adds the products up, a column a cycle.

    The order of the sums is that of the tree, and is exact: lanes 0 + 1, 2 + 3 ..., then these
    sums in pairs, and at last ``accumulator + sum``; every adder rounds to fp32. A result is the
    accumulator, rounded to the format of operands. Rounding is to the nearest, ties to even.

    ``clear``, ``valid`` and ``read`` of a cycle take effect in this order, and after those of all
    cycles before: all three go down the pipeline. The accumulator's adder has one cycle, from its
    register back into it, so columns may follow each other in each cycle, to one accumulator too.
    Registers of numbers move only where there is something new. An accumulator that is not there is
    not written, and 0 is read from it.

    Latency: ``Parameters.latency`` cycles from a column or a read to ``result``. Initiation
    interval: 1 cycle.

    Members
    -------
    given : In(Parameters.token)
        ``valid``: accumulate the column; ``clear``: begin from +0; ``read``: give the result;
        ``thread``: the accumulator.
    row, factors : In(Parameters.column)
        A column of the bank's open row, one of the global buffer.
    result : Out(operand format)
        Registered, as all outputs.
    result_valid : Out(1)
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "given": In(p.token),
                "row": In(p.column),
                "factors": In(p.column),
                "result": Out(p.operand.bits),
                "result_valid": Out(1),
            }
        )
        bits = p.accumulator.bits
        self.products = Signal(data.ArrayLayout(bits, p.lanes))
        self.products_token = Signal(p.token)
        self.sums = [Signal(data.ArrayLayout(bits, n), name=f"sums{n}") for n in p.sums]
        self.tokens = [Signal(p.token, name=f"sums{n}_token") for n in p.sums]
        self.accumulators = Signal(data.ArrayLayout(bits, p.accumulators))
        self.read_valid = Signal()
        self.read_thread = Signal(p.thread_bits)
        self.registers: dict[str, ValueLike] = {
            "products": self.products,
            "products_token": self.products_token,
        }
        for n, sums, token in zip(p.sums, self.sums, self.tokens, strict=True):
            self.registers |= {f"sums{n}": sums, f"sums{n}_token": token}
        for name in ("accumulators", "read_valid", "read_thread", "result", "result_valid"):
            self.registers[name] = getattr(self, name)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._multiply(m)
        token, values = self.products_token, [self.products[i] for i in range(len(self.products))]
        for sums, next_token in zip(self.sums, self.tokens, strict=True):
            values = self._add_up(m, values, len(sums))
            m.d.sync += next_token.eq(token)
            with m.If(token.valid):
                m.d.sync += Cat(*(sums[i] for i in range(len(sums)))).eq(Cat(*values))
            token, values = next_token, [sums[i] for i in range(len(sums))]
        self._accumulate(m, token, values[0])
        self._read(m)
        return m

    def _multiply(self, m: Module) -> None:
        p = self.parameters
        m.d.sync += self.products_token.eq(self.given)
        for i in range(p.lanes):
            m.submodules[f"multiplier{i}"] = unit = Multiplier(p.operand, p.accumulator)
            m.d.comb += [unit.a.eq(self.row[i]), unit.b.eq(self.factors[i])]
            with m.If(self.given.valid):
                m.d.sync += self.products[i].eq(unit.result)

    def _add_up(self, m: Module, values: list[Value], left: int) -> list[Value]:
        """Pairs, until so many are left."""
        while len(values) > left:
            sums = []
            for i in range(0, len(values), 2):
                unit = Adder(self.parameters.accumulator)
                m.submodules[f"adder{len(values) // 2}_{i // 2}"] = unit
                m.d.comb += [unit.a.eq(values[i]), unit.b.eq(values[i + 1])]
                sums.append(unit.result)
            values = sums
        return values

    def _accumulate(self, m: Module, token: Value, column_sum: Value) -> None:
        m.submodules.accumulator = unit = Adder(self.parameters.accumulator)
        m.d.comb += [
            unit.a.eq(Mux(token.clear, 0, self._held(m, token.thread, "held"))),
            unit.b.eq(column_sum),
        ]
        for i in range(self.parameters.accumulators):
            with m.If((token.thread == i) & (token.valid | token.clear)):
                m.d.sync += self.accumulators[i].eq(Mux(token.valid, unit.result, 0))
        m.d.sync += [self.read_valid.eq(token.read), self.read_thread.eq(token.thread)]

    def _read(self, m: Module) -> None:
        p = self.parameters
        m.submodules.converter = unit = Converter(p.accumulator, p.operand)
        m.d.comb += unit.a.eq(self._held(m, self.read_thread, "read"))
        m.d.sync += self.result_valid.eq(self.read_valid)
        with m.If(self.read_valid):
            m.d.sync += self.result.eq(unit.result)

    def _held(self, m: Module, thread: Value, name: str) -> Signal:
        """The number in an accumulator."""
        held = Signal(self.parameters.accumulator.bits, name=name)
        with m.Switch(thread):
            for i in range(self.parameters.accumulators):
                with m.Case(i):
                    m.d.comb += held.eq(self.accumulators[i])
        return held
