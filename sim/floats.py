"""Floating-point arithmetic on bits, in integers alone: sums, products, conversions, maxima.

As IEEE 754, to the nearest, ties to even, with subnormals; every NaN that comes out is the one
canonical quiet NaN of its format. A number is its bits in an int64, without a sign. Sums and
products are formed exactly and rounded once.
"""

from sim.jit import njit

FRACTION_FP32, EXPONENT_FP32 = 23, 8
FRACTION_BITS = {"bf16": 7, "fp16": 10, "fp32": 23}
EXPONENT_BITS = {"bf16": 8, "fp16": 5, "fp32": 8}
NAN_FP32 = 0x7FC00000
MINUS_ZERO_FP32 = 0x80000000
MINUS_INFINITY_FP32 = 0xFF800000
EXACT_SHIFT = 38
"""So far are two significands of 24 bits shifted apart in 63 bits."""


@njit
def bit_length(value):
    """Bits of a number of at most 63."""
    bits = 0
    step = 32
    while step:
        if value >> step:
            value >>= step
            bits += step
        step >>= 1
    return bits + (1 if value else 0)


@njit
def unit_exponent(bits, fraction_bits, exponent_bits):
    """Exponent of the last place, counted from that of subnormals."""
    encoded = (bits >> fraction_bits) & ((1 << exponent_bits) - 1)
    return max(encoded, 1) - 1


@njit
def integer_of(bits, fraction_bits, exponent_bits):
    """The significand as an integer, in units of the last place."""
    fraction = bits & ((1 << fraction_bits) - 1)
    if (bits >> fraction_bits) & ((1 << exponent_bits) - 1):
        fraction |= 1 << fraction_bits
    return fraction


@njit
def magnitude_of(bits, fraction_bits, exponent_bits):
    """All bits but the sign."""
    return bits & ((1 << (fraction_bits + exponent_bits)) - 1)


@njit
def infinity_of(fraction_bits, exponent_bits):
    """Bits of the positive infinity."""
    return ((1 << exponent_bits) - 1) << fraction_bits


@njit
def nearest(negative, integer, exponent, fraction_bits, exponent_bits):
    """Bits of the number nearest to ``integer * 2**exponent`` units of the smallest subnormal.

    ``integer`` is exact, below 2**62; or, if the result drops bits of it, may have a lowest bit
    that stands for more below.
    """
    sign = (1 if negative else 0) << (fraction_bits + exponent_bits)
    if integer == 0:
        return sign
    drop = max(bit_length(integer) - fraction_bits - 1, -exponent)
    if drop > 62:
        return sign
    if drop <= 0:
        kept = integer << -drop
    else:
        kept = integer >> drop
        rest = integer & ((1 << drop) - 1)
        half = 1 << (drop - 1)
        if rest > half or (rest == half and kept & 1):
            kept += 1
    place = exponent + drop
    # The hidden bit counts as 1 in the exponent; so does a carry.
    bits = (place << fraction_bits) + kept
    return sign | min(bits, infinity_of(fraction_bits, exponent_bits))


@njit
def add(x, y):
    """The sum of two fp32."""
    infinity = infinity_of(FRACTION_FP32, EXPONENT_FP32)
    if (x & 0x7FFFFFFF) < (y & 0x7FFFFFFF):
        x, y = y, x
    if (x & 0x7FFFFFFF) >= infinity:
        if (x & 0x7FFFFFFF) > infinity or (x ^ y == 0x80000000):
            return NAN_FP32
        return x
    places = unit_exponent(x, FRACTION_FP32, EXPONENT_FP32)
    distance = places - unit_exponent(y, FRACTION_FP32, EXPONENT_FP32)
    small = integer_of(y, FRACTION_FP32, EXPONENT_FP32)
    if distance > EXACT_SHIFT:
        distance = EXACT_SHIFT
        small = min(small, 1)
    large = integer_of(x, FRACTION_FP32, EXPONENT_FP32) << distance
    if x >> 31 == y >> 31:
        return nearest(x >> 31, large + small, places - distance, FRACTION_FP32, EXPONENT_FP32)
    if large == small:
        return 0
    return nearest(x >> 31, large - small, places - distance, FRACTION_FP32, EXPONENT_FP32)


