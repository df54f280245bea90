"""Streams between units: valid, ready and a payload, with ready out of registers."""

from typing import Any

from amaranth.hdl import Module, ShapeLike, Signal, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Fifo(wiring.Component):
    """A stream FIFO of two entries that cuts the path of ready.

    A word is passed on in a cycle with ``valid`` and ``ready``. ``input.ready`` and
    ``output.valid`` depend on registers only; two entries are what full rate needs then.

    Latency: 1 cycle from ``input`` to ``output``. Initiation interval: 1 cycle.

    Parameters
    ----------
    shape : ShapeLike
        Shape of the payload.

    Members
    -------
    input : In(stream.Signature(shape))
    output : Out(stream.Signature(shape))
    """

    def __init__(self, shape: ShapeLike) -> None:
        super().__init__(
            {"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))}
        )
        self.level = Signal(range(3))
        self.first = Signal(shape)
        self.second = Signal(shape)
        self.registers: dict[str, ValueLike] = {
            "level": self.level,
            "first": self.first,
            "second": self.second,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        given, taken = Signal(), Signal()
        m.d.comb += [
            self.input.ready.eq(self.level != 2),
            self.output.valid.eq(self.level != 0),
            self.output.payload.eq(self.first),
            given.eq(self.input.valid & self.input.ready),
            taken.eq(self.output.valid & self.output.ready),
        ]
        m.d.sync += self.level.eq(self.level + given - taken)
        with m.If(given & (self.level == taken)):
            m.d.sync += self.first.eq(self.input.payload)
        with m.Elif(taken):
            m.d.sync += self.first.eq(self.second)
        with m.If(given & (self.level == 1) & ~taken):
            m.d.sync += self.second.eq(self.input.payload)
        return m


def take_in(m: Module, source: Any, valid: Signal, word: ValueLike, taken: ValueLike) -> None:
    """Keep a stream's word in a register of its own, which is ``valid`` until it is ``taken``.

    ``source.ready`` depends on nothing but the two.
    """
    m.d.comb += source.ready.eq(~valid | taken)
    with m.If(source.ready):
        m.d.sync += valid.eq(source.valid)
        with m.If(source.valid):
            m.d.sync += word.eq(source.payload)
