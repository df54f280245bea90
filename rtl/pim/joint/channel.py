"""The controller of one channel: requests and PIM instructions in, commands out."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from arch.pim.joint import JointChannels
from rtl.dram.nodes import Nodes
from rtl.dram.pick import selected
from rtl.parts import registers_of
from rtl.pim.joint.arbiter import Arbiter
from rtl.pim.joint.bank import JointBank
from rtl.pim.joint.instructions import Instructions
from rtl.pim.joint.parameters import SLACK_MIN, TAG_BITS, Parameters
from rtl.pim.joint.pim_side import PimSide
from rtl.pim.joint.refresh import JointRefresh
from rtl.pim.joint.requests import Requests
from rtl.pim.joint.timers import JointTimers, Pins


class JointChannel(wiring.Component):
    """Gives the commands of memory and PIM in one channel, one a cycle at most.

    ``Requests`` and ``Instructions`` hold what waits, ``JointBank`` says what memory wants of each
    bank, ``PimSide`` what PIM wants, ``JointRefresh`` what a refresh needs, ``Arbiter`` who goes.
    All outputs are functions of registers.

    Latency: 1 cycle from an instruction to the cycle in which it is looked at; another until it, or
    a request, is in the queue of commands. Initiation interval: 1 cycle each, while there is room.

    Parameters
    ----------
    pim : arch.pim.joint.JointChannels
    tag_bits
        As of ``Parameters``, which raises InputError for what is not built.

    Members
    -------
    request : In(stream of Parameters.request)
    pim : In(stream of Parameters.instruction)
    command : Out(Parameters.command)
        What goes to the device in this cycle. ``command`` is an index in ``Parameters.commands``.
    passed : Out(Parameters.passed)
        A request that came in is served by a write that waits.
    finished : Out(Parameters.finished)
        The command is the read of this request.
    done : Out(Parameters.done)
        The command is the last of this PIM instruction.
    """

    def __init__(self, pim: JointChannels, *, tag_bits: int = TAG_BITS) -> None:
        self.parameters = p = Parameters(pim, tag_bits)
        super().__init__(
            {
                "request": In(stream.Signature(p.request)),
                "pim": In(stream.Signature(p.instruction)),
                "command": Out(p.command),
                "passed": Out(p.passed),
                "finished": Out(p.finished),
                "done": Out(p.done),
            }
        )
        self.requests, self.instructions = Requests(p), Instructions(p)
        self.arbiter, self.pim_side, self.pins = Arbiter(p), PimSide(p), Pins(p)
        self.refresh = JointRefresh(p)
        self.banks = [JointBank(p) for _ in range(p.banks)]
        self.nodes = Nodes(p, self.banks, lambda level: JointTimers(p, level))
        self.parts: list[tuple[str, Any]] = [
            ("requests", self.requests),
            ("instructions", self.instructions),
            ("arbiter", self.arbiter),
            ("pim", self.pim_side),
            ("pins", self.pins),
            ("refresh", self.refresh),
            *self.nodes.parts,
        ]
        self.registers: dict[str, ValueLike] = registers_of(self.parts)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        for name, part in self.parts:
            m.submodules[name] = part
        wiring.connect(m, wiring.flipped(self.request), self.requests.request)
        wiring.connect(m, wiring.flipped(self.pim), self.instructions.pim)
        issued = Signal(len(p.commands))
        self._queues(m)
        self._refreshes(m)
        self._pim(m)
        self._memory(m)
        self._arbitrate(m)
        self._issue(m, issued)
        self._tell_banks(m, issued)
        return m

    def _may(self, command: int, node: int) -> Value:
        """Whether a command may go to a node of the level that waits for it."""
        timers = self.nodes.timers(command)[node]
        return Value.cast(timers.may[timers.own.index(command)])

    def _of_banks(self, name: str) -> Value:
        return Cat(*(getattr(bank, name) for bank in self.banks))

    def _queues(self, m: Module) -> None:
        """What is taken and what moves."""
        p, requests, own, arbiter = self.parameters, self.requests, self.instructions, self.arbiter
        memory = (own.left == 0) | arbiter.memory_owns if p.blocked else Value.cast(1)
        m.d.comb += [
            self.passed.eq(requests.passed),
            requests.there_read.eq(Cat(*self._found("there_read")).any()),
            requests.there_write.eq(Cat(*self._found("there_write")).any()),
            requests.pim_waiting.eq(own.waiting),
            requests.room.eq(self._of_banks("room")),
            requests.none_queued.eq(arbiter.queued == arbiter.column),
            requests.may_move.eq(memory & ~own.moves),
            own.reads.eq(requests.reads),
            own.moved_reads.eq(requests.moved_reads),
            own.none_of_kind.eq(Mux(requests.begun, requests.writes == 0, requests.reads == 0)),
            own.drains.eq(requests.begun),
            own.memory.eq(memory),
            own.at_tile.eq(self.pim_side.at_tile),
            own.tile_stays.eq(self.pim_side.stays),
            own.ends.eq(self.pim_side.ends),
        ]
        for i, bank in enumerate(self.banks):
            m.d.comb += [
                bank.look_row.eq(requests.place.row),
                bank.look_column.eq(requests.place.column),
                bank.enters.eq(requests.moved & (requests.bank == i)),
                bank.entry.eq(requests.entry),
            ]

    def _found(self, name: str) -> list[Value]:
        """Banks of the request that comes in whose queue has its place."""
        place = self.requests.place
        return [getattr(bank, name) & (place.bank == i) for i, bank in enumerate(self.banks)]

    def _refreshes(self, m: Module) -> None:
        p, refresh = self.parameters, self.refresh
        m.d.comb += [
            refresh.at_tile.eq(self.pim_side.at_tile),
            refresh.opened.eq(self._of_banks("opened")),
            refresh.pim_opened.eq(self._of_banks("pim_opened") if p.dual else 0),
            refresh.may_precharge.eq(self._bank_may(p.precharge)),
            refresh.may_close.eq(self._bank_may(p.close)),
            refresh.may_refresh.eq(Cat(*(self._may(p.refresh, i) for i in range(p.ranks)))),
        ]

    def _bank_may(self, command: int) -> Value:
        """Banks that a command may go to, or whose node it may go to."""
        p = self.parameters
        span = p.commands[command].span
        return Cat(*(self._may(command, bank // span) for bank in range(p.banks)))

    def _pim(self, m: Module) -> None:
        p, pim, own = self.parameters, self.pim_side, self.instructions
        idle = self.refresh.refreshing | self.refresh.wants.any()
        m.d.comb += [
            pim.first.eq(own.first),
            pim.may_work.eq(self.arbiter.pim_may & (own.queued != 0) & ~idle),
            pim.left.eq(self.refresh.left),
            pim.refreshed.eq(self.refresh.wants[p.refresh]),
            *(
                getattr(pim, name).eq(self._of_banks(name))
                for name in ("opened", "right", "pim_opened", "pim_right")
            ),
            *(
                getattr(pim, f"may_{name}").eq(self._bank_may(getattr(p, name)))
                for name in ("activate", "precharge", "close", "gwrite", "gact")
            ),
            *(
                getattr(pim, f"may_{name}").eq(self._may(getattr(p, name), 0))
                for name in ("comp", "readres", "comps")
            ),
            pim.result_left.eq(self.nodes.timers(p.readres)[0].left.get(p.readres, 0)),
            pim.gives.eq(self.arbiter.pim),
        ]
        for bank in self.banks:
            m.d.comb += bank.wanted_row.eq(own.first.row)

    def _memory(self, m: Module) -> None:
        """How far memory may go in each bank."""
        p, pim = self.parameters, self.pim_side
        may_open, may_close = Signal(), Signal()
        checked = (pim.slack != 0) & (self.instructions.queued != 0)
        if not p.slack_checked or p.refresh_gap is None:
            checked = Value.cast(0)
        m.d.comb += [
            may_open.eq(~checked | (pim.slack > p.rcd_wr)),
            may_close.eq(~checked | (pim.slack > p.rp + p.rcd_wr)),
        ]
        for bank in self.banks:
            m.d.comb += [
                bank.tile.eq(pim.tile),
                bank.tile_row.eq(pim.tile_row),
                bank.may_open.eq(may_open),
                bank.may_close.eq(may_close),
                bank.clear_read.eq(self.pins.clear_read),
                bank.clear_write.eq(self.pins.clear_write),
            ]

    def _arbitrate(self, m: Module) -> None:
        p, arbiter, pim = self.parameters, self.arbiter, self.pim_side
        requests, own = self.requests, self.instructions
        none = (requests.counts[0] == 0) & (requests.counts[1] == 0) & (arbiter.queued == 0)
        short = pim.slack == 0 if p.refresh_gap is None else pim.slack < SLACK_MIN
        free = ~Mux(self.refresh.refreshing, self.refresh.rank, 0)
        free = free & ~Mux(pim.gwriting, 1 << pim.gwrite_bank, 0)
        wants = Cat(*(bank.wants.any() for bank in self.banks))
        m.d.comb += [
            arbiter.idle.eq(self.refresh.wants.any()),
            arbiter.first_request.eq(requests.taken & none),
            arbiter.first_pim.eq(own.taken & (own.waiting == 0) & (own.queued == 0)),
            arbiter.reads.eq(requests.reads),
            arbiter.writes.eq(requests.writes),
            arbiter.drains.eq(requests.drains),
            arbiter.pim_any.eq(own.any),
            arbiter.enters.eq(requests.moved),
            arbiter.skips.eq(pim.skips),
            arbiter.unit.eq(pim.at_tile | pim.begun),
            arbiter.gwriting.eq(pim.gwrites),
            arbiter.works.eq(pim.works),
            arbiter.ready.eq(pim.wants.any()),
            arbiter.short.eq(short),
            arbiter.banks.eq(wants & free),
            arbiter.ends_unit.eq(pim.ends_tile | pim.ends_gwrite),
        ]

    def _issue(self, m: Module, issued: Signal) -> None:
        """Put the command of whose turn it is on the bus."""
        p, arbiter, pim, refresh = self.parameters, self.arbiter, self.pim_side, self.refresh
        chosen = Cat(*(arbiter.memory & bit for bit in arbiter.chosen))
        of_memory, picked = Signal(len(p.commands)), Signal(p.queued)
        first, out = self.instructions.first, self.command
        column = of_memory[p.read] | of_memory[p.write]
        spends = self.instructions.queued != 0
        m.d.comb += [
            of_memory.eq(selected(chosen, (bank.wants for bank in self.banks))),
            picked.eq(selected(chosen, (bank.picked for bank in self.banks))),
            issued.eq(refresh.wants | of_memory | Mux(arbiter.pim, pim.wants, 0)),
            arbiter.column.eq(column),
            pim.memory_activates.eq(of_memory[p.activate] & spends),
            pim.memory_closes.eq((of_memory[p.precharge] | of_memory[p.pimpre]) & spends),
            out.valid.eq(issued.any()),
            out.command.eq(selected(issued, range(len(p.commands)))),
            self.finished.valid.eq(of_memory[p.read]),
            self.done.eq(pim.done),
            self.pins.composite.eq(issued[p.comps]),
            self.pins.result.eq(pim.result),
        ]
        with m.If(refresh.wants.any()):
            m.d.comb += out.bank.eq(refresh.bank)
        with m.Elif(arbiter.pim):
            m.d.comb += [out.bank.eq(pim.bank), out.row.eq(first.row)]
            with m.If(pim.wants[p.comps]):
                m.d.comb += out.column.eq(first.count)
        with m.Elif(arbiter.memory):
            bank = selected(chosen, range(p.banks))
            m.d.comb += [out.bank.eq(bank), out.row.eq(picked.row), out.column.eq(picked.column)]
        with m.If(self.finished.valid):
            m.d.comb += self.finished.tag.eq(picked.tag)
        for i, bank in enumerate(self.banks):
            m.d.comb += [bank.row.eq(out.row), bank.served.eq(chosen[i] & column)]

    def _tell_banks(self, m: Module, issued: Signal) -> None:
        """Tell the banks and wider nodes what has been issued."""
        p, columns = self.parameters, self.instructions.first.count
        for part in self.nodes.tell(m, issued, self.command):
            m.d.comb += [
                part.last_column.eq((columns - 1) * p.comp_cycles),
                part.result.eq(self.pim_side.result),
                part.fills.eq(self.pim_side.fills),
            ]
