"""A sum and one more product."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from arch.mac.engine import Engine
from arch.mac.kinds import Scalar
from arch.mac.ranges import significand_bits
from rtl.float.rounder import shifted_right
from rtl.mac.codec import (
    Decoder,
    Encoder,
    exponent_bits,
    exponent_least,
    scale_shape,
    significand_needed,
)
from rtl.mac.parameters import chain_form, chosen, fixed_bits
from rtl.mac.shift import narrowed, normalised

GUARD_BITS = 3
"""Below the wider of two summands: one may cancel, one to round by, one for all below."""


def accumulate(
    m: Module, engine: Engine, first: Value, total: Value, product: Value, mode: Value
) -> Value:
    """The next sum of ``engine.sum_bits``.

    Parameters
    ----------
    m : Module
        Statements are added to its domain ``comb``.
    first : Value
        The sum starts with 0 in place of ``total``.
    total : Value
        Exact: two's complement of ``quire_bits``, the special bits above. Chained: a code of
        ``chain_format``, in which 0 is +0.
    product : Value
        Of ``LaneDot``.
    mode : Value
        Only chained sums depend on it: the unit of the product.
    """
    start = Signal(engine.sum_bits, name="start")
    m.d.comb += start.eq(Mux(first, 0, total))
    chain = chain_form(engine)
    if chain is not None:
        return _chained(m, engine, chain, start, product, mode)
    bits, fixed = engine.quire_bits, fixed_bits(engine)
    added = start[:bits].as_signed() + product[:fixed].as_signed()
    return Cat(added[:bits], start[bits:] | product[fixed:])


def _chained(
    m: Module, engine: Engine, form: Scalar, start: Value, product: Value, mode: Value
) -> Value:
    m.submodules.chain_decoder = given = Decoder(form)
    m.d.comb += given.code.eq(start)
    fixed, given_bits = fixed_bits(engine), significand_bits(form)
    width = max(fixed, given_bits) + GUARD_BITS
    units = [mode.unit_exponent for mode in engine.modes]
    # Exponents of the highest bits of the two.
    given_least = exponent_least(form) + given_bits - 1
    given_most = given_least + (1 << exponent_bits(form)) - 1
    most, least = max(given_most, max(units) + fixed), min(given_least, min(units))
    shape = scale_shape(least, most)
    negative = Signal(name="product_negative")
    size = Signal(fixed, name="product_size")
    m.d.comb += [
        negative.eq(product[fixed - 1]),
        size.eq(Mux(negative, -product[:fixed], product[:fixed])),
    ]
    normal, zeros = normalised(m, size, "product")
    product_scale, given_scale = Signal(shape), Signal(shape)
    top = chosen(mode, [unit + fixed - 1 for unit in units])
    m.d.comb += [
        product_scale.eq(top - zeros),
        given_scale.eq(given.exponent + given_least),
    ]
    larger = Signal(name="product_larger")
    # A zero has no place: it is shifted.
    apart = Signal(scale_shape(least - most, most - least), name="apart")
    m.d.comb += [
        apart.eq(product_scale - given_scale),
        larger.eq(normal[-1] & ((apart >= 0) | ~given.significand.any())),
    ]
    aligned = [narrowed(value, width) for value in (normal, given.significand)]
    large, small = Signal(width, name="large"), Signal(width, name="small")
    distance = Signal(range(width + 1), name="distance")
    far = Mux(larger, apart, -apart)
    m.d.comb += [
        large.eq(Mux(larger, aligned[0], aligned[1])),
        small.eq(Mux(larger, aligned[1], aligned[0])),
        distance.eq(Mux(far > width, width, far)),
    ]
    shifted = shifted_right(m, small, distance, "align")
    subtract = Signal(name="subtract")
    signed_sum = Signal(scale_shape(-(1 << width + 1), (1 << width + 1) - 1), name="signed_sum")
    m.d.comb += [
        subtract.eq(negative ^ given.negative),
        signed_sum.eq(Mux(subtract, large - shifted, large + shifted)),
    ]
    flipped = signed_sum[-1]
    sum_size = Signal(width + 1, name="sum_size")
    m.d.comb += sum_size.eq(Mux(flipped, -signed_sum, signed_sum))
    rest, above = normalised(m, sum_size, "sum")
    out_shape = scale_shape(least - width, most + 1)
    needed = significand_needed(form)
    m.submodules.chain_encoder = encoder = Encoder(form, needed, out_shape)
    plus = given.infinite & ~given.negative
    minus = given.infinite & given.negative
    nan: Value = given.nan
    if engine.special_bits:
        nan = nan | product[fixed]
    if engine.special_bits > 1:
        plus, minus = plus | product[fixed + 1], minus | product[fixed + 2]
    sign = Mux(larger, negative, given.negative) ^ flipped
    m.d.comb += [
        encoder.nan.eq(nan | (plus & minus)),
        encoder.infinite.eq(plus | minus),
        encoder.negative.eq(Mux(plus | minus, minus, sign & rest[-1])),
        encoder.significand.eq(narrowed(rest, needed)),
        encoder.scale.eq(Mux(larger, product_scale, given_scale) + 1 - above),
    ]
    return encoder.code
