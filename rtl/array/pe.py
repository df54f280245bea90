"""The two processing elements: one that holds an operand, one that holds a sum.

All registers move only where ``advance`` is 1; the array advances as a whole.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.array.arithmetic import add, multiply
from rtl.array.parameters import Parameters


class StationaryPe(wiring.Component):
    """A PE of a weight- or input-stationary array.

    Latency: 1 advance from ``operand_in`` to ``operand``, ``pe_latency_cycles`` from ``operand_in``
    and ``psum_in`` to ``psum``. Initiation interval: 1 advance.

    Members
    -------
    advance : In(1)
    operand_in, operand : In, Out(operand format)
        From the left, to the right.
    swap_in, swap : In, Out(1)
        With the first operand of a fold: take the shadow and use it at once (overlapped load).
    psum_in, psum : In, Out(accumulator format)
        From above, to below.
    load : In(1)
        The stationary word from above is taken: into the shadow, or into the weight (serial).
    held_in, held : In, Out(operand format)
        From the PE above, to the PE below.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        operand, accumulator = parameters.operand, parameters.accumulator
        super().__init__(
            {
                "advance": In(1),
                "operand_in": In(operand),
                "operand": Out(operand),
                "swap_in": In(1),
                "swap": Out(1),
                "psum_in": In(accumulator),
                "psum": Out(accumulator),
                "load": In(1),
                "held_in": In(operand),
                "held": Out(operand),
            }
        )
        self.weight = Signal(operand)
        self.stages = [Signal(accumulator, name=f"psum{j}") for j in range(parameters.latency)]
        self.registers: dict[str, ValueLike] = {"operand": self.operand, "weight": self.weight}
        if parameters.overlapped_load:
            self.shadow = Signal(operand)
            self.registers |= {"shadow": self.shadow, "swap": self.swap}
        self.registers |= {f"psum{j}": stage for j, stage in enumerate(self.stages)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        weight = Signal(p.operand)
        product = multiply(weight, self.operand_in, p.accumulator, p.saturate)
        m.d.comb += self.psum.eq(self.stages[-1])
        with m.If(self.advance):
            m.d.sync += [
                self.operand.eq(self.operand_in),
                self.stages[0].eq(add(self.psum_in, product, p.accumulator, p.saturate)),
                Cat(*self.stages[1:]).eq(Cat(*self.stages[:-1])),
            ]
        if p.overlapped_load:
            m.d.comb += [
                weight.eq(Mux(self.swap_in, self.shadow, self.weight)),
                self.held.eq(self.shadow),
            ]
            with m.If(self.advance):
                m.d.sync += [self.swap.eq(self.swap_in), self.weight.eq(weight)]
            with m.If(self.advance & self.load):
                m.d.sync += self.shadow.eq(self.held_in)
        else:
            m.d.comb += [weight.eq(self.weight), self.held.eq(self.weight)]
            with m.If(self.advance & self.load):
                m.d.sync += self.weight.eq(self.held_in)
        return m


class OutputPe(wiring.Component):
    """A PE of an output-stationary array.

    Latency: 1 advance from ``left_in`` to ``left`` and from ``top_in`` to ``top``,
    ``pe_latency_cycles`` from both to the sum. Initiation interval: 1 advance.

    Members
    -------
    advance : In(1)
    left_in, left, top_in, top : In, Out(operand format)
        From the left to the right, from above to below.
    first_in, first, last_in, last : In, Out(1)
        With ``left``: the product is the first, the last of a fold.
    shift : In(1)
        The column drains: take the word of the PE above.
    drain_in, drain : In, Out(accumulator format)
        From above, to below: the drain register, or the sum itself (serial drain).
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        operand, accumulator = parameters.operand, parameters.accumulator
        super().__init__(
            {
                "advance": In(1),
                "left_in": In(operand),
                "left": Out(operand),
                "top_in": In(operand),
                "top": Out(operand),
                "first_in": In(1),
                "first": Out(1),
                "last_in": In(1),
                "last": Out(1),
                "shift": In(1),
                "drain_in": In(accumulator),
                "drain": Out(accumulator),
            }
        )
        stages = range(parameters.latency - 1)
        self.products = [Signal(accumulator, name=f"product{j}") for j in stages]
        self.firsts = [Signal(name=f"product{j}_first") for j in stages]
        self.lasts = [Signal(name=f"product{j}_last") for j in stages]
        self.sum = Signal(accumulator)
        self.registers: dict[str, ValueLike] = {
            name: getattr(self, name) for name in ("left", "top", "first", "last")
        }
        for j in stages:
            self.registers[f"product{j}"] = self.products[j]
            self.registers[f"product{j}_first"] = self.firsts[j]
            self.registers[f"product{j}_last"] = self.lasts[j]
        self.registers["sum"] = self.sum
        if parameters.overlapped_drain:
            self.registers["drain"] = self.drain

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        product = Signal(p.accumulator)
        total = Signal(p.accumulator)
        m.d.comb += product.eq(multiply(self.left_in, self.top_in, p.accumulator, p.saturate))
        lanes = [
            [product, *self.products],
            [self.first_in, *self.firsts],
            [self.last_in, *self.lasts],
        ]
        arrived, first, last = (lane[-1] for lane in lanes)
        m.d.comb += total.eq(add(Mux(first, 0, self.sum), arrived, p.accumulator, p.saturate))
        with m.If(self.advance):
            m.d.sync += [
                self.left.eq(self.left_in),
                self.top.eq(self.top_in),
                self.first.eq(self.first_in),
                self.last.eq(self.last_in),
                self.sum.eq(total),
            ]
            for lane in lanes:
                m.d.sync += Cat(*lane[1:]).eq(Cat(*lane[:-1]))
            if p.overlapped_drain:
                with m.If(last):
                    m.d.sync += self.drain.eq(total)
                with m.Elif(self.shift):
                    m.d.sync += self.drain.eq(self.drain_in)
            else:
                with m.If(self.shift):
                    m.d.sync += self.sum.eq(self.drain_in)
        if not p.overlapped_drain:
            m.d.comb += self.drain.eq(self.sum)
        return m
