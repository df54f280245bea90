"""Sums."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from rtl.float.decode import FloatUnit, decode, infinity
from rtl.float.formats import Format
from rtl.float.rounder import rounded, shifted_right


class Adder(FloatUnit):
    """The sum of two numbers, rounded to the nearest, ties to even.

    As IEEE 754: subnormals are kept, ``x - x`` is +0, infinities of two signs give the NaN. All
    NaNs are the one of the format.

    Parameters
    ----------
    form : Format
        Of operands and result.
    latency : int
        As of ``FloatUnit``.
    """

    def __init__(self, form: Format, latency: int = 0) -> None:
        super().__init__(form, form, 2, latency)

    def _function(self, m: Module) -> Value:
        form = self.target
        a, b = decode(self.a, form), decode(self.b, form)
        swap = Signal()
        large, small = Signal(form.bits), Signal(form.bits)
        m.d.comb += [
            swap.eq(a.magnitude < b.magnitude),
            large.eq(Mux(swap, self.b, self.a)),
            small.eq(Mux(swap, self.a, self.b)),
        ]
        x, y = decode(large, form), decode(small, form)
        subtract = Signal()
        distance = Signal(form.exponent_bits)
        m.d.comb += [subtract.eq(x.sign ^ y.sign), distance.eq(x.exponent - y.exponent)]
        # Two bits to round by, and one for all that is below.
        grown = Cat(Const(0, 3), x.significand)
        shifted = shifted_right(m, Cat(Const(0, 3), y.significand), distance, "align")
        total = Signal(len(grown) + 1)
        m.d.comb += total.eq(Mux(subtract, grown - shifted, grown + shifted))
        sign = Signal()
        m.d.comb += sign.eq(Mux(total.any(), x.sign, a.sign & b.sign))
        exponent = Signal(form.exponent_bits + 1)
        m.d.comb += exponent.eq(x.exponent + 1)
        value = rounded(m, form, sign, exponent, total, underflows=False)
        nan = a.is_nan | b.is_nan | (a.is_infinity & b.is_infinity & subtract)
        value = Mux(a.is_infinity | b.is_infinity, infinity(x.sign, form), value)
        return Mux(nan, form.nan, value)
