"""What the numbers of a format span."""

from arch.mac.kinds import Float, Int, Posit, Scalar, power


def has_nan(form: Scalar) -> bool:
    """Whether some code is no number."""
    return isinstance(form, Posit) or (isinstance(form, Float) and form.specials != "none")


def has_infinity(form: Scalar) -> bool:
    """Whether some code is infinity."""
    return isinstance(form, Float) and form.has_infinity


def unit_exponent(form: Scalar) -> int:
    """All numbers of a format are multiples of 2 to this."""
    return form.smallest.numerator.bit_length() - form.smallest.denominator.bit_length()


def magnitude_exponent(form: Scalar) -> int:
    """No number of a format is beyond 2 to this."""
    most = max(form.largest, -form.least)
    exponent = most.numerator.bit_length() - most.denominator.bit_length()
    while power(exponent) < most:
        exponent += 1
    while power(exponent - 1) >= most:
        exponent -= 1
    return exponent


def significand_bits(form: Scalar) -> int:
    """Bits of the widest significand, its leading one included."""
    if isinstance(form, Int):
        return form.bits
    if isinstance(form, Posit):
        return max(form.bits - 2 - form.es, 1)
    return form.mantissa_bits + 1
