"""When refreshes fall due, and of which banks."""

from amaranth.hdl import Module, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from rtl.dram.parameters import Parameters


class Refresh(wiring.Component):
    """Refreshes that are due, in order: of each node, or of one bank of each in turn.

    Only with a policy that refreshes. That no more wait than can be counted is up to
    ``Parameters``, which wants their interval long enough.

    Members
    -------
    issued : In(1)
        The refresh that is first is issued.
    waiting : Out(range)
        Combinational: how many wait, with those that fall due in this cycle.
    first : Out(range(banks))
        The first bank of what is to be refreshed next; a function of registers.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        assert p.refresh is not None
        self.span = p.commands[p.refresh].span
        self.nodes = p.banks // (p.refresh_turns * self.span)
        most = 2 * p.banks + p.refresh_slack
        super().__init__(
            {"issued": In(1), "waiting": Out(bits_for(most)), "first": Out(range(p.banks))}
        )
        self.left = Signal(
            range(p.refresh_interval_cycles), init=p.refresh_interval_cycles - 1, name="left"
        )
        self.pending = Signal(bits_for(most))
        self.node = Signal(range(self.nodes))
        self.turn = Signal(range(p.refresh_turns))
        self.registers: dict[str, ValueLike] = {"left": self.left, "pending": self.pending}
        if self.nodes > 1:
            self.registers["node"] = self.node
        if p.refresh_turns > 1:
            self.registers["turn"] = self.turn

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        due = self.left == 0
        m.d.comb += [
            self.waiting.eq(self.pending + due * self.nodes),
            self.first.eq((self.node * p.refresh_turns + self.turn) * self.span),
        ]
        m.d.sync += [
            self.left.eq(self.left - 1),
            self.pending.eq(self.waiting - self.issued),
        ]
        with m.If(due):
            m.d.sync += self.left.eq(p.refresh_interval_cycles - 1)
        with m.If(self.issued):
            self._step(m)
        return m

    def _step(self, m: Module) -> None:
        """Go on to the next node, after the last one to the next turn."""
        last = self.node == self.nodes - 1
        if self.nodes > 1:
            m.d.sync += self.node.eq(self.node + 1)
        with m.If(last):
            if self.nodes > 1:
                m.d.sync += self.node.eq(0)
            if self.parameters.refresh_turns > 1:
                m.d.sync += self.turn.eq(self.turn + 1)
                with m.If(self.turn == self.parameters.refresh_turns - 1):
                    m.d.sync += self.turn.eq(0)
