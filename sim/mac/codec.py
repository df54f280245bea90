"""Decode and encode: codes to ``(class, negative, significand, exponent)`` and back.

The value is ``significand * 2^exponent``; a significand is below 2^62 and its last bit may stand
for all that is below it (sticky), so long as two bits or more are between it and the last bit that
the format keeps. Rounding is to the nearest, ties to even. ``form`` is a record of ``FORMAT``.
"""

import numpy as np

from sim.jit import njit
from sim.mac.record import (
    FINITE,
    IEEE,
    INFINITE,
    INT,
    NAN_ONLY,
    NO_CODE,
    NOT_A_NUMBER,
    POSIT,
    SATURATE,
    UNSIGNED_ZERO,
    WRAP,
)

SHIFT_MOST = 62


@njit
def top_bit(number):
    """Place of the highest bit set; ``number`` is above 0."""
    # The second bit cleared, so that the conversion does not round up to the next power of two.
    alone = np.float64(number & ~(number >> 1))
    return (alone.view(np.int64) >> 52) - 1023


@njit
def jammed(number, places):
    """Shifted right, the last bit set if any bit was lost; ``places`` is 0 or more."""
    places = min(places, np.int64(63))
    kept = number >> places
    return kept | np.int64((kept << places) != number)


@njit
def rounded_off(number, places):
    """Divided by 2^places to the nearest, ties to even; of negative places multiplied."""
    if places <= 0:
        return number << -places
    if places > SHIFT_MOST:
        return np.int64(0)
    kept = number >> places
    rest = number - (kept << places)
    half = np.int64(1) << (places - 1)
    return kept + np.int64(rest > half or (rest == half and (kept & 1) == 1))


@njit
def decode_posit(code, form):
    bits, es = form["bits"], form["es"]
    sign = np.int64(1) << (bits - 1)
    if code == 0:
        return FINITE, False, np.int64(0), np.int64(0)
    if code == sign:
        return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
    negative = code & sign != 0
    if negative:
        code = (sign << 1) - code
    place = bits - 2
    first = (code >> place) & 1
    run = np.int64(0)
    while place >= 0 and (code >> place) & 1 == first:
        run += 1
        place -= 1
    regime = run - 1 if first else -run
    # Bits that are cut off at the end are zeros.
    rest_bits = max(place, np.int64(0))
    rest = code & ((np.int64(1) << rest_bits) - 1)
    fraction_bits = max(rest_bits - es, np.int64(0))
    if rest_bits >= es:
        exponent = rest >> fraction_bits
    else:
        exponent = rest << (es - rest_bits)
    fraction = rest & ((np.int64(1) << fraction_bits) - 1)
    significand = (np.int64(1) << fraction_bits) + fraction
    return FINITE, negative, significand, (regime << es) + exponent - fraction_bits


@njit
def decode_float(code, form):
    bits, mantissa, specials = form["bits"], form["mantissa"], form["specials"]
    negative = form["signed"] == 1 and code >> (bits - 1) != 0
    size = code & ((np.int64(1) << (bits - form["signed"])) - 1)
    if specials == UNSIGNED_ZERO and negative and size == 0:
        return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
    if size > form["largest"]:
        if specials == IEEE and size == form["largest"] + 1:
            return INFINITE, negative, np.int64(0), np.int64(0)
        if specials in (IEEE, NAN_ONLY):
            return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
    field = size >> mantissa
    significand = size & ((np.int64(1) << mantissa) - 1)
    if field > 0 or form["zero"] == 0:
        significand += np.int64(1) << mantissa
        field -= form["zero"]
    return FINITE, negative, significand, field + form["exponent_least"] - mantissa


@njit
def decode(code, form):
    """Class, whether negative, significand and exponent of a code."""
    if form["kind"] == POSIT:
        return decode_posit(code, form)
    if form["kind"] == INT:
        bits = form["bits"]
        if form["signed"] == 1 and code >> (bits - 1) != 0:
            return FINITE, True, (np.int64(1) << bits) - code, -form["point"]
        return FINITE, False, code, -form["point"]
    return decode_float(code, form)


