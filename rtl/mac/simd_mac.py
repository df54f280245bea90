"""The arithmetic of a PE with a SIMD engine, with its registers; and a unit of one."""

from amaranth.hdl import Cat, Module, Mux, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.mac.engine import Engine
from rtl.mac.accumulate import accumulate
from rtl.mac.lanes import LaneDot
from rtl.mac.parameters import mode_bits, product_width, result_bits, result_width, sliced
from rtl.mac.reader import Reader


class SimdMac(wiring.Component):
    """Words are multiplied and added to a sum.

    Latency: ``latency`` advances from words to the sum. Initiation interval: 1 advance. With a
    latency of 1 all is between two edges; else there is a register behind the lanes' sum, and
    further ones behind it are delays for a synthesiser to move.

    Parameters
    ----------
    engine : arch.mac.engine.Engine
    latency : int
        1 or more.

    Members
    -------
    advance : In(1)
    left, top : In(engine.word_bits)
        Words of inputs and of weights.
    mode : In(mode_bits(engine))
    first, last : In(1)
        With a word: it is the first, the last of a sum.
    hold : In(1)
        The sum keeps its value.
    shift : In(1)
        With ``advance``: the sum takes ``drain_in``.
    drain_in : In(engine.sum_bits)
    arrived_first, arrived_last : Out(1)
        With the product that is added.
    arrived_mode : Out(mode_bits(engine))
    total : Out(engine.sum_bits)
        With that product.
    sum : Out(engine.sum_bits)
        The register.
    """

    def __init__(self, engine: Engine, latency: int = 1) -> None:
        assert latency >= 1
        self.engine = engine
        self.latency = latency
        mode, total = mode_bits(engine), engine.sum_bits
        super().__init__(
            {
                "advance": In(1),
                "left": In(engine.word_bits),
                "top": In(engine.word_bits),
                "mode": In(mode),
                "first": In(1),
                "last": In(1),
                "hold": In(1),
                "shift": In(1),
                "drain_in": In(total),
                "arrived_first": Out(1),
                "arrived_last": Out(1),
                "arrived_mode": Out(mode),
                "total": Out(total),
                "sum": Out(total),
            }
        )
        stages = range(latency - 1)
        width = product_width(engine)
        self.products = [Signal(width, name=f"product{j}") for j in stages]
        self.modes = [Signal(mode, name=f"product{j}_mode") for j in stages]
        self.firsts = [Signal(name=f"product{j}_first") for j in stages]
        self.lasts = [Signal(name=f"product{j}_last") for j in stages]
        self.registers: dict[str, ValueLike] = {}
        for j in stages:
            self.registers |= sliced(f"product{j}", self.products[j])
            self.registers[f"product{j}_mode"] = self.modes[j]
            self.registers[f"product{j}_first"] = self.firsts[j]
            self.registers[f"product{j}_last"] = self.lasts[j]
        self.registers |= sliced("sum", self.sum)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.lanes = lanes = LaneDot(self.engine)
        m.d.comb += [lanes.left.eq(self.left), lanes.top.eq(self.top), lanes.mode.eq(self.mode)]
        rows = [
            [lanes.product, *self.products],
            [self.mode, *self.modes],
            [self.first, *self.firsts],
            [self.last, *self.lasts],
        ]
        product, mode, first, last = (row[-1] for row in rows)
        m.d.comb += [
            self.arrived_first.eq(first),
            self.arrived_last.eq(last),
            self.arrived_mode.eq(mode),
            self.total.eq(accumulate(m, self.engine, first, self.sum, product, mode)),
        ]
        with m.If(self.advance):
            for row in rows:
                m.d.sync += Cat(*row[1:]).eq(Cat(*row[:-1]))
            with m.If(self.shift):
                m.d.sync += self.sum.eq(self.drain_in)
            with m.Elif(~self.hold):
                m.d.sync += self.sum.eq(self.total)
        return m


class SimdMacUnit(wiring.Component):
    """A SIMD engine on its own: dots of words, rounded to codes.

    Latency: ``latency`` + 1 cycles from the last word of a dot to its code. Initiation interval: 1
    cycle, whatever the modes. Between the words of a dot there may be cycles without one.

    Parameters
    ----------
    engine : arch.mac.engine.Engine
    latency : int
        Of ``SimdMac``.

    Members
    -------
    valid_in : In(1)
        There are words; the inputs below count only with it.
    left, top, mode, first, last : In
        As of ``SimdMac``.
    result : In(result_bits(engine))
        With ``last``: index of the result's format.
    valid : Out(1)
        There is a code, for one cycle.
    code : Out(result_width(engine))
    """

    def __init__(self, engine: Engine, latency: int = 1) -> None:
        self.engine = engine
        mode, result = mode_bits(engine), result_bits(engine)
        super().__init__(
            {
                "valid_in": In(1),
                "left": In(engine.word_bits),
                "top": In(engine.word_bits),
                "mode": In(mode),
                "first": In(1),
                "last": In(1),
                "result": In(result),
                "valid": Out(1),
                "code": Out(result_width(engine)),
            }
        )
        self.mac = SimdMac(engine, latency)
        self.reader = Reader(engine)
        self.valids = [Signal(name=f"valid{j}") for j in range(latency)]
        """With each product stage and with the sum; the last one: with a complete sum."""
        self.results = [Signal(result, name=f"result{j}") for j in range(latency)]
        self.sum_mode = Signal(mode)
        self.registers: dict[str, ValueLike] = {
            f"mac.{name}": register for name, register in self.mac.registers.items()
        }
        for j in range(latency):
            self.registers[f"valid{j}"] = self.valids[j]
            self.registers[f"result{j}"] = self.results[j]
        self.registers |= {"sum_mode": self.sum_mode, "valid": self.valid, "code": self.code}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.mac = mac = self.mac
        m.submodules.reader = reader = self.reader
        valids, results = [self.valid_in, *self.valids], [self.result, *self.results]
        m.d.comb += [
            mac.advance.eq(1),
            mac.left.eq(self.left),
            mac.top.eq(self.top),
            mac.mode.eq(self.mode),
            mac.first.eq(self.first),
            mac.last.eq(self.last),
            mac.hold.eq(~valids[-2]),
            reader.sum.eq(mac.sum),
            reader.mode.eq(self.sum_mode),
            reader.result.eq(results[-1]),
        ]
        m.d.sync += [
            Cat(*valids[1:-1]).eq(Cat(*valids[:-2])),
            valids[-1].eq(valids[-2] & mac.arrived_last),
            Cat(*results[1:]).eq(Cat(*results[:-1])),
            self.sum_mode.eq(mac.arrived_mode),
            self.valid.eq(valids[-1]),
            self.code.eq(Mux(valids[-1], reader.code, self.code)),
        ]
        return m
