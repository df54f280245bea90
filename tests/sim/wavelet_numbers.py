"""Numbers of wavelets and memories, rounded once, by exact fractions."""

import math
from fractions import Fraction

FORMATS = ("fp16", "bf16", "fp32")
SHAPES = {"fp16": (11, -14, 15), "bf16": (8, -126, 127), "fp32": (24, -126, 127)}
"""Bits of the significand, smallest and largest exponent of a normal number."""
FIELDS = {"fp16": (5, 10), "bf16": (8, 7), "fp32": (8, 23)}
"""Bits of exponent and fraction."""


def nearest(value: Fraction, name: str) -> float:
    """The number of the format nearest to a fraction that is not zero, ties to even."""
    bits, smallest, largest = SHAPES[name]
    size = abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if size < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (max(exponent, smallest) - bits + 1)
    size = round(size / unit) * unit
    if size >= Fraction(2) ** (largest + 1):
        return math.copysign(math.inf, value)
    return math.copysign(float(size), value)


def rounded(value: float, name: str) -> float:
    """A double in the format."""
    if value == 0 or not math.isfinite(value):
        return value
    return nearest(Fraction(value), name)


def multiply_add(a: float, b: float, c: float, name: str) -> float:
    """``a * b + c`` rounded once."""
    if not all(map(math.isfinite, (a, b, c))):
        return a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact:
        return nearest(exact, name)
    # Of a product that is zero doubles give the sign; what cancels is plus zero.
    return a * b + c if a == 0 or b == 0 else 0.0


def encode(value: float, name: str) -> int:
    """Bits of a number of the format."""
    bits, smallest, largest = SHAPES[name]
    exponent_bits, fraction_bits = FIELDS[name]
    sign = int(math.copysign(1, value) < 0) << (exponent_bits + fraction_bits)
    top = (1 << exponent_bits) - 1
    if math.isnan(value):
        return sign | top << fraction_bits | 1 << (fraction_bits - 1)
    if math.isinf(value):
        return sign | top << fraction_bits
    size = abs(value)
    exponent = max(math.frexp(size)[1] - 1, smallest) if size else smallest
    whole = round(Fraction(size) / Fraction(2) ** (exponent - bits + 1))
    if whole < 1 << fraction_bits:
        return sign | whole
    return sign | (exponent + largest) << fraction_bits | whole - (1 << fraction_bits)


def decode(code: int, name: str) -> float:
    """The number with these bits."""
    bits, smallest, largest = SHAPES[name]
    exponent_bits, fraction_bits = FIELDS[name]
    sign = -1.0 if code >> (exponent_bits + fraction_bits) & 1 else 1.0
    exponent = code >> fraction_bits & ((1 << exponent_bits) - 1)
    fraction = code & ((1 << fraction_bits) - 1)
    if exponent == (1 << exponent_bits) - 1:
        return math.nan if fraction else sign * math.inf
    if exponent == 0:
        return sign * math.ldexp(fraction, smallest - bits + 1)
    return sign * math.ldexp(fraction + (1 << fraction_bits), exponent - largest - bits + 1)