@njit
def encode_posit(negative, significand, exponent, form):
    bits, es = form["bits"], form["es"]
    if significand == 0:
        return np.int64(0)
    top = top_bit(significand)
    scale = exponent + top
    most = (bits - 2) << es
    if scale >= most:
        body = form["largest"]
    elif scale < -most:
        body = np.int64(1)
    else:
        regime = scale >> es
        low = scale - (regime << es)
        if regime >= 0:
            regime_bits = regime + 2
            body = (np.int64(1) << regime_bits) - 2
        else:
            regime_bits = 1 - regime
            body = np.int64(1)
        # Two bits more than fit, the last of them sticky.
        fraction_bits = max(bits - 1 - regime_bits - es, np.int64(0)) + 2
        fraction = significand - (np.int64(1) << top)
        if top > fraction_bits:
            fraction = jammed(fraction, top - fraction_bits)
        else:
            fraction <<= fraction_bits - top
        body = (((body << es) | low) << fraction_bits) | fraction
        body = rounded_off(body, regime_bits + es + fraction_bits - (bits - 1))
    return (np.int64(1) << bits) - body if negative else body


@njit
def encode_int(negative, significand, exponent, form):
    places = -form["point"] - exponent
    mask = (np.int64(1) << form["bits"]) - 1
    if significand != 0 and places < 0 and top_bit(significand) - places > SHIFT_MOST:
        if form["overflow"] == WRAP:
            size = significand << -places if places > -64 else np.int64(0)
        else:
            size = np.int64(1) << SHIFT_MOST
    else:
        size = rounded_off(significand, places)
    number = -size if negative else size
    if form["overflow"] == SATURATE:
        number = min(max(number, form["least"]), form["largest"])
    return number & mask


@njit
def encode_float(negative, significand, exponent, form):
    bits, mantissa = form["bits"], form["mantissa"]
    sign = np.int64(negative) << (bits - 1)
    if negative and form["signed"] == 0:
        if form["zero"] == 0:
            return form["nan"]
        return np.int64(0)
    if significand == 0:
        if form["zero"] == 0 or form["specials"] == UNSIGNED_ZERO:
            return np.int64(0)
        return sign
    least = form["exponent_least"]
    scale = max(exponent + top_bit(significand), least)
    size = rounded_off(significand, scale - mantissa - exponent) + ((scale - least) << mantissa)
    if form["zero"] == 0:
        size = max(size - 1, np.int64(0))
    if size > form["largest"]:
        if form["overflow"] == SATURATE:
            size = form["largest"]
        elif form["infinity"] != NO_CODE:
            size = form["infinity"]
        else:
            return form["nan"]
    if size == 0 and form["specials"] == UNSIGNED_ZERO:
        return size
    return sign | size


@njit
def encode(kind_of, negative, significand, exponent, form):
    """The nearest code of a number; NO_CODE where the format has none."""
    if kind_of == NOT_A_NUMBER:
        return form["nan"]
    if form["kind"] == POSIT:
        if kind_of == INFINITE:
            return form["nan"]
        return encode_posit(negative, significand, exponent, form)
    if kind_of == INFINITE:
        if form["infinity"] == NO_CODE:
            return np.int64(NO_CODE)
        return form["infinity"] | (np.int64(negative) << (form["bits"] - 1))
    if form["kind"] == INT:
        return encode_int(negative, significand, exponent, form)
    return encode_float(negative, significand, exponent, form)


@njit
def parts_of_float64(number):
    """Class, whether negative, significand and exponent of a float64."""
    bits = np.float64(number).view(np.int64)
    negative = bits < 0
    field = (bits >> 52) & 0x7FF
    significand = bits & 0xFFFFFFFFFFFFF
    if field == 0x7FF:
        if significand != 0:
            return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
        return INFINITE, negative, np.int64(0), np.int64(0)
    if field != 0:
        significand += np.int64(1) << 52
        field -= 1
    return FINITE, negative, significand, field - 1074


@njit
def float64_of(kind_of, negative, significand, exponent):
    """A number of 53 bits or less as a float64; its exponent is that of a normal one."""
    if kind_of == NOT_A_NUMBER:
        return np.nan
    if kind_of == INFINITE:
        return -np.inf if negative else np.inf
    size = np.float64(significand) * np.int64((exponent + 1023) << 52).view(np.float64)
    return -size if negative else size


@njit
def decode_all(codes, form, out):
    """``out[i]``: the value of ``codes[i]``."""
    row = form[0]
    for i in range(codes.shape[0]):
        kind_of, negative, significand, exponent = decode(codes[i], row)
        out[i] = float64_of(kind_of, negative, significand, exponent)


@njit
def encode_all(values, form, out):
    """``out[i]``: the nearest code of ``values[i]``, NO_CODE where there is none."""
    row = form[0]
    for i in range(values.shape[0]):
        kind_of, negative, significand, exponent = parts_of_float64(values[i])
        out[i] = encode(kind_of, negative, significand, exponent, row)
