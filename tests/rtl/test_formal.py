"""Proofs of streams and delay lines, and that they fail where the hardware is wrong."""

import pytest
from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Module, Signal, Value, ValueLike
from amaranth.lib import data, stream, wiring

from arch.errors import InputError
from rtl import formal
from rtl.array.skew import Line, Skew
from rtl.formal import ProofError, inputs, prove
from rtl.stream import Fifo


class FifoProperties(Elaboratable):
    """No word is lost, doubled or out of order: one that ``watch`` chooses is followed."""

    def __init__(self, fifo: Fifo) -> None:
        self.fifo, self.watch = fifo, Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = self.fifo
        given, taken = Signal(), Signal()
        inside = Signal(2)
        followed, ahead, word = Signal(), Signal(2), Signal.like(fifo.input.payload)
        m.d.comb += [
            given.eq(fifo.input.valid & fifo.input.ready),
            taken.eq(fifo.output.valid & fifo.output.ready),
        ]
        m.d.sync += inside.eq(inside + given - taken)
        with m.If(given & self.watch & ~followed):
            m.d.sync += [
                followed.eq(1), ahead.eq(inside - taken), word.eq(fifo.input.payload)
            ]  # fmt: skip
        with m.Elif(followed & taken):
            m.d.sync += [followed.eq(ahead != 0), ahead.eq(ahead - 1)]
        m.d.comb += [
            Assert(fifo.input.ready == (inside != 2)),
            Assert(fifo.output.valid == (inside != 0)),
            Assert(fifo.level == inside),
            Assert(inside <= 2),
            Assert(~followed | (ahead < inside)),
            Assert(~(followed & (ahead == 0)) | (fifo.output.payload == word)),
            Assert(~(followed & (ahead == 1)) | (fifo.second == word)),
            Cover(followed & (ahead == 1) & (word != 0)),
            Cover(followed & (ahead == 0) & taken & (word != 0)),
        ]
        return m


class HandshakeProperties(Elaboratable):
    """A stream that is valid and not ready stays valid and keeps its payload.

    ``invariant``: what else holds of the component, so that the induction starts where it can be.
    """

    def __init__(
        self, component: wiring.Component, output: stream.Interface, invariant: ValueLike
    ) -> None:
        self.component, self.output, self.invariant = component, output, invariant

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.component = self.component
        output = self.output
        stalled = Signal()
        payload = Signal.like(Value.cast(output.payload))
        m.d.sync += [
            stalled.eq(output.valid & ~output.ready), payload.eq(Value.cast(output.payload))
        ]  # fmt: skip
        m.d.comb += [
            Assert(self.invariant),
            Assert(~stalled | output.valid),
            Assert(~stalled | (Value.cast(output.payload) == payload)),
            Cover(stalled & (payload != 0)),
        ]
        return m


class SkewProperties(Elaboratable):
    """What enters lane i comes out ``delays[i]`` advances later; a word in each is followed."""

    def __init__(self, skew: Skew, delays: tuple[int, ...]) -> None:
        self.skew, self.delays = skew, delays
        self.watch = Signal(len(delays))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.skew = skew = self.skew
        for lane, delay in enumerate(self.delays):
            if delay == 0:
                m.d.comb += Assert(skew.output[lane] == skew.input[lane])
                continue
            age, word = Signal(range(delay + 1)), Signal.like(skew.input[lane])
            with m.If(skew.advance & (age == 0)):
                m.d.sync += [age.eq(self.watch[lane]), word.eq(skew.input[lane])]
            with m.Elif(skew.advance):
                m.d.sync += age.eq(age + 1)
                with m.If(age == delay):
                    m.d.sync += age.eq(0)
            m.d.comb += Assert(age <= delay)
            for place, register in enumerate(skew.lines[lane]):
                m.d.comb += Assert((age != place + 1) | (register == word))
            m.d.comb += [
                Assert((age != delay) | (skew.output[lane] == word)),
                Cover((age == delay) & (word != 0)),
            ]
        return m


class LineProperties(Elaboratable):
    """A word comes out ``delay`` + 1 advances after it entered, if no other takes its place."""

    def __init__(self, line: Line) -> None:
        self.line, self.watch = line, Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line = line = self.line
        length = len(line.words)
        wait, word = Signal(range(length + 1)), Signal.like(line.input)
        enters = line.advance & line.enter
        m.d.comb += [
            Assume(line.delay < length),
            Assume(~(enters & (wait > 1) & (line.delay + 2 == wait))),
        ]
        with m.If(line.advance & (wait > 0)):
            m.d.sync += wait.eq(wait - 1)
        with m.If(enters & self.watch & (wait <= 1)):
            m.d.sync += [wait.eq(line.delay + 1), word.eq(line.input)]
        m.d.comb += [
            Assert(wait <= length),
            Assert((wait != 1) | (line.output == word)),
            Cover((wait == 1) & (word != 0)),
            Cover(wait == length),
        ]
        for place, register in enumerate(line.words):
            m.d.comb += Assert((wait != place + 1) | (register == word))
        return m


def proven(design: Elaboratable, component: wiring.Component, *chosen: Signal) -> None:
    """Prove a design, and that what it speaks about happens."""
    ports = [*inputs(component), *chosen]
    prove(design, 4, ports=ports)
    prove(design, 12, "cover", ports=ports)


