"""What holds in every state that an array can reach, for proofs over single cycles.

Each is proven by induction before it is used (``equivalence.prove_invariants``).
"""

from collections.abc import Iterator

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data

from rtl.array import SystolicArray
from rtl.array.port import leaving_layout
from rtl.wrapper import Wrapper


class Watched(Wrapper):
    """A wrapper of an array with one more output: ``legal`` is 1 where all invariants hold."""

    def __init__(self, component: SystolicArray) -> None:
        super().__init__(component)
        self.legal = Signal()

    @property
    def ports(self) -> list[Signal]:
        """clk, rst, stim, resp, legal."""
        return [*super().ports, self.legal]

    @property
    def invariants(self) -> Iterator[Value]:
        """What ``legal`` is made of."""
        return invariants(self.component)

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        held = Value.cast(1)
        for invariant in self.invariants:
            held = held & invariant.bool()
        m.d.comb += self.legal.eq(held)
        return m


def invariants(array: SystolicArray) -> Iterator[Value]:
    """Of FIFOs, cutter, controller, and the tokens of the vectors that leave."""
    for fifo in array.fifos.values():
        yield fifo.level <= 2
    yield from _cutter(array)
    yield from _controller(array)
    yield from _tokens(array)


def implies(condition: ValueLike, conclusion: ValueLike) -> Value:
    """Not the first, or the second."""
    return ~Value.cast(condition).bool() | Value.cast(conclusion).bool()


def _cutter(array: SystolicArray) -> Iterator[Value]:
    p, fifo, cutter = array.parameters, array.fifos["command"], array.cutter
    command = fifo.first
    busy = (fifo.level != 0) & (command.m != 0) & (command.n != 0) & (command.k != 0)
    inner, outer = {
        "ws": (command.k, command.n),
        "is": (command.k, command.m),
        "os": (command.n, command.m),
    }[p.dataflow]
    inner_size, outer_size = (p.rows, p.cols) if p.stationary else (p.cols, p.rows)
    yield (cutter.inner % inner_size == 0) & (cutter.outer % outer_size == 0)
    yield Mux(
        busy,
        (cutter.inner < inner) & (cutter.outer < outer),
        (cutter.inner == 0) & (cutter.outer == 0),
    )


def _controller(array: SystolicArray) -> Iterator[Value]:
    p, control = array.parameters, array.controller
    current = control.current
    yield (current["rows"] <= p.rows) & (current["cols"] <= p.cols)
    used = (current["rows"] != 0) & (current["cols"] != 0)
    yield used | (control.since.all() & (current["length"] == 0))
    yield Mux(
        control.streams,
        used & (control.since != 0) & (control.since < current["length"]),
        control.since >= current["length"],
    )
    if not p.stationary:
        return
    entry = control.entry
    yield (entry["rows"] <= p.rows) & (entry["cols"] <= p.cols)
    used = (entry["rows"] != 0) & (entry["cols"] != 0) & (entry["length"] != 0)
    yield implies(control.loads | control.loaded, used)
    yield ~(control.loads & control.loaded)
    rows = p.timed_rows(entry["rows"])
    yield Mux(control.loads, (control.word != 0) & (control.word < rows), control.word == 0)
    loads_early = p.overlapped_drain or p.preloaded
    if loads_early and (p.overlapped_load or not p.full_edges):
        return
    # A load that waits for the stream before it ends when its own stream may begin.
    words = Mux(control.loaded, rows, control.word)
    if loads_early:
        begins = current["length"] + p.rows * (p.latency - 1) - p.latency
    else:
        used_rows, used_cols = p.timed_rows(current["rows"]), p.timed_cols(current["cols"])
        begins = current["length"] + used_rows * p.latency + used_cols - 2
    yield implies(control.loads | control.loaded, control.since >= begins + words)


def _tokens(array: SystolicArray) -> Iterator[Value]:
    p, layout = array.parameters, leaving_layout(array.parameters)
    pace = p.latency if p.stationary else 1
    for j, word in enumerate(array.leave.line.words):
        token = data.View(layout, word)
        yield from _token(array, word)
        # The line's places behind are for vectors that leave from below later rows.
        yield implies(token.valid, token.row * pace + (p.latency - 1) >= j)
    for word in array.grid.tokens:
        yield from _token(array, word)
    if not p.stationary:
        yield from _drain(array)


def _drain(array: SystolicArray) -> Iterator[Value]:
    p, leave, control = array.parameters, array.leave, array.controller
    since, length = control.since, control.current["length"]
    yield (leave.row < p.rows) & (leave.edge < p.cols)
    yield Mux(leave.drains, (leave.word != 0) & (leave.word <= leave.row), leave.word == 0)
    if p.full_edges:
        yield implies(leave.drains, (leave.row == p.rows - 1) & (leave.edge == p.cols - 1))
    # A drain takes a beat a row from the last vector on; it is over before the next one begins.
    drained = (leave.word + length == since + 1) & (
        leave.row + 1 == p.timed_rows(control.current["rows"])
    )
    ends_first = leave.row + 2 + since <= length + leave.word
    if p.overlapped_drain:
        yield implies(leave.drains, Mux(control.streams, ends_first, drained))
        return
    edge = leave.edge + 1 == p.timed_cols(control.current["cols"])
    yield implies(leave.drains, ~control.streams & drained & edge)
    # Place and word of a token say how long ago the last vector was; the next stream begins when
    # each is at the last column of its fold, behind which it means nothing.
    line_words = len(leave.line.words)
    for place, word in enumerate((*reversed(leave.line.words), *array.grid.tokens)):
        token = data.View(leaving_layout(p), word)
        whole_fold = (token.row + 1 == p.timed_rows(control.current["rows"])) & (
            token.edge + 1 == p.timed_cols(control.current["cols"])
        )
        beats = token.word + token.row + p.latency + place - line_words
        leaves = token.valid & (place < line_words + token.edge)
        yield implies(leaves, ~control.streams & whole_fold & (since == length + beats))


def _token(array: SystolicArray, word: Signal) -> Iterator[Value]:
    p = array.parameters
    token = data.View(leaving_layout(p), word)
    yield implies(~token.valid, word == 0)
    yield (token.row < p.rows) & (token.edge < p.cols)
    if not p.stationary:
        yield token.word <= token.row
    if p.full_edges:
        yield implies(token.valid, (token.row == p.rows - 1) & (token.edge == p.cols - 1))
