"""The products of a word's lanes, added."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.mac.engine import Engine, Mode
from arch.mac.kinds import Scalar
from rtl.mac.codec import Decoder, exponent_least
from rtl.mac.parameters import chosen, fixed_bits, lane_width, mode_bits, product_width
from rtl.mac.rmmec import Rmmec, added


@dataclass(frozen=True)
class _Lane:
    """What a mode has in one of its lanes."""

    a: Decoder
    b: Decoder
    product: Value
    shift: Value
    """Exponents added, with what brings the modes of a lane to one place."""

    @property
    def negative(self) -> Value:
        return self.a.negative ^ self.b.negative

    @property
    def nan(self) -> Value:
        zero_infinite = (self.a.infinite & ~self.b.significand.any() & ~self.b.infinite) | (
            self.b.infinite & ~self.a.significand.any() & ~self.a.infinite
        )
        return self.a.nan | self.b.nan | zero_infinite

    @property
    def infinite(self) -> Value:
        return (self.a.infinite | self.b.infinite) & ~self.nan


def dropped_bits(mode: Mode) -> int:
    """Bits of a product below the quire's lowest, which are zeros."""
    return mode.unit_exponent - sum(exponent_least(form) for form in mode.forms)


class LaneDot(wiring.Component):
    """The exact sum of the products of all lanes of two words: combinational.

    Parameters
    ----------
    engine : arch.mac.engine.Engine

    Members
    -------
    left, top : In(engine.word_bits)
        Words of inputs and of weights; codes side by side, the first in the lowest bits.
    mode : In(mode_bits(engine))
    product : Out(product_width(engine))
        Two's complement in units of 2 ** mode.unit_exponent, of ``fixed_bits(engine)``, with the
        special bits above: whether NaN is among the products; +infinity; -infinity.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.registers: dict[str, ValueLike] = {}
        super().__init__(
            {
                "left": In(engine.word_bits),
                "top": In(engine.word_bits),
                "mode": In(mode_bits(engine)),
                "product": Out(product_width(engine)),
            }
        )
        self._decoders: dict[tuple[str, str, int], Decoder] = {}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._decoders.clear()
        engine = self.engine
        widths = [lane_width(engine, mode) for mode in engine.modes]
        counts = [engine.lanes(mode) for mode in engine.modes]
        modes = tuple(zip(counts, widths, strict=True))
        m.submodules.multiplier = multiplier = Rmmec(
            engine.multiplier_bits, modes, mode_bits(engine)
        )
        m.d.comb += multiplier.mode.eq(self.mode)
        pairs: list[list[tuple[Decoder, Decoder]]] = []
        for mode, lanes in zip(engine.modes, counts, strict=True):
            a, b = mode.forms
            pairs.append(
                [
                    (self._decoder(m, "left", a, i), self._decoder(m, "top", b, i))
                    for i in range(lanes)
                ]
            )
        for side, port in enumerate((multiplier.x, multiplier.y)):
            words: list[ValueLike] = [
                Cat(*(_padded(pair[side].significand, width) for pair in lanes))
                for lanes, width in zip(pairs, widths, strict=True)
            ]
            m.d.comb += port.eq(chosen(self.mode, words))
        parts: list[Value] = []
        signs: list[Value] = []
        lanes_of: list[list[_Lane]] = [[] for _ in engine.modes]
        for i in range(max(counts)):
            used = [k for k, count in enumerate(counts) if i < count]
            drop = max(dropped_bits(engine.modes[k]) for k in used)
            for k in used:
                width, (a_code, b_code) = widths[k], pairs[k][i]
                offset = drop - dropped_bits(engine.modes[k])
                lanes_of[k].append(
                    _Lane(
                        a_code,
                        b_code,
                        multiplier.product[2 * width * i : 2 * width * (i + 1)],
                        a_code.exponent + b_code.exponent + offset,
                    )
                )
            part, sign = self._summand(m, i, drop, [lanes[i : i + 1] for lanes in lanes_of])
            parts.append(part)
            signs.append(sign)
        fixed = fixed_bits(engine)
        m.d.comb += self.product[:fixed].eq(
            added([*(part.as_signed() for part in parts), added(signs)])
        )
        for bit, value in zip(self.product[fixed:], self._specials(lanes_of), strict=True):
            m.d.comb += bit.eq(value)
        return m

    def _decoder(self, m: Module, port: str, form: Scalar, lane: int) -> Decoder:
        """The decoder of a lane's code; modes with one format share it."""
        key = (port, form.name, lane)
        if key not in self._decoders:
            self._decoders[key] = decoder = Decoder(form)
            m.submodules[f"{port}{lane}_{form.name}"] = decoder
            word = getattr(self, port)
            m.d.comb += decoder.code.eq(word[lane * form.bits : (lane + 1) * form.bits])
        return self._decoders[key]

    def _summand(
        self, m: Module, i: int, drop: int, of_modes: list[list[_Lane]]
    ) -> tuple[Value, Value]:
        """A lane's product at its place, its bits inverted if it is negative, and whether."""
        engine = self.engine
        used = [mode for mode, lane in zip(engine.modes, of_modes, strict=True) if lane]
        room = min(max(mode.product_bits for mode in used) + 1, fixed_bits(engine))
        products = [lane[0].product if lane else Const(0) for lane in of_modes]
        shifts = [lane[0].shift if lane else Const(0) for lane in of_modes]
        negatives = [lane[0].negative if lane else Const(0) for lane in of_modes]
        product = Signal(max(len(value) for value in products), name=f"product{i}")
        shift = Signal(max(len(value) for value in shifts), name=f"shift{i}")
        negative = Signal(name=f"negative{i}")
        size = Signal(room, name=f"size{i}")
        part = Signal(room + 1, name=f"part{i}")
        m.d.comb += [
            product.eq(chosen(self.mode, [*products])),
            shift.eq(chosen(self.mode, [*shifts])),
            negative.eq(chosen(self.mode, [*negatives])),
            size.eq((product << shift)[drop:]),
            part.eq(Cat(size, Const(0, 1)) ^ negative.replicate(room + 1)),
        ]
        return part, negative

    def _specials(self, lanes_of: list[list[_Lane]]) -> list[Value]:
        if not self.engine.special_bits:
            return []
        kinds: list[list[ValueLike]] = [[], [], []]
        for lanes in lanes_of:
            kinds[0].append(Cat(*(lane.nan for lane in lanes)).any())
            kinds[1].append(Cat(*(lane.infinite & ~lane.negative for lane in lanes)).any())
            kinds[2].append(Cat(*(lane.infinite & lane.negative for lane in lanes)).any())
        return [chosen(self.mode, kind) for kind in kinds[: self.engine.special_bits]]


def _padded(significand: Value, width: int) -> Value:
    return Cat(significand, Const(0, width - len(significand)))
