"""The controller of one channel: requests in, commands out."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from arch.dram.controller import Controller
from arch.dram.device import Device
from rtl.dram.bank import Bank, Timers
from rtl.dram.nodes import Nodes
from rtl.dram.parameters import TAG_BITS, Parameters
from rtl.dram.pick import Pick, selected
from rtl.dram.queue import Queue
from rtl.dram.refresh import Refresh
from rtl.parts import registers_of


class Channel(wiring.Component):
    """Serves the requests of one DRAM channel, one command a cycle at most.

    ``Queue`` holds the requests, ``Bank`` and ``Timers`` say which commands may go, ``Pick`` which
    of them goes, ``Refresh`` when refreshes fall due. All outputs are functions of registers.

    Latency: 1 cycle from a request to its first command. Initiation interval: 1 cycle for
    requests, as long as their list has room.

    Parameters
    ----------
    device : arch.dram.device.Device
    controller : arch.dram.controller.Controller
    tag_bits
        As of ``Parameters``, which lists what raises InputError.

    Members
    -------
    request : In(stream of Parameters.request)
    command : Out(Parameters.command)
        What goes to the device in this cycle. ``command`` is an index in ``Parameters.commands``.
    passed : Out(Parameters.passed)
        A request that came in is served by a write that waits: a read has its data from there, a
        write takes its place.
    finished : Out(Parameters.finished)
        The command is the read or write of this request.
    """

    def __init__(self, device: Device, controller: Controller, *, tag_bits: int = TAG_BITS) -> None:
        self.parameters = p = Parameters(device, controller, tag_bits)
        super().__init__(
            {
                "request": In(stream.Signature(p.request)),
                "command": Out(p.command),
                "passed": Out(p.passed),
                "finished": Out(p.finished),
            }
        )
        self.queue = Queue(p)
        self.pick = Pick(p)
        self.banks = [Bank(p) for _ in range(p.banks)]
        self.nodes = Nodes(p, self.banks, lambda level: Timers(p, level))
        self.refresh = None if p.refresh is None else Refresh(p)
        self.parts = [("queue", self.queue), ("pick", self.pick), *self.nodes.parts]
        if self.refresh is not None:
            self.parts.append(("refresh", self.refresh))
        self.registers: dict[str, ValueLike] = registers_of(self.parts)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        for name, part in self.parts:
            m.submodules[name] = part
        wiring.connect(m, wiring.flipped(self.request), self.queue.request)
        m.d.comb += self.passed.eq(self.queue.passed)
        issued = Signal(len(p.commands))
        refreshes = Signal(len(p.commands))
        first = self._refresh(m, refreshes)
        hits, opened = self._look_up(m)
        self._issue(m, issued, refreshes, first, hits, opened)
        self.nodes.tell(m, issued, self.command)
        for name in ("owners", "reads", "writes", "long", "read_count", "write_count"):
            m.d.comb += getattr(self.pick, name).eq(getattr(self.queue, name))
        return m

    def _look_up(self, m: Module) -> tuple[Signal, Signal]:
        """Which requests find their row open, and which find any."""
        p, queue, pick = self.parameters, self.queue, self.pick
        states = Array(
            Cat(bank.is_open, bank.owned, bank.may[: p.write + 1], bank.opened)
            for bank in self.banks
        )
        hits, opened = Signal(pick.size, name="hits"), Signal(pick.size, name="opened")
        for i in range(pick.size):
            entry = queue.all[i]
            state = Signal(len(states[0]), name=f"state_{i}")
            is_open, owned, may, row = state[0], state[1], state[2:6], state[6:]
            column = Mux(entry.write, may[p.write], may[p.read])
            m.d.comb += [
                state.eq(states[entry.bank]),
                opened[i].eq(is_open),
                hits[i].eq(is_open & (row == entry.row)),
                pick.may[i].eq(
                    Mux(
                        hits[i],
                        column,
                        Mux(is_open, may[p.precharge] & ~owned, may[p.activate]),
                    )
                ),
            ]
        return hits, opened

    def _refresh(self, m: Module, issued: Signal) -> Value:
        """The command that the first refresh gets, if any; returns its first bank."""
        p = self.parameters
        if self.refresh is None or p.refresh is None:
            return Value.cast(0)
        command = p.commands[p.refresh]
        nodes = range(0, p.banks, command.span)
        banks = [self.banks[first : first + command.span] for first in nodes]
        timers = self.nodes.timers(p.refresh)
        closes, refreshes = (timers[0].own.index(i) for i in (p.closing, p.refresh))
        states = Array(
            Cat(
                Cat(*(bank.is_open for bank in group)).any(),
                Cat(*(bank.owned for bank in group)).any(),
                timer.may[closes],
                timer.may[refreshes],
            )
            for group, timer in zip(banks, timers, strict=True)
        )
        is_open, owned, may_close, may_refresh = (Signal(name=f"refresh_{i}") for i in range(4))
        waiting = self.queue.owners | self.queue.reads | self.queue.writes
        m.d.comb += [
            Cat(is_open, owned, may_close, may_refresh).eq(
                states[self.refresh.first // command.span]
            ),
            self.pick.refresh_first.eq(
                (self.refresh.waiting > p.refresh_slack)
                | ((self.refresh.waiting != 0) & (waiting == 0))
            ),
            issued[p.closing].eq(self.pick.refresh & is_open & ~owned & may_close),
            issued[p.refresh].eq(self.pick.refresh & ~is_open & may_refresh),
            self.refresh.issued.eq(issued[p.refresh]),
        ]
        return Value.cast(self.refresh.first)

    def _issue(
        self, m: Module, issued: Signal, refreshes: Signal, first: Value, hits: Signal,
        opened: Signal,
    ) -> None:  # fmt: skip
        """Put the command of who was picked on the bus."""
        p, queue, grant = self.parameters, self.queue, self.pick.grant
        chosen = Signal(p.entry)
        hit, is_open, granted = (grant & hits).any(), (grant & opened).any(), grant.any()
        m.d.comb += [
            chosen.eq(selected(grant, (queue.all[i] for i in range(self.pick.size)))),
            issued.eq(
                refreshes
                | Mux(granted & hit, Mux(chosen.write, 1 << p.write, 1 << p.read), 0)
                | Mux(granted & ~hit, Mux(is_open, 1 << p.precharge, 1 << p.activate), 0)
            ),
            queue.grant.eq(grant),
            queue.activates.eq(granted & ~is_open),
            queue.served.eq(granted & hit),
            self.command.valid.eq(issued.any()),
            self.command.command.eq(selected(issued, range(len(p.commands)))),
            self.command.bank.eq(Mux(refreshes.any(), first, chosen.bank)),
            self.command.row.eq(chosen.row),
            self.command.column.eq(chosen.column),
            self.finished.valid.eq(queue.served),
        ]
        with m.If(queue.served):
            m.d.comb += self.finished.tag.eq(chosen.tag)
        served = queue.served & chosen.activated
        for bank in self.banks:
            m.d.comb += [bank.row.eq(chosen.row), bank.served.eq(served)]
