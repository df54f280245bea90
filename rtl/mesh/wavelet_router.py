# amaranth: UnusedElaboratable=no
"""A wavelet router: a queue and switched routes for each colour, multicast, one arbiter."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from arch.mesh.program import PORT_NAMES, RAMP, Control
from rtl.mesh.packet_pick import any_of, only_if
from rtl.mesh.wavelet_arbiter import ColourArbiter
from rtl.mesh.wavelet_parameters import (
    CONTROL_BITS,
    CONTROLS_BITS,
    LINKS,
    PORTS,
    Parameters,
)
from rtl.mesh.wavelet_queue import WaveletQueue


class WaveletRouter(wiring.Component):
    """Routes are static for each colour and position; docs/wavelet.md has the rules of a cycle.

    All routers of a mesh are alike; at an edge nothing comes through a link, and nothing is
    accepted there. What it accepts is a function of registers and routes; a wavelet that moves is
    at its ports out in that cycle.

    Latency: 1 cycle from a link to another, and those of the link. Initiation interval: 1 cycle
    for a port.

    Members
    -------
    ways : In(ArrayLayout(Parameters.ways, colours))
        Routes; they are to be the same from reset to reset.
    sent_LINK : In(Parameters.colour)
        A wavelet leaves the router behind the link towards this one.
    in_LINK : In(Parameters.moving)
        It is there.
    accepts_LINK : Out(colours)
        Colours that this router takes by the link.
    out_LINK : Out(Parameters.moving)
    accepted_LINK : In(colours)
        Colours that the router behind the link takes.
    up_there, up_front, up_leaves : In(colours), In(ArrayLayout(wavelet, colours)), Out(colours)
        Queues from the PE.
    down : Out(Parameters.falling)
        A wavelet to the PE.
    down_accepted : In(colours)
    switched : In(ArrayLayout(Parameters.switched, colours))
        Positions that the PE sets.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        of_links: dict[str, In | Out] = {
            "sent": In(p.colour), "in": In(p.moving), "accepts": Out(p.colours),
            "out": Out(p.moving), "accepted": In(p.colours),
        }  # fmt: skip
        members: dict[str, In | Out] = {
            f"{name}_{PORT_NAMES[port]}": member
            for port in range(LINKS)
            for name, member in of_links.items()
        }
        members |= {
            "ways": In(data.ArrayLayout(p.ways, p.colours)),
            "up_there": In(p.colours), "up_leaves": Out(p.colours),
            "up_front": In(data.ArrayLayout(p.wavelet, p.colours)),
            "down": Out(p.falling), "down_accepted": In(p.colours),
            "switched": In(data.ArrayLayout(p.switched, p.colours)),
        }  # fmt: skip
        super().__init__(members)
        colours = range(p.colours)
        self.queues = [WaveletQueue(p.wavelet, p.depth, p.hop_stages) for _ in colours]
        self.sides = [Signal(range(LINKS), name=f"side_{k}") for k in colours]
        # Position xor first one: what resets to 0 is then the first one, which is an input.
        self.turns = [Signal(range(p.positions), name=f"turn_{k}") for k in colours]
        self.arbiter = ColourArbiter(p)
        self.registers: dict[str, ValueLike] = {
            f"queue_{k}.{name}": each
            for k, queue in enumerate(self.queues)
            for name, each in queue.registers.items()
        }
        self.registers |= {each.name: each for each in (*self.sides, *self.turns)}
        self.registers |= self.arbiter.registers

    def _link(self, name: str, port: int) -> Any:
        return getattr(self, f"{name}_{PORT_NAMES[port]}")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        m.submodules.arbiter = self.arbiter
        fronts: list[Any] = []
        for k in range(p.colours):
            m.submodules[f"queue_{k}"] = self.queues[k]
            position = Signal(range(p.positions), name=f"position_{k}")
            way: Any = Signal(p.way, name=f"way_{k}")
            m.d.comb += [
                position.eq(self.turns[k] ^ self.ways[k].first),
                way.eq(self.ways[k].position[position]),
            ]
            front = self._choose(m, k, way)
            fronts.append(front)
            self._receive(m, k, way)
            self._switch(m, k, position, front)
        self._send(m, fronts)
        return m

    def _receive(self, m: Module, k: int, way: Any) -> None:
        """The queue of a colour, and by which links it takes wavelets."""
        queue, side = self.queues[k], self.sides[k]
        sent, lands, words = [], [], []
        for port in range(LINKS):
            coming, landing = self._link("sent", port), self._link("in", port)
            sent.append(coming.valid & (coming.number == k))
            lands.append(landing.colour.valid & (landing.colour.number == k))
            words.append(only_if(lands[-1], landing.wavelet))
            m.d.comb += self._link("accepts", port)[k].eq(
                (way.source == port) & ~queue.is_full & (queue.is_empty | (side == port))
            )
            with m.If(sent[-1]):
                m.d.sync += side.eq(port)
        m.d.comb += [
            queue.sent.eq(any_of(sent)),
            queue.lands.eq(any_of(lands)),
            queue.wavelet.eq(any_of(words)),
        ]

    def _choose(self, m: Module, k: int, way: Any) -> Any:
        """Whether a colour can move, and where to; returns the wavelet in front of its source."""
        queue = self.queues[k]
        front: Any = Signal(self.parameters.wavelet, name=f"front_{k}")
        to = Signal(PORTS, name=f"to_{k}")
        accepted = Signal(PORTS, name=f"accepted_{k}")
        from_ramp = way.source == RAMP
        there = Mux(from_ramp, self.up_there[k], queue.is_there & (way.source == self.sides[k]))
        grant = self.arbiter.grants[k]
        m.d.comb += [
            front.eq(Mux(from_ramp, self.up_front[k], queue.front)),
            to.eq(Cat(way.to[:RAMP], way.to[RAMP] & ~front.control)),
            accepted.eq(
                Cat(*(self._link("accepted", port)[k] for port in range(LINKS)),
                    self.down_accepted[k])
            ),
            self.arbiter.ready[k].eq(there & ~(to & ~accepted).any()),
            self.arbiter.to[k].eq(to),
            self.up_leaves[k].eq(grant & from_ramp),
            queue.leaves.eq(grant & ~from_ramp),
        ]  # fmt: skip
        return front

    def _switch(self, m: Module, k: int, position: Signal, front: Any) -> None:
        """The position of a colour: what the PE sets goes before what a control wavelet tells."""
        ways, switched, turn = self.ways[k], self.switched[k], self.turns[k]
        told = self.arbiter.grants[k] & front.control
        control = front.word[:CONTROL_BITS]
        with m.If(switched.valid):
            m.d.sync += turn.eq(switched.position ^ ways.first)
        with m.Elif(told & (control == Control.ADVANCE) & (position != ways.last)):
            m.d.sync += turn.eq((position + 1) ^ ways.first)
        with m.Elif(told & (control == Control.RESET)):
            m.d.sync += turn.eq(0)

    def _send(self, m: Module, fronts: list[Any]) -> None:
        """What moves, to the ports out; a control wavelet without its lowest control."""
        words: list[list[Value]] = [[] for _ in range(PORTS)]
        for k, front in enumerate(fronts):
            word = Signal.like(front.word, name=f"word_{k}")
            rest = front.word[CONTROL_BITS:CONTROLS_BITS]
            m.d.comb += word.eq(Mux(front.control, rest, front.word))
            number = Const(k, range(self.parameters.colours))
            for port in range(PORTS):
                goes = self.arbiter.grants[k] & self.arbiter.to[k][port]
                parts: list[Value] = [goes, number, word]
                if port < LINKS:
                    parts.append(front.control)
                words[port].append(only_if(goes, Cat(*parts)))
        for port in range(PORTS):
            out = self.down if port == RAMP else self._link("out", port)
            m.d.comb += out.eq(any_of(words[port]))
