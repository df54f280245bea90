"""A bank: which row it has open for whom, and how long each command to it has to wait."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from rtl.dram.parameters import Parameters
from rtl.dram.timing import Timing, Window


class History(wiring.Component):
    """When a node had its last commands: for each, cycles until it no longer counts.

    Members
    -------
    command : In(1)
        The command that counts goes to some node.
    here : In(1)
        To this one.
    after : Out(range(cycles))
        Combinational: cycles that are left in the next cycle until the oldest of the window no
        longer counts; 0 unless ``command`` and ``here``.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        super().__init__({"command": In(1), "here": In(1), "after": Out(range(window.cycles))})
        self.left = [
            Signal(range(window.cycles), name=f"left_{i}") for i in range(window.depth - 1)
        ]
        self.registers: dict[str, ValueLike] = {f"{i}": left for i, left in enumerate(self.left)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        counted = self.command & self.here
        later = [lower(left) for left in self.left]
        m.d.sync += [left.eq(value) for left, value in zip(self.left, later, strict=True)]
        with m.If(counted):
            m.d.comb += self.after.eq(later[-1])
            m.d.sync += self.left[0].eq(self.window.cycles - 1)
            m.d.sync += [left.eq(value) for left, value in zip(self.left[1:], later, strict=False)]
        return m


class Timers(wiring.Component):
    """Cycles until each command that addresses nodes of one level may go to one of them.

    Counters down to 0 rather than times to compare with a clock: whatever comes between, none
    wraps. A command of the channel raises a counter to what its rules ask for, never lowers it.

    Members
    -------
    command : In(len(commands))
        One bit each: what goes to the device in this cycle.
    shared : In(len(levels))
        Levels of which the command and this node have one in common.
    window_0, window_1 ... : In
        ``after`` of the node's histories.
    may : Out(len(own))
        Whether each of ``own`` may go now; a function of registers.
    """

    def __init__(self, parameters: Timing, level: int) -> None:
        self.parameters = p = parameters
        self.own = [i for i, command in enumerate(p.commands) if command.level == level]
        members: dict[str, In | Out] = {
            "command": In(len(p.commands)),
            "shared": In(len(p.spans)),
        }
        for i, window in enumerate(p.windows):
            members[f"window_{i}"] = In(range(window.cycles))
        super().__init__(members | {"may": Out(len(self.own))} | self._more())
        self.left = {
            following: Signal(bits_for(p.longest_wait(following)), name=p.commands[following].name)
            for following in self.own
            if p.longest_wait(following)
        }
        self.registers: dict[str, ValueLike] = {
            p.commands[following].name: left for following, left in self.left.items()
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        deepest = Signal(len(p.spans))
        """The deepest level that is shared, one bit each."""
        m.d.comb += deepest.eq(self.shared & ~(self.shared >> 1))
        for i, following in enumerate(self.own):
            if following not in self.left:
                m.d.comb += self.may[i].eq(1)
                continue
            left = self.left[following]
            name = p.commands[following].name
            asked = Signal.like(left, name=f"{name}_asked")
            m.d.comb += [self.may[i].eq(left == 0), asked.eq(self._asked(following, deepest))]
            later: ValueLike = lower(left)
            later = Mux(asked > later, asked, later)
            for j, window in enumerate(p.windows):
                waits = dict(window.following)
                if following in waits:
                    value = Mux(self.shared[waits[following]], getattr(self, f"window_{j}"), 0)
                    later = Mux(value > later, value, later)
            m.d.sync += left.eq(later)
        return m

    @property
    def ports(self) -> dict[str, wiring.Member]:
        """Members, for a bank that has its timers inside."""
        members = self.signature.members.items()
        return {name: member for name, member in members if isinstance(name, str)}

    def connect(self, m: Module, bank: Any) -> None:
        """Join them to those of the bank."""
        m.submodules.timers = self
        for name, member in self.ports.items():
            inner, outer = getattr(self, name), getattr(bank, name)
            m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)

    def _more(self) -> dict[str, wiring.Member]:
        """Members that another kind of commands needs."""
        return {}

    def _asked(self, following: int, deepest: Signal) -> Value:
        """Cycles from the next one on that this cycle's command asks for."""
        p = self.parameters
        asked: Value = Value.cast(0)
        for preceding in range(len(p.commands)):
            cycles = p.delays[preceding, following]
            for wait in sorted(set(cycles)):
                if wait > 1:
                    levels = sum(1 << level for level, other in enumerate(cycles) if other == wait)
                    applies = self.command[preceding] & (deepest & levels).any()
                    asked = asked | Mux(applies, wait - 1, 0)
        return asked


class Bank(wiring.Component):
    """A bank is closed, or has a row open; a request that has opened it owns it until it is
    served, and no other request may close it.

    Members
    -------
    command, shared, window_* , may
        As of ``Timers``.
    row : In(row)
        Of the command.
    served : In(1)
        The read or write is that of the owner.
    is_open, opened, owned : Out(1), Out(row), Out(1)
        Registers. A closed bank keeps the row that it had.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        self.timers = Timers(p, p.bank_level)
        row = p.place["row"]
        members: dict[str, In | Out] = {
            "row": In(row),
            "served": In(1),
            "is_open": Out(1),
            "opened": Out(row),
            "owned": Out(1),
        }
        super().__init__(self.timers.ports | members)
        self.registers: dict[str, ValueLike] = {
            "open": self.is_open,
            "row": self.opened,
            "owned": self.owned,
        } | self.timers.registers

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        self.timers.connect(m, self)
        here = self.shared[p.bank_level]
        with m.If(self.command[p.activate] & here):
            m.d.sync += [self.is_open.eq(1), self.opened.eq(self.row), self.owned.eq(1)]
        for closing in {p.precharge, p.closing}:
            with m.If(self.command[closing] & self.shared[p.commands[closing].level]):
                m.d.sync += self.is_open.eq(0)
        with m.If(self.served & here):
            m.d.sync += self.owned.eq(0)
        return m


def lower(left: Signal) -> Value:
    """One less, but not below 0."""
    return Mux(left == 0, 0, left - 1)[: len(left)]
