"""When results leave: a token for each vector of them, which meets it at column 0."""

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.array.controller import fold_layout
from rtl.array.parameters import Parameters
from rtl.array.port import leaving_layout
from rtl.array.skew import Line


class Leave(wiring.Component):
    """Sends a token a vector of results, as late as the grid takes to compute it.

    ws, is: one with each vector that streams, which comes out ``rows * pe_latency_cycles`` advances
    later, for the rows of the fold. os: ``rows`` of them from the last vector of a fold on,
    ``rows + pe_latency_cycles - 1`` advances later.

    Members
    -------
    advance : In(1)
    stream, last, fold : In(1), In(1), In(fold_layout)
        As of ``Controller``.
    token : Out(leaving_layout)
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        token = leaving_layout(p)
        super().__init__(
            {
                "advance": In(1),
                "stream": In(1),
                "last": In(1),
                "fold": In(fold_layout(p)),
                "token": Out(token),
            }
        )
        length = p.rows * p.latency if p.stationary else p.rows + p.latency - 1
        self.line = Line(token.size, length)
        self.registers: dict[str, ValueLike] = dict(self.line.registers)
        if not p.stationary:
            self.drains = Signal()
            self.word = Signal(range(p.rows))
            self.row = Signal(range(p.rows))
            self.edge = Signal(range(p.cols))
            self.registers |= {
                "drains": self.drains,
                "word": self.word,
                "row": self.row,
                "edge": self.edge,
            }
            self.choices = {name: Signal(width, name=name) for name, width in p.choices.items()}
            self.registers |= self.choices

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        m.submodules.line = line = self.line
        token = Signal(leaving_layout(p))
        row, edge = Signal(range(p.rows)), Signal(range(p.cols))
        m.d.comb += [
            row.eq(p.timed_rows(self.fold.rows) - 1),
            edge.eq(p.timed_cols(self.fold.cols) - 1),
            token.valid.eq(line.enter),
            line.advance.eq(self.advance),
            line.input.eq(token),
            self.token.eq(line.output),
        ]
        if p.stationary:
            m.d.comb += [
                line.enter.eq(self.stream),
                line.delay.eq(row * p.latency + (p.latency - 1)),
                token.row.eq(row),
                token.edge.eq(edge),
                token.first.eq(self.fold.first),
                token.last.eq(self.fold.last),
            ]
            if p.accumulator_rows:
                m.d.comb += [
                    token.keep.eq(self.fold.length <= p.accumulator_rows),
                    token.ends.eq(self.last),
                ]
            return m
        begins = Signal()
        m.d.comb += [
            begins.eq(self.stream & self.last),
            line.enter.eq(begins | self.drains),
            line.delay.eq(token.row + (p.latency - 1)),
            token.row.eq(Mux(begins, row, self.row)),
            token.edge.eq(Mux(begins, edge, self.edge)),
            token.word.eq(self.word),
        ]
        for name, kept in self.choices.items():
            m.d.comb += getattr(token, name).eq(Mux(begins, getattr(self.fold, name), kept))
        with m.If(self.advance & line.enter):
            m.d.sync += [
                self.drains.eq(self.word != token.row),
                self.word.eq(Mux(self.word == token.row, 0, self.word + 1)),
                self.row.eq(token.row),
                self.edge.eq(token.edge),
            ]
            m.d.sync += [kept.eq(getattr(token, name)) for name, kept in self.choices.items()]
        return m
