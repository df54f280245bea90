"""From one number format to another."""

from amaranth.hdl import Module, Shape, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.mac.kinds import Scalar
from arch.mac.ranges import significand_bits
from rtl.mac.codec import (
    Decoder,
    Encoder,
    exponent_bits,
    exponent_least,
    scale_shape,
    significand_needed,
)
from rtl.mac.shift import narrowed, normalised


def decoded_scale(form: Scalar) -> Shape:
    """Shape of the exponents of highest bits of decoded numbers that are normalised."""
    least = exponent_least(form)
    return scale_shape(least - 1, least + significand_bits(form) + (1 << exponent_bits(form)))


class Converter(wiring.Component):
    """A code of a format in another format, rounded as by ``Encoder``: combinational.

    Parameters
    ----------
    source, target : Scalar

    Members
    -------
    code : In(source.bits)
    result : Out(target.bits)
    """

    def __init__(self, source: Scalar, target: Scalar) -> None:
        self.source, self.target = source, target
        self.registers: dict[str, ValueLike] = {}
        super().__init__({"code": In(source.bits), "result": Out(target.bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        needed = significand_needed(self.target)
        m.submodules.decoder = given = Decoder(self.source)
        m.submodules.encoder = made = Encoder(self.target, needed, decoded_scale(self.source))
        normal, zeros = normalised(m, given.significand, "size")
        top = exponent_least(self.source) + significand_bits(self.source) - 1
        m.d.comb += [
            given.code.eq(self.code),
            made.nan.eq(given.nan),
            made.infinite.eq(given.infinite),
            made.negative.eq(given.negative),
            made.significand.eq(narrowed(normal, needed)),
            made.scale.eq(given.exponent - zeros + top),
            self.result.eq(made.code),
        ]
        return m
