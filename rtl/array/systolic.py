"""The systolic array: streams, controller, grid, accumulators."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from arch.array import Array
from rtl.array.controller import Controller, FoldCutter, command_layout
from rtl.array.grid import Grid
from rtl.array.leave import Leave
from rtl.array.parameters import Parameters
from rtl.array.port import Accumulators, Deskew
from rtl.stream import Fifo

EXTENT_BITS = 16

PARTS = ("cutter", "controller", "leave", "grid", "deskew", "accumulators")


class SystolicArray(wiring.Component):
    """A systolic array that multiplies matrices of any size, fold after fold.

    The array advances as a whole, one *beat*, in each cycle in which all that the beat wants is
    there: the vectors that enter, partial sums to add, room for a result. Folds start as
    docs/systolic_array.md says; commands follow each other as their folds do. Each stream passes
    a ``Fifo``, so that ready depends on registers only.

    Latency: from a vector at ``left`` to its results at ``output``, 2 cycles of the FIFOs and the
    beats of docs/systolic_array.md. Initiation interval: one vector a cycle.

    Parameters
    ----------
    array : arch.array.Array
        Raises InputError for parameters that have no hardware (``Parameters`` lists them).
    extent_bits : int
        Width of the extents in a command.

    Members
    -------
    command : In(stream of command_layout)
        Products to compute. One with an extent of 0 does nothing.
        With an engine, ``k`` counts words of codes, and each product names its mode and the format
        that its sums are rounded to; an index beyond the last counts as the last.
    top : In(stream of ArrayLayout(operand, cols))
        ws, is: the stationary words of each fold, last row first; with full edge folds ``rows``
        vectors, the first of them for rows without a use. os: vectors of ``B``.
    left : In(stream of ArrayLayout(operand, rows))
        Vectors of the streamed operand. Of both streams, lanes that a fold does not use may hold
        anything.
    partial : In(stream of ArrayLayout(accumulator, cols))
        ws, is only: partial sums that come back where a fold streams more vectors than
        ``accumulator_rows``.
    output : Out(stream of StructLayout(words, complete))
        Sums, one vector of ``cols``; 0 in columns that a fold does not use. ``complete`` is 0 for
        partial sums, which are to come back. Under os a fold's last row comes first. With an engine
        words are codes, narrower ones with zeros above; with full edge folds, results that a fold
        does not use may be NaN where an operand is NaN or infinite.

    Attributes
    ----------
    advance, blocked, sent : Signal
        No ports, for what is built around an array: the beat ends with this cycle; a result has no
        room; a result goes into the FIFO of ``output``.
    """

    def __init__(self, array: Array, *, extent_bits: int = EXTENT_BITS) -> None:
        self.parameters = p = Parameters(array, extent_bits)
        top = data.ArrayLayout(p.operand, p.cols)
        left = data.ArrayLayout(p.operand, p.rows)
        sums = data.ArrayLayout(p.result, p.cols)
        result = data.StructLayout({"words": sums, "complete": 1})
        shapes: dict[str, data.Layout] = {"command": command_layout(p), "top": top, "left": left}
        if p.stationary:
            shapes["partial"] = sums
        members = {name: In(stream.Signature(shape)) for name, shape in shapes.items()}
        super().__init__(members | {"output": Out(stream.Signature(result))})
        self.fifos = {name: Fifo(shape) for name, shape in (shapes | {"output": result}).items()}
        self.cutter = FoldCutter(p)
        self.controller = Controller(p)
        self.grid = Grid(p)
        self.leave = Leave(p)
        self.deskew = Deskew(p)
        self.accumulators = Accumulators(p)
        self.advance, self.blocked, self.sent = Signal(), Signal(), Signal()
        self.parts = {name: getattr(self, name) for name in PARTS}
        self.registers: dict[str, ValueLike] = {
            f"{part}.{name}": word
            for part, component in (self.fifos | self.parts).items()
            for name, word in component.registers.items()
            if len(Value.cast(word))
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        advance = self.advance
        for name, fifo in self.fifos.items():
            m.submodules[name] = fifo
            outside = wiring.flipped(getattr(self, name))
            if name == "output":
                wiring.connect(m, fifo.output, outside)
            else:
                wiring.connect(m, outside, fifo.input)
        for name, part in self.parts.items():
            m.submodules[name] = part
            if part is not self.cutter:
                m.d.comb += part.advance.eq(advance)
        self._command(m, advance)
        self._enter(m)
        self._leave(m)
        self._handshake(m, advance)
        return m

    def _command(self, m: Module, advance: Signal) -> None:
        """Folds of the command in front; it goes when its last one enters."""
        given = self.fifos["command"].output
        void = Signal()
        m.d.comb += [
            void.eq((given.payload.m == 0) | (given.payload.n == 0) | (given.payload.k == 0)),
            self.cutter.command.eq(given.payload),
            self.cutter.step.eq(self.controller.take & advance),
            self.controller.available.eq(given.valid & ~void),
            self.controller.fold.eq(self.cutter.fold),
            given.ready.eq(void | (self.cutter.step & self.cutter.ends)),
        ]

    def _enter(self, m: Module) -> None:
        """Operands enter the grid; lanes without a use hold 0."""
        p = self.parameters
        control, fold = self.controller, self.controller.stream_fold
        mode = [fold.mode] if p.engine else []
        vector = self.fifos["left"].output.payload
        for r in range(p.rows):
            used = control.stream & (r < fold.rows)
            timed = control.stream & (r < p.timed_rows(fold.rows))
            m.d.comb += [
                self.grid.left[r].eq(Mux(used, vector[r], 0)),
                self.grid.flags[r].eq(Cat(timed & control.first, timed & control.last, *mode)),
            ]
        if p.stationary:
            rows = p.timed_rows(control.load_fold.rows)
            # Words for rows without a use come first, as the last row does.
            real = control.load & (control.load_word + control.load_fold.rows >= rows)
            cols = control.load_fold.cols
            m.d.comb += [
                self.grid.load.eq(control.load),
                self.grid.load_word.eq(control.load_word),
            ]
        else:
            real, cols = control.stream, fold.cols
        words = self.fifos["top"].output.payload
        for c in range(p.cols):
            m.d.comb += self.grid.top[c].eq(Mux(real & (c < cols), words[c], 0))

    def _leave(self, m: Module) -> None:
        """Results leave the grid, line up, are added up and go out."""
        control, grid = self.controller, self.grid
        m.d.comb += [
            self.leave.stream.eq(control.stream),
            self.leave.last.eq(control.last),
            self.leave.fold.eq(control.stream_fold),
            grid.leave.eq(self.leave.token),
            self.deskew.tap.eq(grid.tap),
            self.deskew.leaving.eq(grid.leaving),
            self.accumulators.valid.eq(self.deskew.valid),
            self.accumulators.leaves.eq(self.deskew.leaves),
            self.accumulators.words.eq(self.deskew.words),
            self.fifos["output"].input.payload.words.eq(self.accumulators.total),
            self.fifos["output"].input.payload.complete.eq(self.accumulators.complete),
        ]
        if self.parameters.stationary:
            m.d.comb += self.accumulators.partial.eq(self.fifos["partial"].output.payload)

    def _handshake(self, m: Module, advance: Signal) -> None:
        """A beat ends when all that it wants is there."""
        control = self.controller
        wants: dict[str, ValueLike] = {"left": control.stream}
        if self.parameters.stationary:
            wants |= {"top": control.load, "partial": self.accumulators.wants_partial}
        else:
            wants |= {"top": control.stream}
        sends, room = self.accumulators.sends, self.fifos["output"].input.ready
        ready: ValueLike = ~sends | room
        for name, wanted in wants.items():
            ready = ready & (~wanted | self.fifos[name].output.valid)
            m.d.comb += self.fifos[name].output.ready.eq(wanted & advance)
        m.d.comb += [
            advance.eq(ready),
            self.blocked.eq(sends & ~room),
            self.sent.eq(sends & advance),
            self.fifos["output"].input.valid.eq(self.sent),
        ]
