"""Which request goes next: FR-FCFS and FCFS over requests in the order of their arrival."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from rtl.dram.parameters import Parameters


class Pick(wiring.Component):
    """The oldest request whose next command may go in this cycle.

    One that has opened its row goes before all others; then a refresh, if it is to come first;
    then reads, or writes in a drain. Where the oldest of them has waited for ``cap_cycles``, or
    under first come, the others wait for it. A drain begins when more than ``drain_above`` writes
    wait, or no read does, and ends with fewer than ``drain_below`` when a read waits; one that has
    waited for long overrides that. All outputs are combinational.

    Members
    -------
    owners, reads, writes : In(size)
        Requests by list, the oldest lowest: those that have opened their row, and the others.
    may : In(size)
        The next command of each may go in this cycle.
    long : In(size)
        Each has waited for ``cap_cycles``.
    read_count, write_count : In(range)
        How many of ``reads`` and ``writes`` there are.
    refresh_first : In(1)
        A refresh goes before ``reads`` and ``writes``.
    grant : Out(size)
        The request whose command goes: one bit, or none.
    refresh : Out(1)
        A refresh may go: no owner does.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        self.size = p.entries + 1
        members: dict[str, In | Out] = {
            name: In(self.size) for name in ("owners", "reads", "writes", "may", "long")
        }
        super().__init__(
            members
            | {
                "read_count": In(range(p.read_entries + 1)),
                "write_count": In(range(p.write_entries + 1)),
                "refresh_first": In(1),
                "grant": Out(self.size),
                "refresh": Out(1),
            }
        )
        self.draining = Signal()
        self.registers: dict[str, ValueLike] = {"draining": self.draining}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        owners, waiting, eligible = (
            Signal(self.size, name=name) for name in ("owners_now", "waiting", "eligible")
        )
        drains, oldest_only = Signal(), Signal()
        oldest_read, oldest_write = (
            Signal(self.size, name=f"oldest_{kind}") for kind in ("read", "write")
        )
        m.d.comb += [
            owners.eq(self.owners & self.may),
            oldest_read.eq(lowest(self.reads)),
            oldest_write.eq(lowest(self.writes)),
            waiting.eq(Mux(drains, self.writes, self.reads)),
            eligible.eq(
                self.may & Mux(oldest_only, Mux(drains, oldest_write, oldest_read), waiting)
            ),
            self.refresh.eq(self.refresh_first & (owners == 0)),
            self.grant.eq(lowest(Mux(owners != 0, owners, Mux(self.refresh_first, 0, eligible)))),
        ]
        self._choose(m, drains, oldest_only, oldest_read, oldest_write)
        with m.If((owners == 0) & ~self.refresh_first):
            m.d.sync += self.draining.eq(drains)
        if p.first_come:
            m.d.comb += oldest_only.eq(1)
        return m

    def _choose(
        self, m: Module, drains: Signal, oldest_only: Signal, oldest_read: Signal,
        oldest_write: Signal,
    ) -> None:  # fmt: skip
        """Whether writes go first, and whether it is the oldest's turn."""
        p = self.parameters
        no_read = self.read_count == 0
        ends = (self.write_count < p.drain_below) & ~no_read
        begins = (self.write_count > p.drain_above) | no_read
        m.d.comb += drains.eq(Mux(self.draining, ~ends, begins))
        if p.cap_cycles is None:
            return
        long_read, long_write = (oldest_read & self.long).any(), (oldest_write & self.long).any()
        with m.If(long_read | long_write):
            m.d.comb += drains.eq(long_write & ((oldest_write < oldest_read) | ~long_read))
        if not p.first_come:
            m.d.comb += oldest_only.eq(Mux(drains, long_write, long_read))


def selected(bits: Value, values: Iterable[ValueLike]) -> Value:
    """The value whose bit is set, where one is at most; else 0."""
    some = (Mux(bit, Value.cast(value), 0) for bit, value in zip(bits, values, strict=True))
    return reduce(or_, some)


def number_of(bits: Value) -> Value:
    """Of the one bit that is set; 0 if none is."""
    return selected(bits, range(len(bits)))[: bits_for(max(1, len(bits) - 1))]


def lowest(bits: ValueLike) -> Value:
    """The lowest of the bits that are set, alone."""
    given = Value.cast(bits)
    return given & (~given + 1)[: len(given)]