class AlwaysReady(Fifo):
    """Takes a word that it has no room for."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.input.ready.eq(1)
        return m


class Overtaking(Fifo):
    """Of two entries the second one leaves first."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.level == 2):
            m.d.comb += self.output.payload.eq(self.second)
        return m


class Doubling(Fifo):
    """Where a word comes and one goes, that which has gone stays."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        goes = self.output.valid & self.output.ready
        with m.If(self.input.valid & self.input.ready & goes):
            m.d.sync += self.first.eq(self.first)
        return m


class Restless(Fifo):
    """The payload of a stalled word changes."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.output.valid & ~self.output.ready & self.input.valid):
            m.d.sync += self.first.eq(self.input.payload)
        return m


class Wavering(Fifo):
    """Valid goes away where nobody is ready."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.output.valid.eq((self.level != 0) & ~self.input.valid)
        return m


def test_a_fifo_keeps_words_and_their_order() -> None:
    design = FifoProperties(Fifo(8))
    proven(design, design.fifo, design.watch)


@pytest.mark.parametrize("fault", [AlwaysReady, Overtaking, Doubling])
def test_a_fifo_that_does_not_is_found(fault: type[Fifo]) -> None:
    design = FifoProperties(fault(8))
    with pytest.raises(ProofError, match=r"does not hold: Assert failed(.|\n)*cycle +0 +1"):
        prove(design, 8, ports=[*inputs(design.fifo), design.watch])


def test_a_fifo_holds_its_payload_until_ready() -> None:
    fifo = Fifo(8)
    proven(HandshakeProperties(fifo, fifo.output, fifo.level <= 2), fifo)


@pytest.mark.parametrize("fault", [Restless, Wavering])
def test_a_fifo_that_does_not_hold_is_found(fault: type[Fifo]) -> None:
    fifo = fault(8)
    with pytest.raises(ProofError, match="does not hold"):
        prove(HandshakeProperties(fifo, fifo.output, fifo.level <= 2), 8, ports=inputs(fifo))


class ShortSkew(Skew):
    """The last lane comes an advance early."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.output[3].eq(self.lines[3][-2])
        return m


class RestlessSkew(Skew):
    """A register shifts without an advance."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.sync += self.lines[2][1].eq(self.lines[2][0])
        return m


DELAYS = (0, 1, 2, 3)


def test_lanes_of_a_skew_come_late_as_they_shall() -> None:
    design = SkewProperties(Skew(4, DELAYS), DELAYS)
    proven(design, design.skew, design.watch)


@pytest.mark.parametrize("fault", [ShortSkew, RestlessSkew])
def test_a_skew_that_is_wrong_is_found(fault: type[Skew]) -> None:
    design = SkewProperties(fault(4, DELAYS), DELAYS)
    with pytest.raises(ProofError, match="does not hold"):
        prove(design, 8, ports=[*inputs(design.skew), design.watch])


class LateLine(Line):
    """A word enters one place too far behind."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.advance & self.enter & (self.delay == 1)):
            m.d.sync += [self.words[1].eq(0), self.words[2].eq(self.input)]
        return m


def test_words_leave_a_line_when_their_delay_is_over() -> None:
    design = LineProperties(Line(4, 4))
    proven(design, design.line, design.watch)


def test_a_line_that_is_wrong_is_found() -> None:
    design = LineProperties(LateLine(4, 4))
    with pytest.raises(ProofError, match="does not hold"):
        prove(design, 8, ports=[*inputs(design.line), design.watch])


class Counter(Elaboratable):
    """Counts to 9, with what it asserts about it."""

    def __init__(self, limit: int, *, assume: bool = False, cover: bool = False) -> None:
        self.limit, self.assume, self.cover = limit, assume, cover

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(4)
        with m.If(count != 9):
            m.d.sync += count.eq(count + 1)
        m.d.comb += Assert(count <= self.limit)
        if self.assume:
            m.d.comb += Assume(count == 15)
        if self.cover:
            m.d.comb += Cover(count == 12)
        return m


def test_what_holds_is_proven_and_what_fails_late_is_not() -> None:
    prove(Counter(9), 3)
    prove(Counter(8), 3, "bmc")
    with pytest.raises(ProofError, match="not inductive"):
        prove(Counter(8), 3)
    with pytest.raises(ProofError, match="does not hold"):
        prove(Counter(8), 12)


def test_assumptions_that_nothing_meets_prove_nothing() -> None:
    with pytest.raises(ProofError):
        prove(Counter(9, assume=True), 3)


def test_what_is_never_reached_is_said() -> None:
    with pytest.raises(ProofError, match="not reached: Unreached"):
        prove(Counter(9, cover=True), 20, "cover")


def test_layouts_are_inputs_as_signals_are() -> None:
    fifo = Fifo(data.ArrayLayout(3, 2))
    free = inputs(fifo)
    assert sorted(len(signal) for signal in free) == [1, 1, 6]
    prove(HandshakeProperties(fifo, fifo.output, fifo.level <= 2), 2, ports=free)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formal.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install"):
        prove(Counter(9), 3)
