"""The dot of two blocks: an exact sum times the blocks' scales."""

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.mac.engine import Engine
from arch.mac.kinds import Float, Scalar
from arch.mac.ranges import significand_bits
from rtl.mac.codec import (
    Decoder,
    Encoder,
    exponent_bits,
    exponent_least,
    scale_shape,
    significand_needed,
)
from rtl.mac.parameters import chosen, mode_bits
from rtl.mac.shift import narrowed, normalised


class BlockScaler(wiring.Component):
    """An exact sum of elements' products, times two scales, rounded once: combinational.

    Parameters
    ----------
    engine : arch.mac.engine.Engine
        Its sums are exact.
    scale : Float
        Format of both scales.
    result : Scalar

    Members
    -------
    sum : In(engine.sum_bits)
    mode : In(mode_bits(engine))
    left_scale, top_scale : In(scale.bits)
        Of the block of inputs and of that of weights.
    code : Out(result.bits)
    """

    def __init__(self, engine: Engine, scale: Float, result: Scalar) -> None:
        assert engine.chain_format is None
        self.engine, self.scale, self.result = engine, scale, result
        self.registers: dict[str, ValueLike] = {}
        super().__init__(
            {
                "sum": In(engine.sum_bits),
                "mode": In(mode_bits(engine)),
                "left_scale": In(scale.bits),
                "top_scale": In(scale.bits),
                "code": Out(result.bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, form, bits = self.engine, self.scale, self.engine.quire_bits
        m.submodules.left = left = Decoder(form)
        m.submodules.top = top = Decoder(form)
        m.d.comb += [left.code.eq(self.left_scale), top.code.eq(self.top_scale)]
        fixed, specials = self.sum[:bits], self.sum[bits:]
        size = Signal(bits)
        m.d.comb += size.eq(Mux(fixed[-1], -fixed, fixed))
        factor_bits = 2 * significand_bits(form)
        scaled = Signal(bits + factor_bits)
        m.d.comb += scaled.eq(size * (left.significand * top.significand))
        normal, zeros = normalised(m, scaled, "scaled")
        # Exponents of the highest bit with the lowest scales.
        tops = [
            mode.unit_exponent + 2 * exponent_least(form) + len(scaled) - 1 for mode in engine.modes
        ]
        reach = 2 << exponent_bits(form)
        shape = scale_shape(min(tops) - len(scaled), max(tops) + reach)
        needed = significand_needed(self.result)
        m.submodules.encoder = made = Encoder(self.result, needed, shape)
        nan, infinite, negative = Signal(), Signal(), Signal()
        negative_sum = left.negative ^ top.negative
        m.d.comb += negative.eq((fixed[-1] ^ negative_sum) & normal[-1])
        m.d.comb += nan.eq(left.nan | top.nan)
        if engine.special_bits:
            m.d.comb += nan.eq(left.nan | top.nan | specials[0])
        if engine.special_bits > 1:
            plus, minus = specials[1], specials[2]
            zero = ~left.significand.any() | ~top.significand.any()
            m.d.comb += [
                nan.eq(left.nan | top.nan | specials[0] | (plus & minus) | (infinite & zero)),
                infinite.eq(plus | minus),
                negative.eq(
                    Mux(infinite, minus ^ negative_sum, (fixed[-1] ^ negative_sum) & normal[-1])
                ),
            ]
        m.d.comb += [
            made.nan.eq(nan),
            made.infinite.eq(infinite),
            made.negative.eq(negative),
            made.significand.eq(narrowed(normal, needed)),
            made.scale.eq(chosen(self.mode, [*tops]) + left.exponent + top.exponent - zeros),
            self.code.eq(made.code),
        ]
        return m
