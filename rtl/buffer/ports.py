"""Who uses the ports in a cycle, and whose half is which."""

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.buffer.parameters import Parameters

USES = ("read", "write", "fill", "drain")
"""In the order in which they are served. The array's are the first two."""


class PortArbiter(wiring.Component):
    """Shares out the accesses of each cycle: the array first, then the fill, then the drain.

    Each side has one beat or burst in a register and is served from the cycle after it was
    accepted on. It is ready in the cycle in which the last of it is served, hence at full rate;
    one of n accesses, alone, takes ``max(1, ceil(n / accesses))`` cycles. All outputs are
    functions of registers.

    The array works on one tile in its half while the fill brings the next into the other. ``last``
    ends a tile. In the cycle in which the last access of both tiles is served, or has been,
    ``swap`` is 1: the next beat and burst may be accepted in it, and the halves change roles after
    it. Until then a side that is ahead is not ready. The array's first tile is the first one
    filled. Without double buffering there is one half: the fill waits until the array's tile is
    done, the array until the fill is, and ``swap`` says that it is the array's turn. A drain reads
    whichever half its burst names, and goes on over a swap.

    Latency: 1 cycle from a command to its first access. Initiation interval: 1 cycle for up to
    ``accesses`` lines.

    Members
    -------
    advance, fill, drain : In(stream)
        Of the layouts in ``Parameters``.
    read_count, write_count, fill_count, drain_count : Out(range(accesses + 1))
        Lines served in this cycle; ``accesses`` at most together.
    read_at, write_at, fill_at, drain_at : Out(range(depth_lines))
        Address of the first of them, the others follow; they wrap.
    drain_half : Out(1)
        Double-buffered only: half that the drain reads.
    half : Out(1)
        Double-buffered only: half of the array; the fill writes the other one.
    swap : Out(1)
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        members: dict[str, In | Out] = {
            "advance": In(stream.Signature(p.advance)),
            "fill": In(stream.Signature(p.fill)),
            "drain": In(stream.Signature(p.drain)),
        }
        members |= {f"{use}_count": Out(range(p.accesses + 1)) for use in USES}
        members |= {f"{use}_at": Out(p.address_bits) for use in USES}
        if p.double_buffered:
            members |= {"drain_half": Out(1), "half": Out(1, init=1)}
        super().__init__(members | {"swap": Out(1)})
        self.left = {use: Signal(p.count_bits, name=f"{use}_left") for use in USES}
        self.advance_last = Signal(init=1)
        self.fill_last = Signal()
        self.registers: dict[str, ValueLike] = {}
        for use in USES:
            self.registers[f"{use}_left"] = self.left[use]
            self.registers[f"{use}_at"] = getattr(self, f"{use}_at")
        if p.double_buffered:
            self.registers["drain_half"] = self.drain_half
        self.registers["advance_last"] = self.advance_last
        self.registers["fill_last"] = self.fill_last
        if p.double_buffered:
            self.registers["half"] = self.half

    def elaborate(self, platform: object) -> Module:
        m = Module()
        served = self._share(m)
        array = served["read"] & served["write"]
        m.d.comb += [
            self.swap.eq(self.advance_last & array & self.fill_last & served["fill"]),
            self.advance.ready.eq(array & (~self.advance_last | self.swap)),
            self.drain.ready.eq(served["drain"]),
        ]
        if self.parameters.double_buffered:
            fill = ~self.fill_last | self.swap
        else:
            fill = ~self.fill_last & self.advance_last & array
        m.d.comb += self.fill.ready.eq(served["fill"] & fill)
        self._accept(m)
        return m

    def _share(self, m: Module) -> dict[str, Signal]:
        """Serve the sides in order; returns who has nothing left after this cycle."""
        free: ValueLike = self.parameters.accesses
        served = {use: Signal(name=f"{use}_served") for use in USES}
        for use in USES:
            left, count = self.left[use], getattr(self, f"{use}_count")
            after = Signal.like(count, name=f"free_after_{use}")
            m.d.comb += [
                served[use].eq(left <= free),
                count.eq(Mux(served[use], left, free)),
                after.eq(free - count),
            ]
            at = getattr(self, f"{use}_at")
            m.d.sync += [left.eq(left - count), at.eq(at + count)]
            free = after
        return served

    def _accept(self, m: Module) -> None:
        """Take what follows; it overrides what was left, which is nothing."""
        with m.If(self.swap):
            m.d.sync += [self.advance_last.eq(0), self.fill_last.eq(0)]
            if self.parameters.double_buffered:
                m.d.sync += self.half.eq(~self.half)
        with m.If(self.advance.valid & self.advance.ready):
            beat = self.advance.payload
            m.d.sync += [
                self.left["read"].eq(beat.reads),
                self.read_at.eq(beat.read_at),
                self.left["write"].eq(beat.writes),
                self.write_at.eq(beat.write_at),
                self.advance_last.eq(beat.last),
            ]
        with m.If(self.fill.valid & self.fill.ready):
            burst = self.fill.payload
            m.d.sync += [
                self.left["fill"].eq(burst.lines),
                self.fill_at.eq(burst.at),
                self.fill_last.eq(burst.last),
            ]
        with m.If(self.drain.valid & self.drain.ready):
            burst = self.drain.payload
            m.d.sync += [self.left["drain"].eq(burst.lines), self.drain_at.eq(burst.at)]
            if self.parameters.double_buffered:
                m.d.sync += self.drain_half.eq(burst.half)
