"""The scratchpad: port arbiter and double-buffered storage."""

from amaranth.hdl import Module, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from arch import buffer
from rtl.buffer.parameters import Parameters
from rtl.buffer.ports import USES, PortArbiter
from rtl.buffer.storage import Storage
from rtl.parts import registers_of

DEPTH_LINES = 64
COUNT_BITS = 8


class Scratchpad(wiring.Component):
    """One scratchpad of a core: it serves ``banks * ports`` lines in each cycle.

    ``PortArbiter`` says who is served when and what a tile and a swap are, ``Storage`` what the
    ports do. Lines to be written have no handshake of their own: who commands a beat or a burst
    has what it writes, and would otherwise stall an access that was granted. In each cycle it
    gives its next lines in order, one a lane, and is told how many of them are taken: as many as
    are served, which a stream of one line a cycle could not keep up with. For the same reason
    lines that are read must be taken.

    Latency: 1 cycle from a command to its first access, 2 to the first line read. Initiation
    interval: 1 cycle for up to ``banks * ports`` lines.

    Parameters
    ----------
    pad : arch.buffer.Scratchpad
    depth_lines, count_bits, path
        As of ``Parameters``, which lists what raises InputError. The simulator does not look at
        addresses, so the depth changes no cycle.

    Members
    -------
    advance : In(stream of Parameters.advance)
        Beats of the array: ``reads`` lines from ``read_at`` on, then ``writes`` lines from
        ``write_at`` on; ``last`` ends its tile.
    fill : In(stream of Parameters.fill)
        Bursts of loads, ``lines`` from ``at`` on; ``last`` ends the tile.
    drain : In(stream of Parameters.drain)
        Bursts of stores, ``lines`` from ``at`` on of ``half``. That the array does not write them
        before they are drained is up to who commands both.
    write_lines, fill_lines : In(ArrayLayout(line, accesses))
        The next lines, in order.
    write_count, fill_count : Out(range(accesses + 1))
        How many of them are written in this cycle; a function of registers.
    read_lines, drain_lines : Out(ArrayLayout(line, accesses))
        Registered; lines in order, one a lane.
    read_valid, drain_valid : Out(range(accesses + 1))
        Registered; how many of them are new.
    half : Out(1)
        Double-buffered only: half of the array.
    swap : Out(1)
        The array begins with the tile that was filled.
    """

    def __init__(
        self,
        pad: buffer.Scratchpad,
        depth_lines: int = DEPTH_LINES,
        *,
        count_bits: int = COUNT_BITS,
        path: str = "scratchpad",
    ) -> None:
        self.parameters = p = Parameters(pad, depth_lines, count_bits, path)
        counts = range(p.accesses + 1)
        members: dict[str, In | Out] = {
            "advance": In(stream.Signature(p.advance)),
            "fill": In(stream.Signature(p.fill)),
            "drain": In(stream.Signature(p.drain)),
        }
        for use in ("write", "fill"):
            members |= {f"{use}_lines": In(p.lanes), f"{use}_count": Out(counts)}
        for use in ("read", "drain"):
            members |= {f"{use}_lines": Out(p.lanes), f"{use}_valid": Out(counts)}
        if p.double_buffered:
            members["half"] = Out(1)
        super().__init__(members | {"swap": Out(1)})
        self.arbiter = PortArbiter(p)
        self.storage = Storage(p)
        parts = (("arbiter", self.arbiter), ("storage", self.storage))
        self.registers: dict[str, ValueLike] = registers_of(parts)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.arbiter = arbiter = self.arbiter
        m.submodules.storage = storage = self.storage
        for name in ("advance", "fill", "drain"):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(arbiter, name))
        shared = [f"{use}_{what}" for use in USES for what in ("count", "at")]
        if self.parameters.double_buffered:
            shared += ["drain_half", "half"]
            m.d.comb += self.half.eq(arbiter.half)
        m.d.comb += [getattr(storage, name).eq(getattr(arbiter, name)) for name in shared]
        for use in ("write", "fill"):
            m.d.comb += [
                getattr(storage, f"{use}_lines").eq(getattr(self, f"{use}_lines")),
                getattr(self, f"{use}_count").eq(getattr(arbiter, f"{use}_count")),
            ]
        for use in ("read", "drain"):
            m.d.comb += [
                getattr(self, f"{use}_{what}").eq(getattr(storage, f"{use}_{what}"))
                for what in ("lines", "valid")
            ]
        m.d.comb += self.swap.eq(arbiter.swap)
        return m
