"""A code taken apart."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from arch.mac.kinds import Float, Int, Posit, Scalar
from arch.mac.ranges import significand_bits
from rtl.float.rounder import leading_zeros


def posit_fraction_bits(form: Posit) -> int:
    """Bits of the longest fraction."""
    return max(form.bits - 3 - form.es, 0)


def exponent_least(form: Scalar) -> int:
    """What ``exponent`` of ``Decoder`` counts from."""
    if isinstance(form, Int):
        return -form.point
    if isinstance(form, Posit):
        return -form.scale_most - posit_fraction_bits(form)
    return form.exponent_least - form.mantissa_bits


def exponent_bits(form: Scalar) -> int:
    """Width of ``exponent`` of ``Decoder``."""
    if isinstance(form, Int):
        return 0
    if isinstance(form, Posit):
        return int(bits_for(2 * form.scale_most)) if form.scale_most else 0
    return form.exponent_bits


class Decoder(wiring.Component):
    """A code of a number format: combinational.

    The number is ``significand * 2 ** (exponent + exponent_least(form))``. The significand of a
    posit has its highest bit set, that of a subnormal has not; that of what is no number is 0.

    Parameters
    ----------
    form : Scalar

    Members
    -------
    code : In(form.bits)
    negative : Out(1)
        Of -0 too.
    significand : Out(significand_bits(form))
    exponent : Out(exponent_bits(form))
        Of 0: 0.
    nan, infinite : Out(1)
        NaN or NaR; an infinity, whose sign is ``negative``.
    """

    def __init__(self, form: Scalar) -> None:
        self.form = form
        self.registers: dict[str, ValueLike] = {}
        super().__init__(
            {
                "code": In(form.bits),
                "negative": Out(1),
                "significand": Out(significand_bits(form)),
                "exponent": Out(exponent_bits(form)),
                "nan": Out(1),
                "infinite": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if isinstance(self.form, Int):
            self._int(m, self.form)
        elif isinstance(self.form, Posit):
            self._posit(m, self.form)
        else:
            self._float(m, self.form)
        return m

    def _int(self, m: Module, form: Int) -> None:
        negative = self.code[-1] if form.signed else Const(0)
        m.d.comb += [
            self.negative.eq(negative),
            self.significand.eq(Mux(negative, -self.code, self.code)),
        ]

    def _float(self, m: Module, form: Float) -> None:
        mantissa_bits = form.mantissa_bits
        size = self.code[: form.bits - form.signed]
        field, mantissa = size[mantissa_bits:], size[:mantissa_bits]
        normal = field.any() if form.zero else Const(1)
        special, infinite = Const(0), Const(0)
        if form.specials == "ieee":
            infinite = field.all() & ~mantissa.any()
            special = field.all()
        elif form.specials == "nan":
            special = size.all()
        elif form.specials == "unsigned_zero":
            special = self.code[-1] & ~size.any()
        m.d.comb += [
            self.infinite.eq(infinite),
            self.nan.eq(special & ~infinite),
            self.negative.eq(self.code[-1] & ~self.nan if form.signed else 0),
            self.significand.eq(Mux(special, 0, Cat(mantissa, normal))),
            self.exponent.eq(Mux(special | ~normal, 0, field - int(form.zero))),
        ]

    def _posit(self, m: Module, form: Posit) -> None:
        bits, es, fraction_bits = form.bits, form.es, posit_fraction_bits(form)
        sign = self.code[-1]
        body = Signal(bits - 1)
        m.d.comb += body.eq(Mux(sign, -self.code[:-1], self.code[:-1]))
        some = body.any()
        first = body[-1]
        # A one below ends a run that nothing else does.
        run = leading_zeros(m, Cat(Const(1), body ^ first.replicate(bits - 1)), "run")
        # Without the regime and the bit that ends it.
        rest = Signal(bits - 1)
        m.d.comb += rest.eq((body << run)[: bits - 1] << 1)
        padding = max(es + fraction_bits - (bits - 1), 0)
        below = Cat(Const(0, padding), rest)
        low: Value = below[len(below) - es :]
        fraction = below[len(below) - es - fraction_bits : len(below) - es]
        # From the lowest regime on.
        regime = Signal(len(run) + 1)
        m.d.comb += [
            regime.eq(Mux(first, run + (bits - 3), (bits - 2) - run)),
            self.negative.eq(sign & some),
            self.nan.eq(sign & ~some),
            self.significand.eq(Cat(fraction, some)),
            self.exponent.eq(Mux(some, Cat(low, regime), 0)),
        ]
