"""The requests that wait, in the order of their arrival."""

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.dram.parameters import Parameters
from rtl.stream import take_in


class Queue(wiring.Component):
    """One queue for all requests: the oldest is entry 0, and what is behind the last is 0.

    Reads and writes that wait, and those that have opened their row, are lists of the simulator's;
    here they are flags, so that age is position and nothing that counts arrivals can wrap.

    A request is first in a register of its own. There it is looked at in each cycle, as the
    youngest of all, and so may go to the device in the cycle after it came. It is taken if its list
    has room; or if a write to its place waits, which a read gets its data from and a write
    replaces. With ``ordered`` hazards a write is not taken before reads of its place, and writes
    that have opened their row serve, too. Two requests are to one place if bank, row and column
    are the same. ``request.ready`` is a function of registers.

    Members
    -------
    request : In(stream of Parameters.request)
    passed : Out(Parameters.passed)
        The request is served by a waiting write.
    all : Out(ArrayLayout(entry, entries + 1))
        The requests and, last, the one that comes in.
    owners, reads, writes, long : Out(entries + 1)
        As of ``Pick``.
    read_count, write_count : Out
        With the request that comes in.
    grant : In(entries + 1)
        Whose command goes to the device: one bit, or none.
    activates, served : In(1), In(1)
        It opens its row, or is its read or write, whereupon it leaves.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        self.size = p.entries + 1
        members: dict[str, In | Out] = {
            "request": In(stream.Signature(p.request)),
            "passed": Out(p.passed),
            "all": Out(data.ArrayLayout(p.entry, self.size)),
        }
        members |= {name: Out(self.size) for name in ("owners", "reads", "writes", "long")}
        super().__init__(
            members
            | {
                "read_count": Out(range(p.read_entries + 1)),
                "write_count": Out(range(p.write_entries + 1)),
                "grant": In(self.size),
                "activates": In(1),
                "served": In(1),
            }
        )
        self.comes = Signal()
        self.incoming = Signal(p.request)
        self.entries = [Signal(p.entry, name=f"entry_{i}") for i in range(p.entries)]
        self.counts = {
            "read": Signal(range(p.read_entries + 1), name="reads_waiting"),
            "write": Signal(range(p.write_entries + 1), name="writes_waiting"),
        }
        self.registers: dict[str, ValueLike] = {"incoming.valid": self.comes}
        self.registers["incoming"] = self.incoming
        self.registers |= {f"{kind}_count": count for kind, count in self.counts.items()}
        self.registers |= {f"{i}": entry for i, entry in enumerate(self.entries)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        taken, enters = Signal(), Signal()
        self._look(m, taken, enters)
        last = self.all[p.entries]
        m.d.comb += [
            *(self.all[i].eq(entry) for i, entry in enumerate(self.entries)),
            last.valid.eq(enters),
            *(getattr(last, name).eq(getattr(self.incoming, name)) for name in p.request.members),
        ]
        if p.cap_cycles is not None:
            m.d.comb += last.age.eq(1)
            long = [each.age == p.cap_cycles for each in self.all]
            m.d.comb += self.long.eq(Cat(*long))
        m.d.comb += [
            self.owners.eq(Cat(*(each.valid & each.activated for each in self.all))),
            self.reads.eq(Cat(*(self._waits(each) & ~each.write for each in self.all))),
            self.writes.eq(Cat(*(self._waits(each) & each.write for each in self.all))),
        ]
        take_in(m, self.request, self.comes, self.incoming, taken)
        self._count(m, enters)
        self._move(m, enters)
        return m

    def _waits(self, entry: "data.View[data.StructLayout]") -> Value:
        return Value.cast(entry.valid & ~entry.activated)

    def _look(self, m: Module, taken: Signal, enters: Signal) -> None:
        """Whether the request that comes in is taken, and whether it then waits."""
        p = self.parameters
        writes, reads = [], []
        for entry in self.entries:
            same = entry.valid
            for name in p.place:
                same = same & (getattr(entry, name) == getattr(self.incoming, name))
            serves = entry.write if p.ordered else entry.write & ~entry.activated
            writes.append(same & serves)
            reads.append(same & ~entry.write)
        passes, blocked, room = Signal(), Signal(), Signal()
        write = self.incoming.write
        m.d.comb += [
            passes.eq(self.comes & Cat(*writes).any()),
            blocked.eq(write & Cat(*reads).any() if p.ordered else 0),
            room.eq(
                Mux(
                    write,
                    self.counts["write"] < p.write_entries,
                    self.counts["read"] < p.read_entries,
                )
            ),
            enters.eq(self.comes & ~passes & ~blocked & room),
            taken.eq(passes | enters),
            self.passed.valid.eq(passes),
        ]
        with m.If(passes):
            m.d.comb += [self.passed.write.eq(write), self.passed.tag.eq(self.incoming.tag)]

    def _count(self, m: Module, enters: Signal) -> None:
        """Requests leave their list when they have opened their row, or have been served."""
        leaves = self.activates | self.served
        for kind, waiting, comes, count in (
            ("read", self.reads, ~self.incoming.write, self.read_count),
            ("write", self.writes, self.incoming.write, self.write_count),
        ):
            left = leaves & (self.grant & waiting).any()
            m.d.comb += count.eq(self.counts[kind] + (enters & comes))
            m.d.sync += self.counts[kind].eq(count - left)

    def _move(self, m: Module, enters: Signal) -> None:
        """What is served leaves, what came later moves up, what comes in follows the last."""
        p = self.parameters
        later: list[Any] = []
        gone: list[Value] = []
        for i, entry in enumerate(self.entries):
            free = ~entry.valid & self.entries[i - 1].valid if i else ~entry.valid
            given, aged = (Signal(p.entry, name=f"{name}_{i}") for name in ("given", "aged"))
            granted = self.grant[i] | (free & self.grant[p.entries])
            m.d.comb += [
                given.eq(Mux(free & enters, self.all[p.entries], entry)),
                aged.eq(given),
                aged.activated.eq(given.activated | (granted & self.activates)),
            ]
            if p.cap_cycles is not None:
                ages = given.valid & (given.age != p.cap_cycles)
                m.d.comb += aged.age.eq(given.age + ages)
            later.append(aged)
            gone.append(Value.cast(granted & self.served))
        behind = Signal(p.entry, name="behind")
        for i, entry in enumerate(self.entries):
            after = later[i + 1] if i + 1 < p.entries else behind
            m.d.sync += entry.eq(Mux(reduce(or_, gone[: i + 1]), after, later[i]))
