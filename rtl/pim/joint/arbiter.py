"""Which side gives its command: memory or PIM."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.dram.pick import lowest, number_of
from rtl.pim.joint.parameters import IDLE_DRAIN, Parameters


class Arbiter(wiring.Component):
    """Banks in turn for memory, and memory and PIM by the channel's policy.

    Concurrent: where both sides could give a command, one goes first, and the other once it has
    given none for ``fairness_cycles``; or they alternate. Blocked: PIM has the channel while memory
    has nothing or a tile is begun; with a bound, turns of which one side's lasts as long as it has
    work, the other's for one unit, or for as many requests as waited when it began.

    Members
    -------
    idle : In(1)
        Nothing is given but by a refresh.
    first_request, first_pim : In(1)
        One is taken, and there was none.
    reads, writes, drains : In
        As of ``Requests``. ``pim_any``: as of ``Instructions``.
    enters : In(1)
        A request enters the queue of its bank.
    queued : Out(range)
        A register: commands in the queues of all banks.
    skips, unit, gwriting : In(1)
        PIM waits for a refresh; a tile is begun; a GWRITE is under way.
    pim_may, memory_owns : Out(1)
        It is PIM's turn, if it has work; blocked: it is memory's.
    works, ready, short : In(1)
        Of ``PimSide``: it wants something, now; little time is left before a refresh.
    banks : In(banks)
        Banks in which memory's command may go.
    ends_unit, column : In(1)
        What is given ends a unit, or is a read or write.
    pim, memory : Out(1)
        Who gives. ``chosen`` : Out(banks), for memory.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        before = ("idle", "first_request", "first_pim", "drains", "pim_any", "enters")
        pim = ("skips", "unit", "gwriting", "works", "ready", "short", "ends_unit", "column")
        super().__init__(
            {
                **{name: In(1) for name in (*before, *pim)},
                "reads": In(range(p.read_entries + 1)),
                "writes": In(range(p.write_entries + 1)),
                "banks": In(p.banks),
                "queued": Out(range(p.entries + 1)),
                **{name: Out(1) for name in ("pim_may", "memory_owns", "pim", "memory")},
                "chosen": Out(p.banks),
            }
        )
        self.turn = Signal(range(p.banks))
        self.side = Signal()
        limit = p.fairness_cycles or 1
        self.since = Signal(range(limit + 1))
        self.owner_memory = Signal()
        self.grant = Signal(range(p.read_entries + p.write_entries + p.entries + 1))
        self.registers: dict[str, ValueLike] = {"turn": self.turn, "queued": self.queued}
        if p.blocked and p.turns:
            self.registers |= {"memory_owns": self.owner_memory, "since": self.since}
            self.registers["grant"] = self.grant
        elif not p.blocked and p.priority == "alternating":
            self.registers["side"] = self.side
        elif not p.blocked and p.fairness_cycles is not None:
            self.registers["since"] = self.since

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        self._next_bank(m)
        m.d.sync += self.queued.eq(self.queued + self.enters - self.column)
        memory = Signal()
        """Memory may give, whatever PIM could."""
        if p.blocked:
            mine = ~self.skips & ((self.queued == 0) | self.unit)
            if p.turns:
                self._take_turns(m)
                mine = mine & ~(self.memory_owns & ~self.unit)
            m.d.comb += [self.pim_may.eq(mine), memory.eq(~mine)]
        else:
            m.d.comb += [self.pim_may.eq(1), memory.eq(1)]
        waits = self.works & ~self.ready & self.short if p.slack_checked else Value.cast(0)
        first = Value.cast(0) if p.blocked else self._memory_first(m)
        m.d.comb += [
            self.memory.eq(
                memory & ~self.idle & ~waits & ~(self.ready & ~first) & self.banks.any()
            ),
            self.pim.eq(self.ready & ~self.memory),
        ]
        return m

    def _next_bank(self, m: Module) -> None:
        """The first bank after that of the last command."""
        p = self.parameters
        later = Cat(*(bank > self.turn for bank in range(p.banks))) & self.banks
        m.d.comb += self.chosen.eq(lowest(Mux(later != 0, later, self.banks)))
        with m.If(self.memory):
            m.d.sync += self.turn.eq(number_of(self.chosen))

    def _memory_first(self, m: Module) -> Value:
        """Whether memory goes first where both could go."""
        p = self.parameters
        if p.priority == "alternating":
            with m.If(self.memory | self.pim):
                m.d.sync += self.side.eq(self.pim)
            return Value.cast(self.side)
        pim_first = p.priority == "pim_first"
        if p.fairness_cycles is None:
            return Value.cast(0 if pim_first else 1)
        # Of the side that does not go first.
        comes, gives = (
            (self.first_request, self.memory) if pim_first else (self.first_pim, self.pim)
        )
        waited = Signal.like(self.since)
        m.d.comb += waited.eq(Mux(comes, 0, self.since))
        m.d.sync += self.since.eq(self._later(Mux(gives, 0, waited)))
        long = waited == p.fairness_cycles
        return long if pim_first else ~long

    def _later(self, cycles: Value) -> Value:
        """One more, up to the limit."""
        limit = self.parameters.fairness_cycles
        return Mux(cycles == limit, cycles, cycles + 1)

    def _take_turns(self, m: Module) -> None:
        p = self.parameters
        counts = (self.writes > IDLE_DRAIN) | self.drains
        waiting = Signal.like(self.grant)
        begins, ends, long = Signal(), Signal(), self.since == p.fairness_cycles
        over = long if p.priority == "memory_first" else self.grant == 0
        waited = long if p.priority == "pim_first" else Value.cast(1)
        free = ~self.unit & ~self.gwriting & (self.grant == 0)
        since = Signal.like(self.since)
        grant = Signal.like(self.grant)
        m.d.comb += [
            waiting.eq(self.reads + self.queued + Mux(counts, self.writes, 0)),
            begins.eq(~self.owner_memory & (waiting != 0) & self.pim_any & free & waited),
            ends.eq(self.owner_memory & ((waiting == 0) | (self.pim_any & over))),
            self.memory_owns.eq((self.owner_memory | begins) & ~ends),
            since.eq(Mux(begins | ends, 0, self.since)),
            grant.eq(Mux(begins, waiting, Mux(ends, 1, self.grant))),
        ]
        m.d.sync += [
            self.owner_memory.eq(self.memory_owns),
            self.since.eq(self._later(since)),
            self.grant.eq(Mux(grant == 0, 0, grant - (self.column | self.ends_unit))),
        ]
