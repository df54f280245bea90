"""PIM instructions that wait, and the queue of those that are next."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.pim.joint.parameters import Parameters
from rtl.stream import take_in


class Instructions(wiring.Component):
    """Two queues in a row, the first is entry 0, and what is behind the last is 0.

    An instruction is first in a register of its own, and may move on in the first cycle in which it
    is looked at. Where instructions lie among the reads, each of those that wait has a count of the
    reads before it, and moves when it is 0.

    Members
    -------
    pim : In(stream of Parameters.instruction)
    reads : In(range)
        Reads that wait, with the one that is taken in this cycle.
    moved_reads : In(read_entries)
        Which of them leaves.
    none_of_kind : In(1)
        No read waits, or in a drain no write.
    drains : In(1)
        Writes go first.
    memory : In(1)
        Reads and writes may move in this cycle.
    at_tile, tile_stays : In(1)
        A tile is open, and still at the end of the cycle.
    ends : In(1)
        The first instruction of the queue is over.
    taken, moves : Out(1)
        One is taken; it is their turn to move, not that of reads and writes.
    first : Out(Parameters.instruction)
    waiting, queued : Out(range)
        Registers: how many are in each queue.
    any : Out(1)
        Of both, with what is taken in this cycle.
    left : Out(range)
        Of the second queue, at the end of the cycle before one moves.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        before = ("none_of_kind", "drains", "memory", "at_tile", "tile_stays", "ends")
        super().__init__(
            {
                "pim": In(stream.Signature(p.instruction)),
                "reads": In(range(p.read_entries + 1)),
                "moved_reads": In(p.read_entries),
                **{name: In(1) for name in before},
                **{name: Out(1) for name in ("taken", "moves", "any")},
                "first": Out(p.instruction),
                "waiting": Out(range(p.transactions + 1)),
                "queued": Out(range(p.pim_commands + 1)),
                "left": Out(range(p.pim_commands + 1)),
            }
        )
        self.comes, self.incoming = Signal(), Signal(p.instruction)
        self.waits = [Signal(p.instruction, name=f"waits_{i}") for i in range(p.transactions)]
        self.queue = [Signal(p.instruction, name=f"queue_{i}") for i in range(p.pim_commands)]
        self.ahead = [
            Signal(range(p.read_entries + 1), name=f"ahead_{i}")
            for i in range(p.transactions * p.among_reads)
        ]
        self.registers: dict[str, ValueLike] = {"incoming.valid": self.comes}
        self.registers |= {"incoming": self.incoming, "waiting": self.waiting}
        self.registers |= {f"waits.{i}": entry for i, entry in enumerate(self.waits)}
        self.registers |= {f"ahead.{i}": count for i, count in enumerate(self.ahead)}
        self.registers["queued"] = self.queued
        self.registers |= {f"queue.{i}": entry for i, entry in enumerate(self.queue)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        room = self.waiting < p.transactions
        if p.among_reads:
            passes = self.at_tile & (self.queued == 0) & (self.waiting == 0) & p.tile_goes_on
            room = room & ((self.reads + self.waiting < p.read_entries) | passes)
        number = Signal.like(self.waiting)
        m.d.comb += [
            self.taken.eq(self.comes & room),
            number.eq(self.waiting + self.taken),
            self.any.eq((number != 0) | (self.queued != 0)),
            self.left.eq(self.queued - self.ends),
            self.first.eq(self.queue[0]),
        ]
        take_in(m, self.pim, self.comes, self.incoming, self.taken)
        moved = Signal()
        m.d.comb += moved.eq(self.moves & (self.left != p.pim_commands))
        m.d.sync += [self.waiting.eq(number - moved), self.queued.eq(self.left + moved)]
        waits = self._with_new(m, self.waits, self.incoming, "now")
        for entry, value in zip(self.waits, _shifted(waits, moved, p), strict=True):
            m.d.sync += entry.eq(value)
        for i, (entry, value) in enumerate(
            zip(self.queue, _shifted(self.queue, self.ends, p), strict=True)
        ):
            m.d.sync += entry.eq(Mux(moved & (self.left == i), waits[0], value))
        came_first = self._count_reads(m, moved)
        if p.among_reads:
            turn = ~self.memory | (self.reads == 0) | came_first
            turn = turn & ((self.left != p.pim_commands) | ~self.memory) & ~self.drains
            turn = turn | (self.tile_stays & (self.left == 0) & p.tile_goes_on)
        else:
            turn = ~self.memory | self.none_of_kind | (self.left < min(2, p.pim_commands))
        m.d.comb += self.moves.eq((number != 0) & turn)
        return m

    def _with_new(self, m: Module, old: list[Any], new: Any, name: str) -> list[Any]:
        """Entries of those that wait, with what is taken in this cycle behind them."""
        entries = []
        for i, entry in enumerate(old):
            here = Signal.like(entry, name=f"{name}_{i}")
            m.d.comb += here.eq(Mux(self.taken & (self.waiting == i), new, entry))
            entries.append(here)
        return entries

    def _count_reads(self, m: Module, moved: Signal) -> Value:
        """How many reads are before each that waits; whether none is before the first."""
        if not self.ahead:
            return Value.cast(0)
        counts = self._with_new(m, self.ahead, self.reads, "ahead_now")
        later: list[Value] = []
        for i, count in enumerate(counts):
            left = Signal.like(count, name=f"ahead_left_{i}")
            gone = Cat(*(place & (at < count) for at, place in enumerate(self.moved_reads))).any()
            m.d.comb += left.eq(count - gone)
            later.append(left)
        for i, register in enumerate(self.ahead):
            after = later[i + 1] if i + 1 < len(later) else Value.cast(0)
            m.d.sync += register.eq(Mux(moved, after, later[i]))
        return counts[0] == 0


def _shifted(entries: list[Any], goes: ValueLike, p: Parameters) -> list[Value]:
    """Entries when the first has left."""
    none = Value.cast(Signal(p.instruction, name="none"))
    after = [*entries[1:], none]
    return [
        Mux(goes, Value.cast(later), Value.cast(entry))
        for entry, later in zip(entries, after, strict=True)
    ]
