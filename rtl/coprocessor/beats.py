"""Which beat of which product a stream is at."""

from collections.abc import Callable
from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.array.controller import FoldCutter, command_layout
from rtl.array.parameters import Parameters

NUMBER_BITS = 32


@dataclass(frozen=True)
class FoldBeats:
    """Beats of a stream in a fold."""

    of: Callable[[Value], ValueLike]
    """Of its ``fold_layout``."""
    most: int

    def number_bits(self, parameters: Parameters) -> int:
        """Of a beat's number in its product, modulo 2^32, from 0."""
        p = parameters
        extent = (1 << p.extent_bits) - 1
        folds = -(-extent // p.rows) * -(-extent // p.cols)
        return min(NUMBER_BITS, max(1, (folds * self.most - 1).bit_length()))


def beats_of(parameters: Parameters) -> dict[str, FoldBeats]:
    """Of each stream, as ``rtl.array.SystolicArray`` takes and gives them."""
    p = parameters
    length = (1 << p.extent_bits) - 1
    if not p.stationary:
        return {
            "left": FoldBeats(lambda fold: fold.length, length),
            "top": FoldBeats(lambda fold: fold.length, length),
            "result": FoldBeats(lambda fold: p.timed_rows(fold.rows), p.rows),
        }

    def outside(fold: Value) -> Value:
        """Its sums are not kept below the array."""
        return fold.length > p.accumulator_rows

    return {
        "left": FoldBeats(lambda fold: fold.length, length),
        "top": FoldBeats(lambda fold: p.timed_rows(fold.rows), p.rows),
        "partial": FoldBeats(lambda fold: Mux(outside(fold) & ~fold.first, fold.length, 0), length),
        "result": FoldBeats(lambda fold: Mux(outside(fold) | fold.last, fold.length, 0), length),
    }


class Beats(wiring.Component):
    """Counts the beats of one stream, product after product.

    A fold without beats takes a cycle. Where a product's last fold has none, it has none at all.

    Members
    -------
    command : In(stream of command_layout)
        The product; it goes with its last beat.
    due : Out(1)
        There is a beat that belongs to ``command``.
    last, number : Out(1), Out(FoldBeats.number_bits)
        It is the last one of its product; which one it is, from 0, where
        beats are ``numbered``.
    take : In(1)
        The beat passes in this cycle. Only where it is due.
    """

    def __init__(self, parameters: Parameters, beats: FoldBeats, *, numbered: bool = True) -> None:
        self.beats = beats
        number = beats.number_bits(parameters) if numbered else 0
        self.cutter = FoldCutter(parameters)
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(parameters))),
                "due": Out(1),
                "last": Out(1),
                "number": Out(number),
                "take": In(1),
            }
        )
        self.at = Signal(max(parameters.extent_bits, parameters.rows.bit_length()))
        self.count = Signal(number)
        self.registers: dict[str, ValueLike] = {
            **{f"cutter.{name}": word for name, word in self.cutter.registers.items()},
            "at": self.at,
            "count": self.count,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.cutter = cutter = self.cutter
        length = Signal(len(self.at))
        ends = Signal()
        m.d.comb += [
            cutter.command.eq(self.command.payload),
            length.eq(self.beats.of(cutter.fold)),
            self.due.eq(self.command.valid & (length != 0)),
            ends.eq(self.at + 1 == length),
            self.last.eq(self.due & ends & cutter.ends),
            self.number.eq(self.count),
            cutter.step.eq(self.command.valid & ((length == 0) | (self.take & ends))),
            self.command.ready.eq(cutter.step & cutter.ends),
        ]
        with m.If(self.take):
            m.d.sync += [
                self.at.eq(Mux(ends, 0, self.at + 1)),
                self.count.eq(Mux(self.last, 0, self.count + 1)),
            ]
        return m
