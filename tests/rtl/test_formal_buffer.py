"""Proofs of the port arbiter, and that they fail where it is wrong."""

import pytest
from amaranth.hdl import Assert, Cover, Elaboratable, Module, Mux, Signal, Value, ValueLike

from arch import buffer
from rtl.buffer.parameters import Parameters
from rtl.buffer.ports import USES, PortArbiter
from rtl.formal import ProofError, inputs, prove

ACCESSES = 3


def parameters(double_buffered: bool) -> Parameters:
    pad = buffer.Scratchpad(
        operands=("ifmap",),
        capacity_kib=1,
        banks=ACCESSES,
        bank_width_bytes=1,
        double_buffered=double_buffered,
    )
    return Parameters(pad, depth_lines=4, count_bits=4, path="pad")


def least(x: Value, y: ValueLike) -> Value:
    return Mux(x < y, x, y)


class ArbiterProperties(Elaboratable):
    """Who is served when, and who has which half, by books of its own.

    ``owed`` counts the accesses of each use that were accepted and not served.
    """

    def __init__(self, arbiter: PortArbiter) -> None:
        self.arbiter = arbiter

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.arbiter = self.arbiter
        counts = [Value.cast(getattr(self.arbiter, f"{use}_count")) for use in USES]
        read, write, fill, drain = counts
        owed = self._books(m, counts)
        free = ACCESSES - (read + write)
        m.d.comb += [
            # Never more than the ports serve.
            Assert(read + write + fill + drain <= ACCESSES),
            # The array first, then fills, then drains, and nothing is left that is wanted.
            Assert(read == least(owed["read"], ACCESSES)),
            Assert(read + write == least(owed["read"] + owed["write"], ACCESSES)),
            Assert(fill == least(owed["fill"], free)),
            Assert(drain == least(owed["drain"], free - fill)),
            Cover((read == 1) & (write == 1) & (drain == 1)),
            Cover((fill == 1) & (drain == 2)),
            Cover((owed["drain"] > 0) & (drain == 0) & (read == ACCESSES)),
        ]
        self._tiles(m, owed, dict(zip(USES, counts, strict=True)))
        return m

    def _books(self, m: Module, counts: list[Value]) -> dict[str, Signal]:
        a = self.arbiter
        owed = {use: Signal(6, name=f"owed_{use}") for use in USES}
        given = {
            "read": (a.advance, a.advance.payload.reads),
            "write": (a.advance, a.advance.payload.writes),
            "fill": (a.fill, a.fill.payload.lines),
            "drain": (a.drain, a.drain.payload.lines),
        }
        for use, count in zip(USES, counts, strict=True):
            stream, lines = given[use]
            m.d.sync += owed[use].eq(owed[use] - count + Mux(stream.valid & stream.ready, lines, 0))
            # No access is lost, none is served that nobody asked for.
            m.d.comb += [Assert(owed[use] == a.left[use]), Assert(count <= owed[use])]
        return owed

    def _tiles(self, m: Module, owed: dict[str, Signal], counts: dict[str, Value]) -> None:
        """The array works on what has been filled; nobody fills what it works on."""
        a = self.arbiter
        takes_beat, takes_fill = Signal(), Signal()
        computed, filled = Signal(init=1), Signal()
        array_ends = owed["read"] + owed["write"] == counts["read"] + counts["write"]
        fill_ends = owed["fill"] == counts["fill"]
        m.d.comb += [
            takes_beat.eq(a.advance.valid & a.advance.ready),
            takes_fill.eq(a.fill.valid & a.fill.ready),
            Assert(a.swap == (computed & array_ends & filled & fill_ends)),
            Assert(~takes_beat | array_ends),
            Assert(~takes_fill | fill_ends),
            Assert(~takes_beat | ~computed | a.swap),
            Assert(~takes_fill | ~filled | a.swap),
            # Registers that the induction must know.
            Assert(computed == a.advance_last),
            Assert(filled == a.fill_last),
            Cover(a.swap & takes_beat),
            Cover(a.swap & (owed["drain"] > counts["drain"])),
        ]
        with m.If(a.swap):
            m.d.sync += [computed.eq(0), filled.eq(0)]
        with m.If(takes_beat):
            m.d.sync += computed.eq(a.advance.payload.last)
        with m.If(takes_fill):
            m.d.sync += filled.eq(a.fill.payload.last)
        if a.parameters.double_buffered:
            before, swapped = Signal(init=1), Signal()
            m.d.sync += [before.eq(a.half), swapped.eq(a.swap)]
            m.d.comb += [
                Assert((a.half == before) == ~swapped),
                Cover(a.swap & takes_fill & takes_beat),
                Cover((counts["read"] > 0) & (counts["fill"] > 0) & (counts["drain"] > 0)),
            ]
        else:
            array = owed["read"] + owed["write"] > 0
            m.d.comb += [
                Assert(~(array & (owed["fill"] > 0))),
                Assert((owed["fill"] == 0) | computed),
                Assert(~filled | (computed & ~array)),
            ]


class Greedy(PortArbiter):
    """The drain takes ports that are given away."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.drain_count.eq(least(self.left["drain"], ACCESSES))
        return m


class FillFirst(PortArbiter):
    """The array's writes wait for a fill."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.left["fill"] > 0):
            m.d.comb += self.write_count.eq(0)
        return m


class Forgetful(PortArbiter):
    """A burst is accepted while another one is served."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.drain.ready.eq(1)
        return m


class Idle(PortArbiter):
    """A fill beside the array is not served."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.read_count == 2):
            m.d.comb += self.fill_count.eq(0)
        return m


class EarlySwap(PortArbiter):
    """The halves are swapped while the fill is not done."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.swap.eq(
            self.advance_last
            & self.fill_last
            & (self.left["read"] + self.left["write"] <= ACCESSES)
        )
        return m


class Stuck(PortArbiter):
    """The halves stay where they are."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.sync += self.half.eq(self.half)
        return m


class EarlyFill(PortArbiter):
    """The only half is filled while the array uses it."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.fill.ready.eq((self.left["fill"] == 0) & ~self.fill_last)
        return m


@pytest.mark.parametrize("double_buffered", [True, False])
def test_the_arbiter_keeps_its_rules(double_buffered: bool) -> None:
    arbiter = PortArbiter(parameters(double_buffered))
    design = ArbiterProperties(arbiter)
    prove(design, 4, ports=inputs(arbiter))
    prove(design, 12, "cover", ports=inputs(arbiter))


FAULTS = [(fault, True) for fault in (Greedy, FillFirst, Forgetful, Idle, EarlySwap, Stuck)]
FAULTS += [(fault, False) for fault in (Greedy, FillFirst, Forgetful, EarlySwap, EarlyFill)]
# FillFirst is one only where the array can meet a fill.
FAULTS.remove((FillFirst, False))


@pytest.mark.parametrize(("fault", "double_buffered"), FAULTS)
def test_an_arbiter_that_does_not_is_found(fault: type[PortArbiter], double_buffered: bool) -> None:
    arbiter = fault(parameters(double_buffered))
    with pytest.raises(ProofError, match="does not hold"):
        prove(ArbiterProperties(arbiter), 10, ports=inputs(arbiter))
