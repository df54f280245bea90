"""Delay lines at the edges of the grid."""

from collections.abc import Sequence

from amaranth.hdl import Module, ShapeLike, Signal, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class Skew(wiring.Component):
    """Lane i comes out ``delays[i]`` advances later.

    Initiation interval: 1 advance.

    Members
    -------
    advance : In(1)
    input, output : In, Out(ArrayLayout(shape, lanes))
    """

    def __init__(self, shape: ShapeLike, delays: Sequence[int]) -> None:
        layout = data.ArrayLayout(shape, len(delays))
        super().__init__({"advance": In(1), "input": In(layout), "output": Out(layout)})
        self.lines = [
            [Signal(shape, name=f"lane{i}_{j}") for j in range(delay)]
            for i, delay in enumerate(delays)
        ]
        self.registers: dict[str, ValueLike] = {
            f"{i}.{j}": word for i, line in enumerate(self.lines) for j, word in enumerate(line)
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for lane, line in enumerate(self.lines):
            word = self.input[lane]
            for register in line:
                with m.If(self.advance):
                    m.d.sync += register.eq(word)
                word = register
            m.d.comb += self.output[lane].eq(word)
        return m


class Line(wiring.Component):
    """A delay line with a variable length: a word comes out ``delay`` + 1 advances after it
    entered, zeros come out otherwise. Words must come out one an advance.

    Members
    -------
    advance : In(1)
    enter : In(1)
        ``input`` enters.
    delay : In(range(length))
    input, output : In, Out(shape)
    """

    def __init__(self, shape: ShapeLike, length: int) -> None:
        super().__init__(
            {
                "advance": In(1),
                "enter": In(1),
                "delay": In(range(length)),
                "input": In(shape),
                "output": Out(shape),
            }
        )
        self.words = [Signal(shape, name=f"word{j}") for j in range(length)]
        self.registers: dict[str, ValueLike] = {f"{j}": word for j, word in enumerate(self.words)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.output.eq(self.words[0])
        following: list[ValueLike] = [*self.words[1:], 0]
        for j, (word, behind) in enumerate(zip(self.words, following, strict=True)):
            with m.If(self.advance):
                with m.If(self.enter & (self.delay == j)):
                    m.d.sync += word.eq(self.input)
                with m.Else():
                    m.d.sync += word.eq(behind)
        return m
