"""Reads and writes that wait before the queues of banks."""

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.dram.pick import lowest
from rtl.pim.joint.parameters import IDLE_DRAIN, Parameters
from rtl.stream import take_in


class Requests(wiring.Component):
    """Two lists, the oldest is entry 0, and what is behind the last is 0.

    A request is first in a register of its own, and may move on in the first cycle in which it is
    looked at. It is taken if its list has room; not if it is to a place for which a read waits. To
    one for which a write waits it is served by that: a read has its data from there, a write takes
    its place. In each cycle the oldest whose bank has room moves to the queue of its bank, a read,
    or in a drain a write. A drain is of as many writes as waited when it began: when no more had
    room, or more than ``IDLE_DRAIN`` while no queue had anything.

    Members
    -------
    request : In(stream of Parameters.request)
    passed : Out(Parameters.passed)
    place : Out(Parameters.request)
        Of the request that is looked at.
    there_read, there_write : In(1)
        A read or write of that place is in the queue of a bank.
    pim_waiting : In(range)
        PIM instructions that lie among the reads.
    added, taken : Out(1)
        The request enters its list; or is served at once.
    reads, writes : Out(range)
        How many there are, with it.
    reads_wait : Out(read_entries)
    drains, begun : Out(1)
        A register: a drain is under way; the same with what begins in this cycle.
    room : In(banks)
    none_queued : In(1)
        No command is in a queue at the end of this cycle.
    may_move : In(1)
    moved, moved_reads, bank, entry : Out
        What moves, and which of the reads that is.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        counts = {"reads": p.read_entries, "writes": p.write_entries}
        super().__init__(
            {
                "request": In(stream.Signature(p.request)),
                "passed": Out(p.passed),
                "place": Out(p.request),
                **{name: In(1) for name in ("there_read", "there_write", "none_queued")},
                "pim_waiting": In(range(p.transactions + 1)),
                "may_move": In(1),
                "room": In(p.banks),
                **{name: Out(1) for name in ("added", "taken", "drains", "begun", "moved")},
                **{name: Out(range(size + 1)) for name, size in counts.items()},
                "moved_reads": Out(p.read_entries),
                "bank": Out(p.place["bank"]),
                "entry": Out(p.queued),
            }
        )
        rest = p.place | {"tag": p.tag_bits}
        self.layout = data.StructLayout(rest)
        self.comes, self.incoming = Signal(), Signal(p.request)
        self.draining = Signal(range(p.write_entries + 1))
        self.counts = [Signal(range(n + 1), name=f"{name}_count") for name, n in counts.items()]
        self.lists = [
            [Signal(self.layout, name=f"{name}_{i}") for i in range(size)]
            for name, size in counts.items()
        ]
        self.registers: dict[str, ValueLike] = {"incoming.valid": self.comes}
        self.registers |= {"incoming": self.incoming, "draining": self.draining}
        for name, count, entries in zip(counts, self.counts, self.lists, strict=True):
            self.registers[f"{name}_count"] = count
            self.registers |= {f"{name}.{i}": entry for i, entry in enumerate(entries)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.place.eq(self.incoming)
        take_in(m, self.request, self.comes, self.incoming, self.taken)
        self._take(m)
        self._drain(m)
        self._move(m)
        return m

    def _take(self, m: Module) -> None:
        """Whether the request that comes in is taken, and whether it then waits."""
        p = self.parameters
        there = []
        for kind, entries in enumerate(self.lists):
            same = []
            for i, entry in enumerate(entries):
                equal = i < self.counts[kind]
                for name in p.place:
                    equal = equal & (getattr(entry, name) == getattr(self.incoming, name))
                same.append(equal)
            there.append(Cat(*same).any())
        write = self.incoming.write
        reads = self.counts[0] + self.pim_waiting if p.among_reads else self.counts[0]
        room = Mux(write, self.counts[1] < p.write_entries, reads < p.read_entries)
        passes, held, offered = Signal(), Signal(), Signal()
        m.d.comb += [
            passes.eq(there[1] | self.there_write),
            held.eq(there[0] | self.there_read),
            offered.eq(self.comes & room),
            self.added.eq(offered & ~passes & ~held),
            self.passed.valid.eq(offered & passes),
            self.taken.eq(self.added | self.passed.valid),
            self.reads.eq(self.counts[0] + (self.added & ~write)),
            self.writes.eq(self.counts[1] + (self.added & write)),
        ]
        with m.If(self.passed.valid):
            m.d.comb += [self.passed.write.eq(write), self.passed.tag.eq(self.incoming.tag)]

    def _drain(self, m: Module) -> None:
        p = self.parameters
        begins, left = Signal(), Signal.like(self.draining)
        idle = (self.writes > IDLE_DRAIN) & self.none_queued
        m.d.comb += [
            begins.eq((self.draining == 0) & ((self.writes >= p.write_entries) | idle)),
            left.eq(Mux(begins, self.writes, self.draining)),
            self.drains.eq(self.draining != 0),
            self.begun.eq(left != 0),
        ]
        m.d.sync += self.draining.eq(left - (self.moved & self.begun))

    def _move(self, m: Module) -> None:
        """The oldest that may go leaves; the others move up; what was taken is the last."""
        words: list[Value] = []
        picks = []
        for kind, (entries, number) in enumerate(
            zip(self.lists, (self.reads, self.writes), strict=True)
        ):
            size = len(entries)
            now = self._with_new(m, kind)
            may = [(i < number) & self.room.bit_select(now[i].bank, 1) for i in range(size)]
            chosen = Signal(size, name=f"chosen_{kind}")
            with m.If(self.may_move & (self.begun == kind)):
                m.d.comb += chosen.eq(lowest(Cat(*may)))
            m.d.sync += self.counts[kind].eq(number - chosen.any())
            for i, entry in enumerate(entries):
                after = now[i + 1] if i + 1 < size else Signal(self.layout, name=f"none_{kind}")
                m.d.sync += entry.eq(Mux(chosen[: i + 1].any(), after, now[i]))
                words.append(Mux(chosen[i], Value.cast(now[i]), 0))
            picks.append(chosen)
        entry = data.View(self.layout, reduce(or_, words))
        m.d.comb += [
            self.moved_reads.eq(picks[0]),
            self.moved.eq(Cat(*picks).any()),
            self.bank.eq(entry.bank),
            self.entry.write.eq(picks[1].any()),
            *(getattr(self.entry, name).eq(getattr(entry, name)) for name in ("row", "column")),
            self.entry.tag.eq(entry.tag),
        ]

    def _with_new(self, m: Module, kind: int) -> list[Any]:
        """Entries of a list, with the one that is added in this cycle."""
        enters = self.added & (self.incoming.write == kind)
        new = Signal(self.layout, name=f"new_{kind}")
        m.d.comb += [
            getattr(new, name).eq(getattr(self.incoming, name)) for name in self.layout.members
        ]
        entries = []
        for i, entry in enumerate(self.lists[kind]):
            here = Signal(self.layout, name=f"now_{kind}_{i}")
            m.d.comb += here.eq(Mux(enters & (self.counts[kind] == i), new, entry))
            entries.append(here)
        return entries
