"""Products."""

from amaranth.hdl import Module, Mux, Signal, Value, signed

from rtl.float.decode import FloatUnit, decode, infinity
from rtl.float.formats import Format
from rtl.float.rounder import rounded


class Multiplier(FloatUnit):
    """The product of two numbers, rounded to the nearest of a wider format, ties to even.

    Products of fp16 are exact in fp32. So are those of bf16 where fp32 has room below: less than
    2**-126 they are rounded as subnormals, and what is too large is an infinity.

    Parameters
    ----------
    source, target : Format
        Of operands, of the result; target has as many exponents at least.
    latency : int
        As of ``FloatUnit``.
    """

    def __init__(self, source: Format, target: Format, latency: int = 0) -> None:
        super().__init__(source, target, 2, latency)

    def _function(self, m: Module) -> Value:
        source, target = self.source, self.target
        a, b = decode(self.a, source), decode(self.b, source)
        sign = Signal()
        product = Signal(2 * source.fraction_bits + 2)
        exponent = Signal(signed(max(source.exponent_bits, target.exponent_bits) + 3))
        m.d.comb += [
            sign.eq(a.sign ^ b.sign),
            product.eq(a.significand * b.significand),
            # The highest bit of the product stands for 2 where those of the factors do for 1.
            exponent.eq(a.exponent + b.exponent + (target.bias + 1 - 2 * source.bias)),
        ]
        value = rounded(m, target, sign, exponent, product, underflows=True)
        nan = a.is_nan | b.is_nan | (a.is_infinity & b.is_zero) | (a.is_zero & b.is_infinity)
        value = Mux(a.is_infinity | b.is_infinity, infinity(sign, target), value)
        return Mux(nan, target.nan, value)
