"""A number rounded to a code."""

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, ValueLike, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from arch.errors import InputError
from arch.mac.kinds import Float, Int, Posit, Scalar
from rtl.float.rounder import shifted_right
from rtl.mac.decoder import posit_fraction_bits
from rtl.mac.shift import filled_right, narrowed


def significand_needed(form: Scalar) -> int:
    """Bits of a normalised significand that a result is rounded by, the last of them sticky.

    Raises InputError for integers that wrap, which are not rounded to.
    """
    if form.overflow == "wrap":
        raise InputError(f"{form.name}: hardware rounds to integers that saturate, not wrap")
    if isinstance(form, Int):
        return form.bits + 2
    if isinstance(form, Posit):
        return posit_fraction_bits(form) + 3
    return form.mantissa_bits + 3


def scale_shape(least: int, most: int) -> Shape:
    """Shape of exponents from ``least`` to ``most``."""
    return signed(max(bits_for(least, True), bits_for(most, True)))


class Encoder(wiring.Component):
    """The code of a format that is nearest to a number, ties to even: combinational.

    What is beyond the largest number saturates, or becomes infinity or NaN, as the format's row
    says; a posit is never rounded to 0 or NaR. NaN in a format without is code 0, infinity in one
    without the largest number of its sign; a posit's is NaR.

    Parameters
    ----------
    form : Scalar
    significand_bits : int
        ``significand_needed(form)`` at least.
    scale : Shape
        Signed.

    Members
    -------
    nan, infinite, negative : In(1)
    significand : In(significand_bits)
        Its highest bit is 1 and stands for ``2 ** scale``, or it is 0; its lowest is sticky.
    scale : In(scale)
    code : Out(form.bits)
    """

    def __init__(self, form: Scalar, significand_bits: int, scale: Shape) -> None:
        assert significand_bits >= significand_needed(form)
        assert scale.signed
        self.form = form
        self.registers: dict[str, ValueLike] = {}
        super().__init__(
            {
                "nan": In(1),
                "infinite": In(1),
                "negative": In(1),
                "significand": In(significand_bits),
                "scale": In(scale),
                "code": Out(form.bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rest = Signal(significand_needed(self.form))
        m.d.comb += rest.eq(narrowed(self.significand, len(rest)))
        if isinstance(self.form, Int):
            self._int(m, self.form, rest)
        elif isinstance(self.form, Posit):
            self._posit(m, self.form, rest)
        else:
            self._float(m, self.form, rest)
        return m

    def _above(self, least: int) -> Signal:
        """The scale from ``least`` on, with room for its sign."""
        low = -(1 << len(self.scale) - 1) - least
        high = (1 << len(self.scale) - 1) - 1 - least
        return Signal(scale_shape(min(low, -1), max(high, 1)), name="above")

    def _int(self, m: Module, form: Int, rest: Value) -> None:
        # Below the highest bit as many as a number has, one to round by and one for all below.
        bits = form.bits
        above = self._above(bits - 1 - form.point)
        right = Signal(range(bits + 3))
        m.d.comb += [
            above.eq(self.scale - (bits - 1 - form.point)),
            right.eq(Mux(above < -(bits + 1), bits + 2, -above)),
        ]
        kept = shifted_right(m, rest, right, "place")
        size = Signal(bits + 1)
        largest = int(form.largest / form.smallest)
        least = int(-form.least / form.smallest)
        bound = Mux(self.negative, least, largest)
        too_large = Signal()
        m.d.comb += [
            size.eq(kept[2:] + (kept[1] & (kept[0] | kept[2]))),
            too_large.eq(self.infinite | (rest[-1] & (above > 0)) | (size > bound)),
        ]
        number = Mux(too_large, bound, size)
        m.d.comb += self.code.eq(Mux(self.nan, 0, Mux(self.negative, -number, number)))

    def _float(self, m: Module, form: Float, rest: Value) -> None:
        mantissa_bits = form.mantissa_bits
        above = self._above(form.exponent_least)
        missing = Signal(range(mantissa_bits + 4))
        m.d.comb += [
            above.eq(self.scale - form.exponent_least),
            missing.eq(
                Mux(above < 0, Mux(above < -mantissa_bits - 3, mantissa_bits + 3, -above), 0)
            ),
        ]
        kept = shifted_right(m, rest, missing, "subnormal")
        rounded = Signal(mantissa_bits + 2)
        size = Signal(form.exponent_bits + mantissa_bits + 2)
        field = Mux((above < 0) | ~rest[-1], 0, above)[: form.exponent_bits]
        m.d.comb += [
            rounded.eq(kept[2:] + (kept[1] & (kept[0] | kept[2]))),
            size.eq(Cat(Const(0, mantissa_bits), field) + rounded),
        ]
        beyond = (above >> form.exponent_bits > 0) & rest[-1]
        if not form.zero:
            # Exponent 0 is that of a number like any other.
            lowest = Signal.like(size)
            m.d.comb += lowest.eq(Mux(size == 0, 0, size - 1))
            size = lowest
        m.d.comb += self.code.eq(self._packed(form, size, beyond))

    def _packed(self, form: Float, size: Value, beyond: Value) -> Value:
        sizes = form.bits - form.signed
        infinity = form.largest_code + 1 if form.has_infinity else form.largest_code
        nan = {
            "ieee": infinity + (1 << max(form.mantissa_bits - 1, 0)),
            "nan": (1 << sizes) - 1,
            "unsigned_zero": 1 << sizes,
            "none": 0,
        }[form.specials]
        too_large = beyond | (size > form.largest_code)
        most = form.largest_code
        if form.overflow == "special":
            most = infinity if form.has_infinity else nan
        shown = Mux(self.infinite, infinity, Mux(too_large, most, size))
        if not form.signed:
            below = 0 if form.zero else Mux(self.infinite, 0, nan)
            return Mux(self.nan, nan, Mux(self.negative, below, shown))
        code: Value = Cat(shown[:sizes], self.negative)
        if form.specials == "unsigned_zero":
            made_nan = too_large & ~self.infinite if form.overflow == "special" else Const(0)
            code = Mux(made_nan, nan, Cat(shown[:sizes], self.negative & shown[:sizes].any()))
        elif form.overflow == "special" and not form.has_infinity:
            code = Mux(too_large & ~self.infinite, nan, code)
        return Mux(self.nan, nan, code)

    def _posit(self, m: Module, form: Posit, rest: Value) -> None:
        bits, es, most = form.bits, form.es, form.scale_most
        scale = Signal(signed(max(len(self.scale), es + 1)))
        regime = Signal(signed(len(scale)))
        body = Signal(bits - 1)
        m.d.comb += [scale.eq(self.scale), regime.eq(scale >> es)]
        first = ~scale[-1]
        # 10 or 01, exponent, fraction: the regime's other bits are shifted in.
        string = Cat(rest[:-1], scale[:es], ~first, first)
        length = bits - 2
        amount = Signal(range(max(length, 2)))
        m.d.comb += amount.eq(Mux(first, regime, ~regime))
        kept = filled_right(m, string, amount, first, "regime")
        top = narrowed(kept, bits + 1)
        up = top[1] & (top[0] | top[2])
        large, small = scale >= most, scale < -most
        largest = (1 << bits - 1) - 1
        m.d.comb += body.eq(Mux(large, largest, Mux(small, 1, top[2:] + up)))
        size = Mux(rest[-1], body, 0)
        number = Mux(self.negative, -size, size)
        m.d.comb += self.code.eq(Mux(self.nan | self.infinite, 1 << bits - 1, number))
