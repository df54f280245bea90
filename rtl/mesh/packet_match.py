"""One cycle of an allocator: who of those that ask is given what they ask for."""

from amaranth.hdl import Cat, Module, Signal, Value

from arch.mesh.packet import Allocator
from rtl.mesh.packet_pick import any_of, first_of, only_if

Masks = dict[int, Value]


class Match:
    """Inputs ask for outputs; an output is given to one input at most, and an input gets one.

    Outputs have a lane each, and an input asks for one output of a lane at most: so of what it
    asks for or is granted, lanes are enough.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    allocator : arch.mesh.packet.Allocator
    asks : dict
        Of each output, a mask of the inputs that ask for it.
    lanes : dict
        Of each output.
    in_turns, out_turns : dict
        Where round robin begins: of each input, the lanes from that place on; of each output, the
        inputs. Inputs that are not named never ask.
    """

    def __init__(
        self, m: Module, allocator: Allocator, asks: Masks, lanes: dict[int, int],
        in_turns: Masks, out_turns: Masks,
    ) -> None:  # fmt: skip
        self._m, self._lanes = m, lanes
        self._in_turns, self._out_turns = in_turns, out_turns
        self._inputs = len(next(iter(asks.values())))
        self.given: Masks = {}
        """Of each output, the input that gets it: one bit, or none."""
        self.moves: Masks = {}
        """Those of them that move the pointers."""
        if allocator.kind == "separable_input_first":
            self._separable(asks)
        else:
            self._islip(asks, allocator.iterations)

    def _by_lane(self, masks: Masks) -> Masks:
        return {
            lane: any_of([mask for out, mask in masks.items() if self._lanes[out] == lane])
            for lane in sorted(set(self._lanes.values()))
        }

    def _pick(self, name: str, masks: Masks) -> Masks:
        """Each input picks one lane; returns, of each lane, the inputs that have picked it."""
        lanes = self._by_lane(masks)
        picks: Masks = {}
        for i, turn in self._in_turns.items():
            row = [lanes[lane][i] if lane in lanes else 0 for lane in range(len(turn))]
            picks[i] = first_of(self._m, f"{name}_in_{i}", Cat(*row), turn)
        found: Masks = {}
        for lane in lanes:
            mask = Signal(self._inputs, name=f"{name}_lane_{lane}")
            bits = [picks[i][lane] if i in picks else 0 for i in range(self._inputs)]
            self._m.d.comb += mask.eq(Cat(*bits))
            found[lane] = mask
        return found

    def _grant(self, name: str, asks: Masks) -> Masks:
        """Each output picks one input."""
        return {
            out: first_of(self._m, f"{name}_out_{out}", ask, self._out_turns[out])
            for out, ask in asks.items()
        }

    def _separable(self, asks: Masks) -> None:
        picked = self._pick("pick", asks)
        self.given = self._grant(
            "grant", {out: ask & picked[self._lanes[out]] for out, ask in asks.items()}
        )
        self.moves = self.given

    def _islip(self, asks: Masks, iterations: int) -> None:
        for turn in range(iterations):
            grants = self._grant(f"grant{turn}", asks)
            accepted = self._pick(f"accept{turn}", grants)
            matched: Masks = {}
            for out, grant in grants.items():
                matched[out] = Signal(self._inputs, name=f"match{turn}_{out}")
                self._m.d.comb += matched[out].eq(grant & accepted[self._lanes[out]])
            served = Signal(self._inputs, name=f"served{turn}")
            self._m.d.comb += served.eq(any_of(list(matched.values())))
            asks = {out: only_if(~matched[out].any(), ask & ~served) for out, ask in asks.items()}
            if turn == 0:
                self.given = self.moves = matched
            else:
                self.given = {out: mask | matched[out] for out, mask in self.given.items()}
