"""The controller: cuts products into folds and starts each as early as hazards allow.

The rules are those of docs/systolic_array.md, "When a fold may start", as comparisons with the
beats since the last stream began. A beat is an advance of the array.
"""

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.array.parameters import Parameters


def command_layout(parameters: Parameters) -> data.StructLayout:
    """A product ``C[m, n] = A[m, k] @ B[k, n]``; an extent of 0 makes it void.

    With an engine, ``k`` counts words; indices of its ``mode`` and of its ``result`` format follow.
    """
    extents = dict.fromkeys(("m", "n", "k"), parameters.extent_bits)
    return data.StructLayout(extents | parameters.choices)


def fold_layout(parameters: Parameters) -> data.StructLayout:
    """A fold: rows and columns that it uses, vectors streamed, place in the sum over K."""
    return data.StructLayout(
        {
            "rows": range(parameters.rows + 1),
            "cols": range(parameters.cols + 1),
            "length": parameters.extent_bits,
            "first": 1,
            "last": 1,
            **parameters.choices,
        }
    )


class FoldCutter(wiring.Component):
    """The next fold of a command, in the order in which the simulator takes them.

    Members
    -------
    command : In(command_layout)
    fold : Out(fold_layout)
        Combinational.
    ends : Out(1)
        ``fold`` is the last one of the command.
    step : In(1)
        Go on to the fold after it; after the last one, to the first of the next command.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        super().__init__(
            {
                "command": In(command_layout(parameters)),
                "fold": Out(fold_layout(parameters)),
                "ends": Out(1),
                "step": In(1),
            }
        )
        self.inner = Signal(parameters.extent_bits)
        self.outer = Signal(parameters.extent_bits)
        self.registers: dict[str, ValueLike] = {"inner": self.inner, "outer": self.outer}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        rows, cols, length = {
            "ws": (self.command.k, self.command.n, self.command.m),
            "is": (self.command.k, self.command.m, self.command.n),
            "os": (self.command.m, self.command.n, self.command.k),
        }[p.dataflow]
        inner, inner_size, outer, outer_size = (
            (rows, p.rows, cols, p.cols) if p.stationary else (cols, p.cols, rows, p.rows)
        )
        inner_left, outer_left = Signal(p.extent_bits), Signal(p.extent_bits)
        inner_ends, outer_ends = Signal(), Signal()
        inner_used, outer_used = Signal(range(inner_size + 1)), Signal(range(outer_size + 1))
        m.d.comb += [
            inner_left.eq(inner - self.inner),
            outer_left.eq(outer - self.outer),
            inner_ends.eq(inner_left <= inner_size),
            outer_ends.eq(outer_left <= outer_size),
            inner_used.eq(Mux(inner_ends, inner_left, inner_size)),
            outer_used.eq(Mux(outer_ends, outer_left, outer_size)),
            self.fold.rows.eq(inner_used if p.stationary else outer_used),
            self.fold.cols.eq(outer_used if p.stationary else inner_used),
            self.fold.length.eq(length),
            self.fold.first.eq(self.inner == 0 if p.stationary else 1),
            self.fold.last.eq(inner_ends if p.stationary else 1),
            self.ends.eq(inner_ends & outer_ends),
        ]
        for name in p.choices:
            m.d.comb += getattr(self.fold, name).eq(getattr(self.command, name))
        with m.If(self.step):
            m.d.sync += self.inner.eq(Mux(inner_ends, 0, self.inner + inner_size))
            with m.If(inner_ends):
                m.d.sync += self.outer.eq(Mux(outer_ends, 0, self.outer + outer_size))
        return m


class Controller(wiring.Component):
    """Says of each beat what enters the grid. All outputs are combinational.

    Members
    -------
    advance : In(1)
        The beat ends with this cycle.
    available, fold : In(1), In(fold_layout)
        The next fold, if there is one.
    take : Out(1)
        The next fold enters in this beat.
    load, load_word, load_fold : Out(1), Out(range(rows)), Out(fold_layout)
        Word ``load_word`` of a stationary block enters; word 0 is of the last row. Not under os.
    stream, first, last, stream_fold : Out(1), Out(1), Out(1), Out(fold_layout)
        A vector enters, the first or last one of its fold.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        fold = fold_layout(parameters)
        super().__init__(
            {
                "advance": In(1),
                "available": In(1),
                "fold": In(fold),
                "take": Out(1),
                "load": Out(1),
                "load_word": Out(range(parameters.rows)),
                "load_fold": Out(fold),
                "stream": Out(1),
                "first": Out(1),
                "last": Out(1),
                "stream_fold": Out(fold),
            }
        )
        fields = fold.members
        self.streams = Signal()
        self.since = Signal(parameters.since_bits, init=2**parameters.since_bits - 1)
        self.current = {name: Signal(shape) for name, shape in fields.items()}
        self.registers: dict[str, ValueLike] = {
            "streams": self.streams,
            "since": self.since,
        }
        self.registers |= {f"current.{name}": word for name, word in self.current.items()}
        if parameters.stationary:
            self.loads = Signal()
            self.loaded = Signal()
            self.word = Signal(range(parameters.rows))
            self.entry = {name: Signal(shape) for name, shape in fields.items()}
            self.registers |= {"loads": self.loads, "loaded": self.loaded, "word": self.word}
            self.registers |= {f"entry.{name}": word for name, word in self.entry.items()}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        starts = Signal()
        since = Signal.like(self.since, init=0)
        if self.parameters.stationary:
            self._load(m, starts, since)
            entering: dict[str, ValueLike] = dict(self.entry)
        else:
            entering = {name: getattr(self.fold, name) for name in self.current}
            m.d.comb += [
                starts.eq(self.available & self._may_stream(entering)),
                self.take.eq(starts),
            ]
        m.d.comb += [
            since.eq(Mux(starts, 0, self.since)),
            self.stream.eq(starts | self.streams),
            self.first.eq(starts),
            self.last.eq(self.stream & (since + 1 == self.stream_fold.length)),
        ]
        for name, word in self.current.items():
            m.d.comb += getattr(self.stream_fold, name).eq(Mux(starts, entering[name], word))
        with m.If(self.advance):
            m.d.sync += [
                self.streams.eq(self.stream & ~self.last),
                self.since.eq(Mux(since.all(), since, since + 1)),
            ]
            m.d.sync += [
                word.eq(getattr(self.stream_fold, name)) for name, word in self.current.items()
            ]
        return m

    def _may_stream(self, entering: dict[str, ValueLike]) -> ValueLike:
        """Whether the results of a fold that streams from now on keep behind those before."""
        p, before = self.parameters, self.current
        rows = self.parameters.timed_rows(before["rows"]) - self.parameters.timed_rows(
            entering["rows"]
        )
        cols = self.parameters.timed_cols(before["cols"]) - self.parameters.timed_cols(
            entering["cols"]
        )
        since, length = self.since, before["length"]
        if p.preloaded:
            return since >= self._leaves_after()
        if p.stationary:
            # The first stream has nothing before it: since is at its largest.
            fewer = rows * p.latency
            return (since >= length) & (since >= length + fewer) & (since >= length + fewer + cols)
        if not p.overlapped_drain:
            return since >= self._leaves_after()
        captured = length + self.parameters.timed_rows(before["rows"]) - entering["length"]
        return (
            (since >= length)
            & (since >= captured)
            & (since >= captured + rows)
            & (since >= captured + rows + cols)
        )

    def _leaves_after(self) -> ValueLike:
        """Beats from the start of the last stream until all its results have left."""
        p, before = self.parameters, self.current
        rows, cols = (
            self.parameters.timed_rows(before["rows"]),
            self.parameters.timed_cols(before["cols"]),
        )
        if p.stationary:
            return before["length"] + rows * p.latency + cols - 2
        return before["length"] + 2 * rows + cols + p.latency - 3

    def _load(self, m: Module, starts: Signal, since: Signal) -> None:
        """The loader: one word of the stationary block a beat."""
        p = self.parameters
        begins = Signal()
        done = Signal()
        shared = Signal(range(p.rows + 1))
        order_rows = self.parameters.timed_rows(self.stream_fold.rows)
        rows = self.parameters.timed_rows(self.fold.rows)
        m.d.comb += shared.eq(Mux(order_rows < rows, order_rows, rows))
        if not p.overlapped_drain and not p.preloaded:
            free = self.since >= self._leaves_after()
            free = free & ~starts
        elif p.overlapped_load:
            free = since + (p.latency - 1) >= shared * (p.latency - 1)
        else:
            free = since + p.latency >= self.stream_fold.length + shared * (p.latency - 1)
        m.d.comb += [
            starts.eq(self.loaded & self._may_stream(dict(self.entry))),
            begins.eq(self.available & ~self.loads & (~self.loaded | starts) & free),
            self.take.eq(begins),
            self.load.eq(begins | self.loads),
            self.load_word.eq(self.word),
            done.eq(self.load & (self.word + 1 == self.parameters.timed_rows(self.load_fold.rows))),
        ]
        for name, register in self.entry.items():
            given = getattr(self.fold, name)
            m.d.comb += getattr(self.load_fold, name).eq(Mux(begins, given, register))
        with m.If(self.advance):
            m.d.sync += [
                self.loads.eq(self.load & ~done),
                self.loaded.eq(done | (self.loaded & ~starts)),
            ]
            m.d.sync += [
                register.eq(getattr(self.load_fold, name)) for name, register in self.entry.items()
            ]
            with m.If(self.load):
                m.d.sync += self.word.eq(Mux(done, 0, self.word + 1))
