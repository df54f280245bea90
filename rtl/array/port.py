"""Below the grid: results line up, partial sums accumulate, and what is due goes out."""

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from rtl.array.arithmetic import add
from rtl.array.parameters import Parameters
from rtl.array.skew import Line


def leaving_layout(parameters: Parameters) -> data.StructLayout:
    """What travels with a vector of results from column to column.

    ``row``: the row that it leaves from below; ``edge``: the last column that it has; under os,
    ``word``: its place in the fold, and with an engine its ``mode`` and ``result`` format; else
    whether it is ``first`` or ``last`` in the sum over K and, with accumulators, whether they
    ``keep`` it and it ``ends`` its fold.
    """
    fields: dict[str, object] = {
        "valid": 1,
        "row": range(parameters.rows),
        "edge": range(parameters.cols),
    }
    if not parameters.stationary:
        fields |= {"word": range(parameters.rows), **parameters.choices}
    else:
        fields |= {"first": 1, "last": 1}
        if parameters.accumulator_rows:
            fields |= {"keep": 1, "ends": 1}
    return data.StructLayout(fields)


class Deskew(wiring.Component):
    """Lines the columns' results up: column c waits until that of column ``edge`` is there.

    Latency: ``edge - c`` advances. Initiation interval: 1 advance.

    Members
    -------
    advance : In(1)
    tap : In(ArrayLayout(result, cols))
        The result that leaves each column, if one does.
    leaving : In(ArrayLayout(leaving_layout, cols))
    valid, leaves : Out(1), Out(leaving_layout)
        A vector is complete, and what travels with it.
    words : Out(ArrayLayout(result, cols))
        0 in columns that the vector does not have.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        words = data.ArrayLayout(parameters.result, parameters.cols)
        token = leaving_layout(parameters)
        super().__init__(
            {
                "advance": In(1),
                "tap": In(words),
                "leaving": In(data.ArrayLayout(token, parameters.cols)),
                "valid": Out(1),
                "leaves": Out(token),
                "words": Out(words),
            }
        )
        self.lines = [
            Line(parameters.result, parameters.cols - 1 - c) for c in range(parameters.cols - 1)
        ]
        self.registers: dict[str, ValueLike] = {
            f"{c}.{j}": word
            for c, line in enumerate(self.lines)
            for j, word in enumerate(line.words)
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for c in range(self.parameters.cols):
            token = self.leaving[c]
            waiting: ValueLike = 0
            if c < len(self.lines):
                line = self.lines[c]
                m.submodules[f"line{c}"] = line
                m.d.comb += [
                    line.advance.eq(self.advance),
                    line.enter.eq(token.valid & (token.edge > c)),
                    line.delay.eq(token.edge - (c + 1)),
                    line.input.eq(self.tap[c]),
                ]
                waiting = line.output
            ends = token.valid & (token.edge == c)
            m.d.comb += self.words[c].eq(Mux(ends, self.tap[c], waiting))
            with m.If(ends):
                m.d.comb += [self.valid.eq(1), self.leaves.eq(token)]
        return m


class Accumulators(wiring.Component):
    """Adds up the folds over K, in ``accumulator_rows`` vectors or through the streams.

    Latency: 0 from ``words`` to ``output``. Initiation interval: 1 advance.

    Members
    -------
    advance : In(1)
    valid, leaves, words
        As of ``Deskew``.
    wants_partial, partial : Out(1), In(ArrayLayout(result, cols))
        The vector is added to a partial sum that comes from outside.
    sends, complete, total : Out(1), Out(1), Out(ArrayLayout(result, cols))
        The vector goes out, as a complete or a partial sum.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        words = data.ArrayLayout(parameters.result, parameters.cols)
        super().__init__(
            {
                "advance": In(1),
                "valid": In(1),
                "leaves": In(leaving_layout(parameters)),
                "words": In(words),
                "wants_partial": Out(1),
                "partial": In(words),
                "sends": Out(1),
                "complete": Out(1),
                "total": Out(words),
            }
        )
        self.registers: dict[str, ValueLike] = {}
        if parameters.accumulator_rows:
            self.at = Signal(ceil_log2(parameters.accumulator_rows) or 1)
            self.registers["at"] = self.at

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        if not p.stationary:
            m.d.comb += [
                self.sends.eq(self.valid),
                self.complete.eq(1),
                self.total.eq(self.words),
            ]
            return m
        addend = Signal.like(self.words)
        kept: ValueLike = 0
        m.d.comb += addend.eq(self.partial)
        if p.accumulator_rows:
            kept = self.leaves.keep
            m.submodules.memory = store = memory.Memory(
                shape=self.words.shape(), depth=p.accumulator_rows, init=[]
            )
            read = store.read_port(domain="comb")
            write = store.write_port()
            m.d.comb += [
                read.addr.eq(self.at),
                write.addr.eq(self.at),
                write.data.eq(self.total),
                write.en.eq(self.advance & self.valid & kept & ~self.leaves.last),
            ]
            with m.If(kept):
                m.d.comb += addend.eq(read.data)
            with m.If(self.advance & self.valid & kept):
                m.d.sync += self.at.eq(Mux(self.leaves.ends, 0, self.at + 1))
        m.d.comb += [
            self.wants_partial.eq(self.valid & ~self.leaves.first & ~kept),
            self.sends.eq(self.valid & (self.leaves.last | ~kept)),
            self.complete.eq(self.leaves.last),
        ]
        for total, word, other in zip(self.total, self.words, addend, strict=True):
            gated = Mux(self.leaves.first, 0, other)
            m.d.comb += total.eq(add(word, gated, p.accumulator, p.saturate))
        return m
