"""What brings the first PIM instruction closer, and the unit of work that it belongs to."""

from functools import reduce
from operator import add, or_

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from rtl.dram.pick import lowest, number_of
from rtl.pim.joint.parameters import COLUMNS_MIN, OPS, Parameters


class PimSide(wiring.Component):
    """The next command of PIM.

    A GWRITE opens its row for memory. A header wants each group of banks closed for PIM, or with
    its row; columns and results open what is closed first, in groups. Neither GWRITE nor header
    begins unless it would end before the next refresh, as estimated; otherwise PIM waits for that.

    Members
    -------
    first : In(Parameters.instruction)
    may_work : In(1)
        It may give a command in this cycle, if no unit waits for a refresh.
    left : In(range)
        Cycles left before the next refresh falls due.
    refreshed : In(1)
        A refresh is given in this cycle.
    opened, right, pim_opened, pim_right : In(banks)
        Of each bank, as of ``JointBank``.
    may_activate, may_precharge, may_close, may_gwrite, may_gact : In(banks)
        Commands that may go to each; ``may_gact``: to its group.
    may_comp, may_readres, may_comps : In(1)
        Commands that may go.
    result_left : In
        Cycles until READRES may go.
    wants : Out(len(commands))
        One bit, or none. ``bank``: of it.
    works : Out(1)
        It was looked at: a command was wanted, now or later.
    slack, gwriting, gwrite_bank, tile, tile_row : Out
        With what this cycle has changed: cycles left, when the unit at hand is over, before the
        next refresh; a GWRITE is under way; a row is kept for PIM.
    stays : Out(1)
        A tile is open at the end of the cycle.
    at_tile, begun, skips, gwrites : Out(1)
        Registers: a header was given, it is seen to; PIM waits for a refresh; a GWRITE is under
        way (with what has ended).
    gives : In(1)
        It is the turn of ``wants``.
    memory_activates, memory_closes : In(1)
        Memory opens a row, or closes one.
    ends, ends_tile, ends_gwrite, fills : Out(1)
        Of what is given: it was the last command of an instruction, of a tile or GWRITE; the
        first column since the last result.
    done : Out(Parameters.done)
        The instruction that ends.
    result : Out(range)
        Cycles from a composite to its result.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        row, bank, commands = p.place["row"], p.place["bank"], len(p.commands)
        states = ("opened", "right", "pim_opened", "pim_right")
        may = ("activate", "precharge", "close", "gwrite", "gact")
        inputs = ("may_work", "refreshed", "gives", "memory_activates", "memory_closes")
        outputs = ("works", "gwriting", "tile", "at_tile", "stays", "begun", "skips", "gwrites")
        ends = ("ends", "ends_tile", "ends_gwrite", "fills")
        members: dict[str, In | Out] = {
            "first": In(p.instruction),
            "left": In(p.slack_bits),
            **{name: In(p.banks) for name in (*states, *(f"may_{name}" for name in may))},
            **{name: In(1) for name in (*inputs, "may_comp", "may_readres", "may_comps")},
            "result_left": In(bits_for(p.longest_wait(p.readres))),
            "wants": Out(commands),
            "bank": Out(bank),
            "slack": Out(p.slack_bits),
            "gwrite_bank": Out(bank),
            "tile_row": Out(row),
            "result": Out(range(p.result_after_max + 1)),
            "done": Out(p.done),
            **{name: Out(1) for name in (*outputs, *ends)},
        }
        super().__init__(members)
        self.flags = {name: Signal(name=name) for name in ("gwriting", "given", "skip", "kept")}
        self.gwrite_left = Signal(range(p.gwrite_cycles))
        self.last_bank, self.row = Signal(bank), Signal(row)
        self.slack_left = Signal(p.slack_bits)
        self.filling = Signal()
        self.registers: dict[str, ValueLike] = {
            "gwriting": self.flags["gwriting"],
            "gwrite_given": self.flags["given"],
            "gwrite_left": self.gwrite_left,
            "gwrite_bank": self.last_bank,
            "slack": self.slack_left,
            "skip": self.flags["skip"],
            "tile": self.at_tile,
            "begun": self.begun,
            "kept": self.flags["kept"],
            "row": self.row,
            "filling": self.filling,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        is_op = {name: self.first.op == code for code, name in enumerate(OPS)}
        slack = Signal(p.slack_bits)
        """Before this cycle's estimate."""
        over = self.flags["gwriting"] & self.flags["given"] & (self.gwrite_left == 0)
        begins, held = Signal(), Signal()
        estimate = self._estimate(m, is_op["gwrite"])
        is_gwrite = is_op["gwrite"]
        m.d.comb += [
            self.gwrites.eq(self.flags["gwriting"] & ~over),
            self.skips.eq(self.flags["skip"]),
            slack.eq(Mux(over | self.refreshed, 0, self.slack_left)),
            self.works.eq(self.may_work & ~self.skips),
            begins.eq(self.works & ~self.gwrites & (is_gwrite | is_op["header"])),
            held.eq(begins & (estimate == 0)),
            self.slack.eq(Mux(begins, estimate, slack)),
            self.gwriting.eq(self.gwrites | (begins & ~held & is_gwrite)),
            self.gwrite_bank.eq(Mux(begins & ~held & is_gwrite, self.first.bank, self.last_bank)),
            self.tile.eq(self.flags["kept"] | (begins & ~held & is_op["header"])),
            self.tile_row.eq(Mux(begins & ~held & is_op["header"], self.first.row, self.row)),
            self.result.eq(self._result_after()),
        ]
        with m.If(self.works & ~held & ~(self.gwrites & ~is_gwrite)):
            with m.If(is_gwrite):
                self._want_gwrite(m)
            with m.Elif(is_op["header"]):
                self._want_header(m)
            with m.Else():
                self._want_columns(m, is_op)
        self._keep(m, held, begins & ~held & is_op["header"])
        return m

    def _result_after(self) -> Value:
        p = self.parameters
        columns = self.first.count * p.comp_cycles
        return Mux(columns < p.fill_cycles, p.fill_cycles, columns)

    def _estimate(self, m: Module, gwrites: Value) -> Signal:
        """Cycles left when the unit is over; 0 if none."""
        p = self.parameters
        bank = self.first.bank
        opened, right = (bits.bit_select(bank, 1) for bits in (self.opened, self.right))
        row = Mux(opened, p.rtp, 0) + p.rp + p.rcd_rd
        gwrite = p.gwrite_cycles + Mux(right, 0, row)
        groups, wrong = [], []
        for first in range(0, p.banks, p.group_banks):
            banks = slice(first, first + p.group_banks)
            opens = ~self.pim_right[banks].all()
            groups.append(Value.cast(opens))
            others = self.pim_opened[banks] & ~self.pim_right[banks]
            wrong += [opens & other for other in others]
        opens = reduce(add, groups)
        columns = Mux(self.first.count < COLUMNS_MIN, COLUMNS_MIN, self.first.count)
        tile = reduce(add, wrong) * p.rtp + p.faw * ((opens >> 1) - 1) + p.rcd_rd
        tile = tile + p.comp_cycles * columns
        tile = tile + p.results_cycles * (self.first.results - 1)
        left = Signal(p.slack_bits, name="estimate")
        if p.refresh_gap is None:
            m.d.comb += left.eq(1)
            return left
        until: Value = self.left
        if p.lenient:
            until = Mux(self.left == 1, p.refresh_gap, self.left - 1)
        rest = until - Mux(gwrites, gwrite, tile)
        m.d.comb += left.eq(Mux(rest > 0, rest, 0))
        return left

    def _want_gwrite(self, m: Module) -> None:
        p = self.parameters
        bank = self.first.bank
        m.d.comb += self.bank.eq(bank)

        def of(bits: Value) -> Value:
            return bits.bit_select(bank, 1)

        held = of(self.pim_right) if p.dual else Value.cast(0)
        with m.If(~of(self.opened) & held):
            m.d.comb += self.wants[p.close].eq(of(self.may_close))
        with m.Elif(~of(self.opened)):
            m.d.comb += self.wants[p.activate].eq(of(self.may_activate))
        with m.Elif(~of(self.right)):
            m.d.comb += self.wants[p.precharge].eq(of(self.may_precharge))
        with m.Else():
            m.d.comb += self.wants[p.gwrite].eq(of(self.may_gwrite))

    def _want_header(self, m: Module) -> None:
        p = self.parameters
        closes, frees = Signal(p.banks), Signal(p.banks)
        for bank in range(p.banks):
            first = bank - bank % p.group_banks
            wrong = ~self.pim_right[bank]
            if p.whole_groups:
                wrong = ~self.pim_right[first : first + p.group_banks].all()
            m.d.comb += closes[bank].eq(self.pim_opened[bank] & wrong)
            if p.dual:
                m.d.comb += frees[bank].eq(~self.pim_opened[bank] & self.right[bank])
        ready = Signal(p.banks)
        chosen = Signal(p.banks)
        m.d.comb += [
            ready.eq((closes & self.may_close) | (frees & self.may_precharge)),
            chosen.eq(lowest(ready)),
        ]
        with m.If((closes | frees) == 0):
            m.d.comb += self.wants[p.header].eq(1)
        with m.Else():
            m.d.comb += self.bank.eq(number_of(chosen))
            with m.If((chosen & frees).any()):
                m.d.comb += self.wants[p.precharge].eq(1)
            with m.Elif((chosen & closes).any()):
                m.d.comb += self.wants[p.close].eq(1)

    def _want_columns(self, m: Module, is_op: dict[str, Value]) -> None:
        p = self.parameters
        chosen = Signal(p.banks)
        m.d.comb += chosen.eq(lowest(~self.pim_opened & self.may_gact))
        composite: Value = self.may_comps
        if p.counted:
            composite = self.may_comp & (self.result_left <= self.result)
        with m.If(~self.pim_opened.all()):
            m.d.comb += [self.bank.eq(number_of(chosen)), self.wants[p.gact].eq(chosen.any())]
        with m.Elif(is_op["comp"]):
            m.d.comb += self.wants[p.comp].eq(self.may_comp)
        with m.Elif(is_op["readres"]):
            m.d.comb += self.wants[p.readres].eq(self.may_readres)
        with m.Else():
            m.d.comb += self.wants[p.comps].eq(composite)

    def _keep(self, m: Module, held: Value, begins_tile: Value) -> None:
        """Registers at the end of the cycle."""
        p = self.parameters
        given = {name: self.gives & self.wants[getattr(p, name)] for name in OPS}
        spent = Mux(self.memory_activates, p.rcd_wr, Mux(self.memory_closes, p.rp, 0))
        left = Mux(self.slack > spent, self.slack - spent, 0)
        if p.refresh_gap is None:
            left = self.slack
        m.d.comb += [
            self.ends.eq(reduce(or_, given.values())),
            self.ends_tile.eq((given["readres"] | given["comps"]) & self.first.last),
            self.ends_gwrite.eq(given["gwrite"]),
            self.fills.eq(~self.filling),
            self.stays.eq((self.at_tile | given["header"]) & ~self.ends_tile),
        ]
        later = {
            "gwrite": Value.cast(p.gwrite_cycles),
            "readres": Value.cast(p.answer_cycles),
            "comps": (self.result if p.counted else Value.cast(0)) + p.answer_cycles,
        }
        cycles = [Mux(given[name], value, 0) for name, value in later.items()]
        m.d.comb += [
            self.done.valid.eq(self.ends),
            self.done.tag.eq(Mux(self.ends, self.first.tag, 0)),
            self.done.cycles.eq(reduce(or_, cycles)),
        ]
        released = self.ends_tile & p.release_rows
        pending = self.gwrites & self.flags["given"]
        m.d.sync += [
            self.flags["gwriting"].eq(self.gwriting),
            self.flags["given"].eq(given["gwrite"] | pending),
            self.gwrite_left.eq(
                Mux(given["gwrite"], p.gwrite_cycles - 1, Mux(pending, self.gwrite_left - 1, 0))
            ),
            self.last_bank.eq(self.gwrite_bank),
            self.slack_left.eq(Mux(released, 0, left)),
            self.flags["skip"].eq((self.skips | held) & ~self.refreshed),
            self.at_tile.eq(self.stays),
            self.begun.eq((self.begun | begins_tile) & ~self.ends_tile),
            self.flags["kept"].eq(self.tile & ~self.refreshed & ~released),
            self.row.eq(Mux(self.refreshed | released, 0, self.tile_row)),
            self.filling.eq((self.filling | given["comp"]) & ~(given["readres"] | given["comps"])),
        ]
