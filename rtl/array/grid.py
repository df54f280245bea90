"""The grid of PEs with the skew of its edges and the control that travels with the words."""

from amaranth.hdl import Array, Module, Signal, ValueLike, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.array.engine_pe import EnginePe
from rtl.array.parameters import Parameters
from rtl.array.pe import OutputPe, StationaryPe
from rtl.array.port import leaving_layout
from rtl.array.skew import Skew
from rtl.mac.reader import Reader


class Grid(wiring.Component):
    """PEs, skew and the leaving tokens of each column; every register moves with ``advance``.

    Members
    -------
    advance : In(1)
    left : In(ArrayLayout(operand, rows))
        The vector that enters from the left in this beat, 0 where there is none.
    flags : In(ArrayLayout(2 + mode, rows))
        With it, of each row: first (bit 0) or last (bit 1) word of a fold; an engine's mode above.
    top : In(ArrayLayout(operand, cols))
        Stationary words or vector that enter from the top.
    load, load_word : In(1), In(range(rows))
        Stationary words enter column 0; place in their fold.
    leave : In(leaving_layout)
        A vector of results begins to leave column 0.
    tap, leaving : Out(ArrayLayout(result, cols)), Out(ArrayLayout(leaving_layout, cols))
        Of each column the result that leaves it, and its token; with an engine, rounded.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        token = leaving_layout(p)
        super().__init__(
            {
                "advance": In(1),
                "left": In(data.ArrayLayout(p.operand, p.rows)),
                "flags": In(data.ArrayLayout(unsigned(2 + p.choices.get("mode", 0)), p.rows)),
                "top": In(data.ArrayLayout(p.operand, p.cols)),
                "load": In(1),
                "load_word": In(range(p.rows)),
                "leave": In(token),
                "tap": Out(data.ArrayLayout(p.result, p.cols)),
                "leaving": Out(data.ArrayLayout(token, p.cols)),
            }
        )
        pace = p.latency if p.stationary else 1
        delays = [r * pace for r in range(p.rows)]
        self.left_skew = Skew(p.operand, delays)
        self.top_skew = Skew(p.operand, range(p.cols))
        self.flag_bits = 2 + p.choices.get("mode", 0)
        if p.stationary:
            self.flag_bits = 1 if p.overlapped_load else 0
        pe = StationaryPe if p.stationary else EnginePe if p.engine else OutputPe
        self.pes = [[pe(p) for _ in range(p.cols)] for _ in range(p.rows)]
        self.tokens = [Signal(token.size, name=f"leaving{c}") for c in range(1, p.cols)]
        self.registers: dict[str, ValueLike] = {}
        self._list("left_skew", self.left_skew.registers)
        if self.flag_bits:
            self.flag_skew = Skew(self.flag_bits, delays)
            self._list("flag_skew", self.flag_skew.registers)
        self._list("top_skew", self.top_skew.registers)
        if p.stationary:
            self.loads = [Signal(name=f"load{c}") for c in range(1, p.cols)]
            self.words = [Signal(range(p.rows), name=f"word{c}") for c in range(1, p.cols)]
            self._list("load", {f"{c + 1}": load for c, load in enumerate(self.loads)})
            self._list("load_word", {f"{c + 1}": word for c, word in enumerate(self.words)})
        self._list("leaving", {f"{c + 1}": token for c, token in enumerate(self.tokens)})
        planes: dict[str, list[str]] = {}
        for name in self.pes[0][0].registers:
            # The slices of a PE's wide register stay together.
            plane, *of_slice = name.split("[")
            planes.setdefault(plane, []).append("[" + of_slice[0] if of_slice else "")
        for plane, slices in planes.items():
            listed = {
                f"{r}.{c}{part}": pe.registers[plane + part]
                for r, row in enumerate(self.pes)
                for c, pe in enumerate(row)
                for part in slices
            }
            self._list(plane, listed)

    def _list(self, name: str, registers: dict[str, ValueLike]) -> None:
        self.registers |= {f"{name}.{place}": word for place, word in registers.items()}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        skews = {"left_skew": self.left_skew, "top_skew": self.top_skew}
        m.d.comb += [self.left_skew.input.eq(self.left), self.top_skew.input.eq(self.top)]
        if self.flag_bits:
            skews["flag_skew"] = self.flag_skew
            m.d.comb += [
                lane.eq(flags[: self.flag_bits])
                for lane, flags in zip(self.flag_skew.input, self.flags, strict=True)
            ]
        for name, skew in skews.items():
            m.submodules[name] = skew
            m.d.comb += skew.advance.eq(self.advance)

        layout = leaving_layout(p)
        entering: ValueLike = self.leave
        for c in range(p.cols):
            m.d.comb += self.leaving[c].eq(entering)
            if c < len(self.tokens):
                with m.If(self.advance):
                    m.d.sync += self.tokens[c].eq(entering)
                entering = data.View(layout, self.tokens[c])
        for r, row in enumerate(self.pes):
            for c, pe in enumerate(row):
                m.submodules[f"pe{r}_{c}"] = pe
                m.d.comb += pe.advance.eq(self.advance)
        if p.stationary:
            self._connect_stationary(m)
        else:
            self._connect_output(m)
        return m

    def _connect_stationary(self, m: Module) -> None:
        p = self.parameters
        load: ValueLike = self.load
        word: ValueLike = self.load_word
        for c in range(p.cols):
            for r in range(p.rows):
                pe = self.pes[r][c]
                above = self.pes[r - 1][c] if r else None
                left = self.pes[r][c - 1] if c else None
                m.d.comb += [
                    pe.operand_in.eq(left.operand if left else self.left_skew.output[r]),
                    pe.psum_in.eq(above.psum if above else 0),
                    pe.held_in.eq(above.held if above else self.top_skew.output[c]),
                    pe.load.eq(load & (word >= r)),
                ]
                if self.flag_bits:
                    m.d.comb += pe.swap_in.eq(left.swap if left else self.flag_skew.output[r])
            column = Array([self.pes[r][c].psum for r in range(p.rows)])
            m.d.comb += self.tap[c].eq(column[self.leaving[c].row])
            if c < len(self.loads):
                with m.If(self.advance):
                    m.d.sync += [self.loads[c].eq(load), self.words[c].eq(word)]
                load, word = self.loads[c], self.words[c]

    def _connect_output(self, m: Module) -> None:
        p = self.parameters
        for c in range(p.cols):
            token = self.leaving[c]
            for r in range(p.rows):
                pe = self.pes[r][c]
                above = self.pes[r - 1][c] if r else None
                left = self.pes[r][c - 1] if c else None
                flags = self.flag_skew.output[r]
                m.d.comb += [
                    pe.left_in.eq(left.left if left else self.left_skew.output[r]),
                    pe.first_in.eq(left.first if left else flags[0]),
                    pe.last_in.eq(left.last if left else flags[1]),
                    pe.top_in.eq(above.top if above else self.top_skew.output[c]),
                    pe.drain_in.eq(above.drain if above else 0),
                    pe.shift.eq(token.valid & (token.word < r) & (token.row >= r)),
                ]
                if p.engine:
                    m.d.comb += pe.mode_in.eq(left.mode if left else flags[2:])
            result = Array([self.pes[r][c].drain for r in range(p.rows)])[token.row]
            if p.engine:
                m.submodules[f"reader{c}"] = reader = Reader(p.engine)
                m.d.comb += [
                    reader.sum.eq(result),
                    reader.mode.eq(token.mode),
                    reader.result.eq(token.result),
                ]
                result = reader.code
            m.d.comb += self.tap[c].eq(result)