@njit
def multiply(x, y, fraction_bits, exponent_bits):
    """The product of two numbers of a format, in fp32: exact unless it is less than 2**-126 or too
    large, or the format is fp32."""
    top = fraction_bits + exponent_bits
    negative = (x ^ y) >> top
    infinity = infinity_of(fraction_bits, exponent_bits)
    x_size = magnitude_of(x, fraction_bits, exponent_bits)
    y_size = magnitude_of(y, fraction_bits, exponent_bits)
    if max(x_size, y_size) >= infinity:
        if max(x_size, y_size) > infinity or min(x_size, y_size) == 0:
            return NAN_FP32
        return negative << 31 | infinity_of(FRACTION_FP32, EXPONENT_FP32)
    integer = integer_of(x, fraction_bits, exponent_bits)
    integer *= integer_of(y, fraction_bits, exponent_bits)
    places = unit_exponent(x, fraction_bits, exponent_bits)
    places += unit_exponent(y, fraction_bits, exponent_bits)
    # The smallest subnormals of both formats, as powers of two.
    smallest = 2 - (1 << (exponent_bits - 1)) - fraction_bits
    return nearest(negative, integer, places + 2 * smallest + 149, FRACTION_FP32, EXPONENT_FP32)


@njit
def narrow(x, fraction_bits, exponent_bits):
    """An fp32 rounded to a format."""
    size = x & 0x7FFFFFFF
    infinity = infinity_of(fraction_bits, exponent_bits)
    if size > infinity_of(FRACTION_FP32, EXPONENT_FP32):
        return infinity | 1 << (fraction_bits - 1)
    if size == infinity_of(FRACTION_FP32, EXPONENT_FP32):
        return (x >> 31) << (fraction_bits + exponent_bits) | infinity
    smallest = 2 - (1 << (exponent_bits - 1)) - fraction_bits
    exponent = unit_exponent(x, FRACTION_FP32, EXPONENT_FP32) - 149 - smallest
    integer = integer_of(x, FRACTION_FP32, EXPONENT_FP32)
    return nearest(x >> 31, integer, exponent, fraction_bits, exponent_bits)


@njit
def widen(x, fraction_bits, exponent_bits):
    """A number of a format as fp32, which is exact."""
    size = magnitude_of(x, fraction_bits, exponent_bits)
    infinity = infinity_of(fraction_bits, exponent_bits)
    sign = x >> (fraction_bits + exponent_bits)
    if size > infinity:
        return NAN_FP32
    if size == infinity:
        return sign << 31 | infinity_of(FRACTION_FP32, EXPONENT_FP32)
    smallest = 2 - (1 << (exponent_bits - 1)) - fraction_bits
    exponent = unit_exponent(x, fraction_bits, exponent_bits) + smallest + 149
    integer = integer_of(x, fraction_bits, exponent_bits)
    return nearest(sign, integer, exponent, FRACTION_FP32, EXPONENT_FP32)


@njit
def maximum(x, y):
    """The larger of two fp32: +0 is larger than -0, a NaN gives the canonical one."""
    infinity = infinity_of(FRACTION_FP32, EXPONENT_FP32)
    if (x & 0x7FFFFFFF) > infinity or (y & 0x7FFFFFFF) > infinity:
        return NAN_FP32
    # As integers with a sign, -0 below +0.
    x_rank = x if x >> 31 == 0 else ~(x & 0x7FFFFFFF)
    y_rank = y if y >> 31 == 0 else ~(y & 0x7FFFFFFF)
    return x if x_rank >= y_rank else y
