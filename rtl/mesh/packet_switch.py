"""Who crosses a router: switch allocation."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from arch.mesh.packet import PORTS
from rtl.mesh.packet_match import Masks, Match
from rtl.mesh.packet_parameters import Parameters
from rtl.mesh.packet_pick import any_of, first_of, from_place, number_of, only_if


class SwitchAllocator(wiring.Component):
    """Lets one input VC of each input port, and one to each output port, send a flit.

    For each output an input bids with one VC, round robin from the one behind its last winner.
    Outputs are combinational; registers are the pointers of round robin.

    Members
    -------
    ready : In(size)
        Input VCs with a flit, an output VC and a credit.
    port : In(ArrayLayout(range(5), size))
        To which.
    wins : Out(size)
        Input VCs whose first flit leaves.
    to : Out(ArrayLayout(5, 5))
        Of each output port, the input port that it is sent from: one bit, or none.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "ready": In(p.size),
                "port": In(data.ArrayLayout(range(PORTS), p.size)),
                "wins": Out(p.size),
                "to": Out(data.ArrayLayout(PORTS, PORTS)),
            }
        )
        self.vc_turns = [Signal(range(p.vcs), name=f"vc_turn_{i}") for i in range(PORTS)]
        self.in_turns = [Signal(range(PORTS), name=f"in_turn_{i}") for i in range(PORTS)]
        self.out_turns = [Signal(range(PORTS), name=f"out_turn_{i}") for i in range(PORTS)]
        self.registers: dict[str, ValueLike] = {
            each.name: each for each in (*self.vc_turns, *self.in_turns, *self.out_turns)
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        bids = self._bids(m)
        asks: Masks = {}
        for out in range(PORTS):
            asks[out] = Signal(PORTS, name=f"asks_{out}")
            for i in range(PORTS):
                m.d.comb += asks[out][i].eq(bids[i, out].any())
        match = Match(
            m,
            p.switch_allocator,
            asks,
            {out: out for out in range(PORTS)},
            {i: from_place(turn, PORTS) for i, turn in enumerate(self.in_turns)},
            {out: from_place(turn, PORTS) for out, turn in enumerate(self.out_turns)},
        )
        for i in range(PORTS):
            wins = Signal(p.vcs, name=f"wins_{i}")
            m.d.comb += [
                wins.eq(any_of([only_if(match.given[q][i], bids[i, q]) for q in range(PORTS)])),
                self.wins.word_select(i, p.vcs).eq(wins),
            ]
            with m.If(wins.any()):
                m.d.sync += self.vc_turns[i].eq(number_of(wins, 1, p.vcs))
            moved = Cat(*(match.moves[q][i] for q in range(PORTS)))
            with m.If(moved.any()):
                m.d.sync += self.in_turns[i].eq(number_of(moved, 1, PORTS))
        for out in range(PORTS):
            m.d.comb += self.to[out].eq(match.given[out])
            with m.If(match.moves[out].any()):
                m.d.sync += self.out_turns[out].eq(number_of(match.moves[out], 1, PORTS))
        return m

    def _bids(self, m: Module) -> dict[tuple[int, int], Signal]:
        """The VC with which an input port bids for an output port."""
        p = self.parameters
        found: dict[tuple[int, int], Signal] = {}
        for i in range(PORTS):
            vcs: list[Any] = list(range(i * p.vcs, (i + 1) * p.vcs))
            turn = from_place(self.vc_turns[i], p.vcs)
            for out in range(PORTS):
                ready = Cat(*(self.ready[vc] & (self.port[vc] == out) for vc in vcs))
                found[i, out] = first_of(m, f"bid_{i}_{out}", ready, turn)
        return found
