"""Who gets an output VC: VC allocation of one router."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from arch.mesh.packet import PORTS
from rtl.mesh.packet_match import Masks, Match
from rtl.mesh.packet_parameters import Parameters
from rtl.mesh.packet_pick import any_of, from_place, number_of, only_if


class VcAllocator(wiring.Component):
    """Gives free output VCs to input VCs that want one. Each wants those of one port, with credits
    or without.

    Outputs are combinational; registers are the pointers of round robin. VCs are numbered
    ``port * vcs + vc``, in masks as in pointers.

    Members
    -------
    wanted : In(size)
        Input VCs that want an output VC.
    port : In(ArrayLayout(range(5), size))
        Whose.
    free : In(size)
        Output VCs.
    given : Out(size)
        Input VCs that get one.
    given_vc : Out(ArrayLayout(range(vcs), size))
    held : Out(size)
        Output VCs that are given.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "wanted": In(p.size),
                "port": In(data.ArrayLayout(range(PORTS), p.size)),
                "free": In(p.size),
                "given": Out(p.size),
                "given_vc": Out(data.ArrayLayout(range(p.vcs), p.size)),
                "held": Out(p.size),
            }
        )
        self.in_turns = [Signal(range(p.size), name=f"in_turn_{i}") for i in range(p.size)]
        self.out_turns = [Signal(range(p.size), name=f"out_turn_{i}") for i in range(p.size)]
        self.registers: dict[str, ValueLike] = {
            each.name: each for each in (*self.in_turns, *self.out_turns)
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        match = Match(
            m,
            p.vc_allocator,
            self._asks(m),
            {out: out % p.vcs for out in range(p.size)},
            {i: self._lanes_from(m, i) for i in range(p.size)},
            {out: from_place(turn, p.size) for out, turn in enumerate(self.out_turns)},
        )
        given, moves = self._by_vc(match.given), self._by_vc(match.moves)
        m.d.comb += self.given.eq(any_of(given))
        for out, mask in match.given.items():
            m.d.comb += self.held[out].eq(mask.any())
        for i in range(p.size):
            m.d.comb += self.given_vc[i].eq(number_of(Cat(*(mask[i] for mask in given))))
            moved = Signal(p.vcs, name=f"moved_{i}")
            behind = Signal(range(p.size + 1), name=f"behind_{i}")
            m.d.comb += [
                moved.eq(Cat(*(mask[i] for mask in moves))),
                behind.eq(self._port(i) * p.vcs + number_of(moved, 1)),
            ]
            with m.If(moved.any()):
                m.d.sync += self.in_turns[i].eq(Mux(behind == p.size, 0, behind))
        for out, mask in match.moves.items():
            with m.If(mask.any()):
                m.d.sync += self.out_turns[out].eq(number_of(mask, 1, p.size))
        return m

    def _port(self, i: int) -> Any:
        return self.port[i]

    def _asks(self, m: Module) -> Masks:
        """Of each output VC, the input VCs that want it."""
        p = self.parameters
        asks: Masks = {}
        for port in range(PORTS):
            wanted = Signal(p.size, name=f"wanted_{port}")
            for i in range(p.size):
                m.d.comb += wanted[i].eq(self.wanted[i] & (self._port(i) == port))
            for out in range(port * p.vcs, (port + 1) * p.vcs):
                asks[out] = only_if(self.free[out], wanted)
        return asks

    def _lanes_from(self, m: Module, i: int) -> Value:
        """VCs of the port that an input VC wants, from its pointer on."""
        p = self.parameters
        here = Signal(p.vcs, name=f"from_{i}")
        m.d.comb += here.eq(from_place(self.in_turns[i], p.size).word_select(self._port(i), p.vcs))
        return here

    def _by_vc(self, masks: Masks) -> list[Value]:
        """Of each VC of all ports together, a mask of inputs."""
        vcs = self.parameters.vcs
        return [
            any_of([mask for out, mask in masks.items() if out % vcs == vc]) for vc in range(vcs)
        ]
