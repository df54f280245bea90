"""When refreshes fall due, and what the ranks need before."""

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, ceil_log2

from rtl.dram.pick import lowest, number_of
from rtl.pim.joint.parameters import PENDING_BITS, Parameters


class JointRefresh(wiring.Component):
    """Refreshes of the ranks in turn: first their banks close, in both row buffers.

    What waits while a tile is not over is counted; who sends PIM instructions must end a tile
    before 2^12 refreshes wait.

    Members
    -------
    at_tile : In(1)
    opened, pim_opened, may_precharge, may_close : In(banks)
        Of each bank; ``pim_opened``: in a buffer of its own.
    may_refresh : In(ranks)
    left : Out(range)
        Cycles until the next one falls due, at least 1.
    refreshing : Out(1)
        One is to be given. ``rank`` : Out(banks), the banks that it takes.
    wants : Out(len(commands))
        What is given in this cycle: one bit, or none. ``bank``: of it.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        states = ("opened", "pim_opened", "may_precharge", "may_close")
        super().__init__(
            {
                "at_tile": In(1),
                **{name: In(p.banks) for name in states},
                "may_refresh": In(p.ranks),
                "left": Out(p.slack_bits),
                "refreshing": Out(1),
                "rank": Out(p.banks),
                "wants": Out(len(p.commands)),
                "bank": Out(p.place["bank"]),
            }
        )
        gap = 1 if p.refresh_gap is None else p.refresh_gap
        self.due_in = Signal(bits_for(gap), init=gap)
        self.pending = Signal(PENDING_BITS)
        self.number = Signal(int(ceil_log2(p.ranks)))
        self.registers: dict[str, ValueLike] = {}
        if p.refresh_gap is not None:
            self.registers = {"left": self.due_in, "pending": self.pending}
            if p.ranks > 1:
                self.registers["rank"] = self.number

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        if p.refresh_gap is None:
            return m
        due = self.due_in == 0
        waiting = Signal(PENDING_BITS)
        first = Value.cast(self.number * p.rank_banks)
        m.d.comb += [
            waiting.eq(self.pending + due),
            self.left.eq(Mux(due, p.refresh_gap, self.due_in)),
            self.rank.eq(((1 << p.rank_banks) - 1) << first),
            self.refreshing.eq(
                (waiting != 0) & ~(self.at_tile if p.tile_ends_first else Value.cast(0))
            ),
        ]
        ready, chosen = Signal(p.banks), Signal(p.banks)
        of_pim = self.pim_opened & self.may_close & ~self.opened
        m.d.comb += [
            ready.eq(self.rank & ((self.opened & self.may_precharge) | of_pim)),
            chosen.eq(lowest(ready)),
        ]
        refresh = self.wants[p.refresh]
        with m.If(self.refreshing):
            with m.If((self.rank & (self.opened | self.pim_opened)) != 0):
                m.d.comb += self.bank.eq(number_of(chosen))
                with m.If((chosen & self.opened).any()):
                    m.d.comb += self.wants[p.precharge].eq(1)
                with m.Elif(chosen.any()):
                    m.d.comb += self.wants[p.close].eq(1)
            with m.Else():
                m.d.comb += refresh.eq(self.may_refresh.bit_select(self.number, 1))
                with m.If(refresh):
                    m.d.comb += self.bank.eq(first)
        m.d.sync += [self.due_in.eq(self.left - 1), self.pending.eq(waiting - refresh)]
        if p.ranks > 1:
            with m.If(refresh):
                m.d.sync += self.number.eq(Mux(self.number == p.ranks - 1, 0, self.number + 1))
        return m
