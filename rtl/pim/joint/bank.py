"""A bank with one or two row buffers and the queue of its reads and writes."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.dram.pick import lowest, selected
from rtl.pim.joint.parameters import HITS, Parameters
from rtl.pim.joint.timers import JointTimers


class JointBank(wiring.Component):
    """What is open for memory and for PIM, and what memory wants next of this bank.

    The oldest request is entry 0; what is behind the last is 0, as is the row of a closed buffer.
    A closed bank opens for the oldest request that is not for the row of a tile. An open one serves
    the oldest request that may go of those for its row; it closes when the oldest is for another,
    and none for the open row waits or ``HITS`` have been served. With two row buffers a row is in
    one at most: the PIM's closes first.

    Members
    -------
    command, shared, window_*, last_column, result, fills, may
        As of ``JointTimers``.
    row : In(row)
        Of the command.
    wanted_row : In(row)
        That the PIM wants.
    tile, tile_row : In(1), In(row)
        A row is kept for PIM.
    may_open, may_close : In(1)
        The time before the next refresh allows it for memory.
    clear_read, clear_write : In(1)
        No result is on the data pins of a read or write.
    enters, entry : In(1), In(Parameters.queued)
        A request comes behind the others at the end of the cycle.
    served : In(1)
        The command is the read or write of the entry that was picked.
    look_row, look_column : In
        A place that is looked for in the queue.
    wants : Out(len(commands))
        The command that memory gives if it is this bank's turn: one bit, or none.
    picked : Out(Parameters.queued)
        For which request.
    there_read, there_write : Out(1)
        The place is in the queue.
    room, has : Out(1)
        The queue takes another request at the end of the cycle; it has one now.
    opened, right : Out(1)
        The memory's buffer has a row, and it is that of ``wanted_row``.
    pim_opened, pim_right : Out(1)
        The same of the PIM's.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        self.timers = JointTimers(p, p.bank_level)
        row = p.place["row"]
        members: dict[str, In | Out] = {
            **{name: In(row) for name in ("row", "wanted_row", "tile_row", "look_row")},
            **{name: In(1) for name in ("tile", "may_open", "may_close", "enters", "served")},
            **{name: In(1) for name in ("clear_read", "clear_write")},
            "entry": In(p.queued),
            "look_column": In(p.place["column"]),
            "wants": Out(len(p.commands)),
            "picked": Out(p.queued),
            **{name: Out(1) for name in ("there_read", "there_write", "room", "has")},
            **{name: Out(1) for name in ("opened", "right", "pim_opened", "pim_right")},
        }
        super().__init__(self.timers.ports | members)
        self.memory_row = Signal(row)
        self.pim_row = Signal(row)
        self.hits = Signal(range(HITS + 1))
        self.count = Signal(range(p.bank_entries + 1))
        self.entries = [Signal(p.queued, name=f"entry_{i}") for i in range(p.bank_entries)]
        self.is_open, self.pim_open = Signal(), Signal()
        self.registers: dict[str, ValueLike] = {"open": self.is_open, "row": self.memory_row}
        if p.dual:
            self.registers |= {"pim_open": self.pim_open, "pim_row": self.pim_row}
        self.registers |= {"hits": self.hits, "count": self.count}
        self.registers |= {f"{i}": entry for i, entry in enumerate(self.entries)}
        self.registers |= self.timers.registers

    def may_give(self, command: int) -> Value:
        """Whether a command may go to this bank now."""
        return Value.cast(self.timers.may[self.timers.own.index(command)])

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        self.timers.connect(m, self)
        m.d.comb += [
            self.opened.eq(self.is_open),
            self.right.eq(self.is_open & (self.memory_row == self.wanted_row)),
        ]
        if p.dual:
            m.d.comb += [
                self.pim_opened.eq(self.pim_open),
                self.pim_right.eq(self.pim_open & (self.pim_row == self.wanted_row)),
            ]
        else:
            m.d.comb += [self.pim_opened.eq(self.opened), self.pim_right.eq(self.right)]
        place = self._choose(m)
        self._rows(m)
        self._queue(m, place)
        return m

    def _rows(self, m: Module) -> None:
        """What commands to this bank do to its rows."""
        p = self.parameters
        here, group = self.shared[p.bank_level], self.shared[p.group_level]
        with m.If(self.command[p.activate] & here):
            m.d.sync += [self.is_open.eq(1), self.memory_row.eq(self.row)]
        with m.If(self.command[p.precharge] & here):
            m.d.sync += [self.is_open.eq(0), self.memory_row.eq(0), self.hits.eq(0)]
        with m.Elif(self.served & (self.hits != HITS)):
            m.d.sync += self.hits.eq(self.hits + 1)
        opens = (self.pim_open, self.pim_row) if p.dual else (self.is_open, self.memory_row)
        with m.If(self.command[p.gact] & group):
            m.d.sync += [opens[0].eq(1), opens[1].eq(self.row)]
        if p.dual:
            with m.If(self.command[p.pimpre] & here):
                m.d.sync += [self.pim_open.eq(0), self.pim_row.eq(0)]

    def _choose(self, m: Module) -> Signal:
        """What memory wants; returns the place of its request, one bit."""
        p = self.parameters
        size = p.bank_entries
        there = [i < self.count for i in range(size)]
        kept = [self.tile & (entry.row == self.tile_row) for entry in self.entries]
        hit = [
            valid & (entry.row == self.memory_row)
            for valid, entry in zip(there, self.entries, strict=True)
        ]
        opens, reads, writes, place = (
            Signal(size, name=name) for name in ("opens", "reads", "writes", "place")
        )
        m.d.comb += [
            opens.eq(lowest(Cat(*(there[i] & ~kept[i] for i in range(size))))),
            reads.eq(lowest(Cat(*(hit[i] & ~self.entries[i].write for i in range(size))))),
            writes.eq(lowest(Cat(*(hit[i] & self.entries[i].write for i in range(size))))),
            self.has.eq(self.count != 0),
        ]
        held = self.pim_open & (self.picked.row == self.pim_row) if p.dual else Value.cast(0)
        closes, read, write = Signal(), Signal(), Signal()
        m.d.comb += self._open_wants(reads, writes, closes, read, write, kept[0])
        with m.If(~self.is_open):
            m.d.comb += place.eq(opens)
            with m.If(opens != 0):
                activates = self.may_open & self.may_give(p.activate)
                m.d.comb += self.wants[p.activate].eq(~held & activates)
                if p.dual:
                    m.d.comb += self.wants[p.pimpre].eq(
                        held & self.may_close & self.may_give(p.pimpre)
                    )
        with m.Elif(closes):
            m.d.comb += [place.eq(1), self.wants[p.precharge].eq(1)]
        with m.Elif(read & (~write | (reads < writes))):
            m.d.comb += [place.eq(reads), self.wants[p.read].eq(1)]
        with m.Elif(write):
            m.d.comb += [place.eq(writes), self.wants[p.write].eq(1)]
        m.d.comb += self.picked.eq(selected(place, self.entries))
        return place

    def _open_wants(
        self, reads: Signal, writes: Signal, closes: Signal, read: Signal, write: Signal,
        first_kept: Value,
    ) -> list[Any]:  # fmt: skip
        """Which commands may go to a bank with an open row."""
        p = self.parameters
        other = self.has & (self.entries[0].row != self.memory_row) & ~first_kept
        wanted = ((reads | writes) == 0) | (self.hits == HITS)
        free = ~(self.tile & (self.memory_row == self.tile_row))
        return [
            closes.eq(other & wanted & self.may_close & self.may_give(p.precharge)),
            read.eq((reads != 0) & free & self.clear_read & self.may_give(p.read)),
            write.eq((writes != 0) & free & self.clear_write & self.may_give(p.write)),
        ]

    def _queue(self, m: Module, place: Signal) -> None:
        """What is served leaves, later ones move up, what enters follows the last."""
        p = self.parameters
        left = Signal.like(self.count)
        m.d.comb += [left.eq(self.count - self.served), self.room.eq(left != p.bank_entries)]
        m.d.sync += self.count.eq(left + self.enters)
        found: dict[int, list[Value]] = {0: [], 1: []}
        for i, entry in enumerate(self.entries):
            same = (i < self.count) & (entry.row == self.look_row)
            same = same & (entry.column == self.look_column)
            found[0].append(same & ~entry.write)
            found[1].append(same & entry.write)
            after = self.entries[i + 1] if i + 1 < p.bank_entries else Signal(p.queued, name="none")
            gone = self.served & place[: i + 1].any()
            moved = Mux(gone, Value.cast(after), Value.cast(entry))
            m.d.sync += entry.eq(Mux(self.enters & (left == i), self.entry, moved))
        m.d.comb += [
            self.there_read.eq(Cat(*found[0]).any()),
            self.there_write.eq(Cat(*found[1]).any()),
        ]
