# amaranth: UnusedElaboratable=no
"""A packet-switched router: queues at its inputs, two allocators, credits for its outputs."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.mesh.packet import PORTS
from rtl.mesh.packet_parameters import PORT_NAMES, Parameters
from rtl.mesh.packet_pick import any_of, only_if
from rtl.mesh.packet_queue import VcQueue
from rtl.mesh.packet_switch import SwitchAllocator
from rtl.mesh.packet_vcs import VcAllocator


class PacketRouter(wiring.Component):
    """Input-queued, virtual channels, credits, x before y.

    All routers of a mesh are alike; at an edge nothing comes through the ports there. Both
    allocators look at registers only. A flit that wins the switch is at its output in that
    cycle, and its credit at its input: registers behind them are ``Delay``s of the mesh.

    Latency: ``routing_cycles`` + 1 from a head that is first in its queue to its win. Initiation
    interval: 1 cycle for flits.

    Members
    -------
    x, y : In
        Its place.
    in_PORT : In(Parameters.moving)
        A flit, into a queue that has room.
    credit_out_PORT : Out(Parameters.credit)
        For what has left that queue.
    out_PORT : Out(Parameters.moving)
        A flit, to a VC with a credit.
    credit_in_PORT : In(Parameters.credit)
        For the queue behind that output.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        members: dict[str, In | Out] = {"x": In(p.x_bits), "y": In(p.y_bits)}
        for name in PORT_NAMES:
            members[f"in_{name}"] = In(p.moving)
            members[f"credit_out_{name}"] = Out(p.credit)
            members[f"out_{name}"] = Out(p.moving)
            members[f"credit_in_{name}"] = In(p.credit)
        super().__init__(members)
        self.vcs = VcAllocator(p)
        self.switch = SwitchAllocator(p)
        self.queues = [VcQueue(p) for _ in range(p.size)]
        self.free = Signal(p.size, init=(1 << p.size) - 1)
        self.credits = [
            Signal(range(p.depth + 1), init=p.depth, name=f"credits_{i}") for i in range(p.size)
        ]
        self.parts: list[tuple[str, Any]] = [("vcs", self.vcs), ("switch", self.switch)]
        self.parts += [(self._name(i), queue) for i, queue in enumerate(self.queues)]
        self.registers: dict[str, ValueLike] = {
            f"{name}.{register}": value
            for name, part in self.parts
            for register, value in part.registers.items()
        }
        self.registers |= {f"credits_{i}": each for i, each in enumerate(self.credits)}
        self.registers["free"] = self.free

    def _name(self, i: int) -> str:
        """Of an input VC."""
        vcs = self.parameters.vcs
        return f"queue_{PORT_NAMES[i // vcs]}_{i % vcs}"

    def _member(self, name: str, port: int) -> Any:
        return getattr(self, f"{name}_{PORT_NAMES[port]}")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, part in self.parts:
            m.submodules[name] = part
        has_credit = Signal(self.parameters.size)
        m.d.comb += has_credit.eq(Cat(*(each != 0 for each in self.credits)))
        for i in range(self.parameters.size):
            self._connect_queue(m, i, has_credit)
        sent = self._send(m)
        self._count_credits(m, sent)
        return m

    def _connect_queue(self, m: Module, i: int, has_credit: Signal) -> None:
        p, queue = self.parameters, self.queues[i]
        port, vc = divmod(i, p.vcs)
        arriving = self._member("in", port)
        m.d.comb += [
            queue.x.eq(self.x),
            queue.y.eq(self.y),
            queue.arrives.eq(arriving.valid & (arriving.vc == vc)),
            queue.flit.eq(arriving.flit),
            queue.given.eq(self.vcs.given[i]),
            queue.given_vc.eq(self.vcs.given_vc[i]),
            queue.leaves.eq(self.switch.wins[i]),
            self.vcs.wanted[i].eq(queue.wanted),
            self.vcs.port[i].eq(queue.port),
            self.switch.port[i].eq(queue.port),
            self.switch.ready[i].eq(
                queue.held
                & queue.is_there
                & has_credit.word_select(queue.port, p.vcs).bit_select(queue.vc, 1)
            ),
        ]

    def _send(self, m: Module) -> Signal:
        """Flits to outputs and credits back; returns the output VCs that are sent to."""
        p, switch = self.parameters, self.switch
        m.d.comb += self.vcs.free.eq(self.free)
        leaving: dict[int, Signal] = {}
        for port in range(PORTS):
            numbers = range(port * p.vcs, (port + 1) * p.vcs)
            leaving[port] = Signal(p.moving, name=f"leaving_{port}")
            credit = self._member("credit_out", port)
            words = []
            for i in numbers:
                queue = self.queues[i]
                word = Cat(1, queue.vc, Value.cast(queue.front))
                words.append(only_if(switch.wins[i], word))
                with m.If(switch.wins[i]):
                    m.d.comb += credit.vc.eq(i - port * p.vcs)
            m.d.comb += [
                leaving[port].eq(any_of(words)),
                credit.valid.eq(switch.wins.word_select(port, p.vcs).any()),
            ]
        sent = Signal(p.size)
        freed = Signal(p.size)
        for out in range(PORTS):
            found = self._member("out", out)
            m.d.comb += found.eq(
                any_of([only_if(switch.to[out][i], leaving[i]) for i in range(PORTS)])
            )
            for vc in range(p.vcs):
                one = found.valid & (found.vc == vc)
                m.d.comb += sent[out * p.vcs + vc].eq(one)
                m.d.comb += freed[out * p.vcs + vc].eq(one & found.flit.tail)
        m.d.sync += self.free.eq(self.free & ~self.vcs.held | freed)
        return sent

    def _count_credits(self, m: Module, sent: Signal) -> None:
        p = self.parameters
        for i, credits in enumerate(self.credits):
            credit = self._member("credit_in", i // p.vcs)
            comes = credit.valid & (credit.vc == i % p.vcs)
            m.d.sync += credits.eq(credits + comes - sent[i])
