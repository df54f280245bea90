"""How long commands wait for others, composites among them."""

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.dram.bank import Timers, lower
from rtl.pim.joint.parameters import Parameters


class JointTimers(Timers):
    """As ``rtl.dram.bank.Timers``. A composite that counts is followed as its last column and its
    result are, so many cycles later.

    Members
    -------
    last_column, result : In
        Of a composite in ``command``: cycles to its last column, and to its result.
    fills : In(1)
        The column in ``command`` is the first since the last result.
    """

    def __init__(self, parameters: Parameters, level: int) -> None:
        self.joint = parameters
        super().__init__(parameters, level)

    def _more(self) -> dict[str, wiring.Member]:
        p = self.joint
        return {
            "last_column": In(range((p.count_max - 1) * p.comp_cycles + 1)),
            "result": In(range(p.result_after_max + 1)),
            "fills": In(1),
        }

    def _asked(self, following: int, deepest: Signal) -> Value:
        p = self.joint
        asked = super()._asked(following, deepest)
        composite = self.command[p.comps]
        parts = zip((self.last_column, self.result), p.composite_delay(following), strict=True)
        for later, cycles in parts:
            for wait in sorted(set(cycles) - {0}):
                levels = sum(1 << level for level, other in enumerate(cycles) if other == wait)
                applies = composite & (deepest & levels).any()
                asked = larger(asked, Mux(applies, later + (wait - 1), 0))
        if following == p.readres:
            fills = self.command[p.comp] & self.fills
            asked = larger(asked, Mux(fills, p.fill_cycles - 1, 0))
        if following == p.comps and not p.counted:
            asked = larger(asked, Mux(composite, self.result + (p.comp_cycles - 1), 0))
        return asked


class Pins(wiring.Component):
    """Results of composites on the data pins, the last one's and that of the one before: no read
    or write is near them.

    Members
    -------
    composite : In(1)
        One begins. ``result``: cycles to its result.
    clear_read, clear_write : Out(1)
        A read or write may go now; functions of registers.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "composite": In(1),
                "result": In(range(p.result_after_max + 1)),
                "clear_read": Out(1),
                "clear_write": Out(1),
            }
        )
        longest = range(p.result_after_max + p.clear_after)
        self.left = [Signal(longest, name=name) for name in ("last", "before")]
        """Cycles to a result, and ``clear_after`` more."""
        self.registers: dict[str, ValueLike] = {}
        if p.counted:
            self.registers = {"last": self.left[0], "before": self.left[1]}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        for clear, name in ((self.clear_read, "RD"), (self.clear_write, "WR")):
            before, after = p.clear_of[name]
            near = [
                (left < before + p.clear_after) & (left > p.clear_after - after)
                for left in self.left
            ]
            m.d.comb += clear.eq(~(near[0] | near[1]) if p.counted else 1)
        if p.counted:
            last, before = (lower(left) for left in self.left)
            m.d.sync += [self.left[0].eq(last), self.left[1].eq(before)]
            with m.If(self.composite):
                m.d.sync += [
                    self.left[0].eq(self.result + (p.clear_after - 1)),
                    self.left[1].eq(last),
                ]
        return m


def larger(one: Value, other: Value) -> Value:
    """The larger of two numbers."""
    return Mux(other > one, other, one)
