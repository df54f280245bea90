"""Chained dots of formats of 16 bits or fewer, bit for bit those of ``sim.mac.dots``.

Sums are kept as integers, in units of 2^unit of which all numbers of the result's format are
multiples by four; a product's lower bits are jammed into the last. Operands are packed as in
``sim.mac.fast``. Columns go side by side, and loops over them have nothing in them that a vector
unit cannot do; what is rare is done again after them.
"""

import numpy as np

from sim.jit import njit
from sim.mac.codec import encode, top_bit
from sim.mac.fast import EXPONENT_MASK, EXPONENT_SHIFT, SIGNIFICAND_SHIFT
from sim.mac.record import FINITE, NO_CODE, POSIT, SATURATE

SHIFT_MOST = 62


@njit
def added(total, x_significand, x_back, y):
    """A sum and one more product, its lowest bit sticky."""
    term = x_significand * np.int64(y >> SIGNIFICAND_SHIFT)
    shift = x_back - np.int64((y >> EXPONENT_SHIFT) & EXPONENT_MASK)
    shift = min(max(shift, np.int64(0)), np.int64(SHIFT_MOST))
    kept = term >> shift
    return total + (kept | np.int64((kept << shift) != term))


@njit
def to_multiple(size, place):
    """The nearest multiple of 2^place, which is 2 or more; ties to even."""
    half = np.int64(1) << (place - 1)
    return ((size + half - 1 + ((size >> place) & 1)) >> place) << place


@njit
def float_row(x_significand, x_back, b, sums, exact, least_place, mantissa, most):
    """One product more into each column. Returns whether a sum was larger than ``most``."""
    over = np.int64(0)
    for j in range(b.shape[0]):
        total = added(sums[j], x_significand, x_back, b[j])
        size = abs(total)
        place = max(top_bit(size | 1) - mantissa, least_place)
        near = to_multiple(size, place)
        over |= np.int64(near > most)
        near = min(near, most)
        exact[j] = total
        sums[j] = -near if total < 0 else near
    return over


@njit
def fraction_places(top, unit, bits, es):
    """Bits of fraction that a posit has whose highest bit is ``top``, in units of 2^unit; below
    1 where its exponent is cut off."""
    regime = (top + unit) >> es
    return bits - 1 - es - (regime + 2 if regime >= 0 else 1 - regime)


@njit
def posit_row(x_significand, x_back, b, sums, exact, unit, bits, es):
    """One product more into each column. Returns whether any of them has no fraction, and is to
    be rounded by ``posit_extremes``."""
    rare = np.int64(0)
    for j in range(b.shape[0]):
        total = added(sums[j], x_significand, x_back, b[j])
        size = abs(total)
        top = top_bit(size | 1)
        kept = fraction_places(top, unit, bits, es)
        rare |= np.int64(kept < 1) & np.int64(size != 0)
        near = to_multiple(size, top - max(kept, np.int64(1)))
        exact[j] = total
        sums[j] = -near if total < 0 else near
    return rare


@njit
def posit_extremes(exact, sums, unit, bits, es, low, high, tie):
    """Sums that are rounded to one of two powers of two."""
    for j in range(sums.shape[0]):
        size = abs(exact[j])
        top = top_bit(size | 1)
        if size != 0 and fraction_places(top, unit, bits, es) < 1:
            near = high[top] if size > tie[top] else low[top]
            sums[j] = -near if exact[j] < 0 else near


@njit
def extremes_of_posit(form, unit, low, high, tie):
    """By the place of a sum's highest bit: the power of two at or below, the next one, and beyond
    what the latter is nearer."""
    row = form[0]
    bits, es = row["bits"], row["es"]
    most = (bits - 2) << es
    for top in range(low.shape[0]):
        scale = top + unit
        cut = -fraction_places(np.int64(top), unit, bits, es)
        low[top], high[top], tie[top] = 0, 0, 0
        if scale < -most:
            # Never to zero.
            high[top] = np.int64(1) << (-most - unit)
        elif scale >= most:
            low[top] = high[top] = np.int64(1) << (most - unit)
        elif cut >= 0:
            cut = min(cut, es)
            below = (scale >> cut) << cut
            low[top] = np.int64(1) << (below - unit)
            high[top] = low[top] << (1 << cut)
            tie[top] = low[top] << (1 << cut >> 1) if cut > 0 else low[top] + (low[top] >> 1)
            # A tie goes to the even code.
            tie[top] -= encode(FINITE, False, np.int64(1), np.int64(below), row) & 1


@njit
def matmul_chain(a, b, unit, up, back, form, extremes, most, sums, exact, out):
    """Rounded after each product is added.

    - ``a`` [m, k], ``b`` [k, n]: packed
    - ``up``: products are shifted left by it, then right by ``back`` less their exponents
    - ``extremes`` [3, 64]: of ``extremes_of_posit``
    - ``most``: the largest number, in units
    - ``sums``, ``exact`` [n]: room
    """
    row = form[0]
    bits, es, mantissa = row["bits"], row["es"], row["mantissa"]
    least_place = row["exponent_least"] - mantissa - unit
    is_posit = row["kind"] == POSIT
    to_special = row["overflow"] != SATURATE
    for i in range(a.shape[0]):
        sums[:] = 0
        exact[:] = 0
        any_over = np.int64(0)
        for k in range(a.shape[1]):
            x = a[i, k]
            significand = np.int64(x >> SIGNIFICAND_SHIFT) << up
            x_back = back - np.int64((x >> EXPONENT_SHIFT) & EXPONENT_MASK)
            if is_posit:
                if posit_row(significand, x_back, b[k], sums, exact, unit, bits, es):
                    posit_extremes(
                        exact, sums, unit, bits, es, extremes[0], extremes[1], extremes[2]
                    )
            elif (
                float_row(significand, x_back, b[k], sums, exact, least_place, mantissa, most)
                and to_special
            ):
                any_over = np.int64(1)
        for j in range(b.shape[1]):
            if any_over:
                out[i, j] = NO_CODE
            else:
                # What is below zero and rounds to it keeps its sign.
                out[i, j] = encode(FINITE, exact[j] < 0, abs(sums[j]), np.int64(unit), row)


@njit
def matmul_float32(a, b, sums, out):
    """A chain in fp32 of formats whose products have 24 bits or fewer. ``a`` [m, k], ``b`` [k, n]:
    values; ``sums`` [n]: room; ``out``: values.

    The sum in float64 and then in float32 is that of one rounding: a float64 has more than twice
    the bits of either summand (S. Figueroa, When is Double Rounding Innocuous?, 1995).
    """
    for i in range(a.shape[0]):
        sums[:] = 0
        for k in range(a.shape[1]):
            factor = np.float64(a[i, k])
            for j in range(b.shape[1]):
                sums[j] = np.float32(np.float64(sums[j]) + factor * np.float64(b[k, j]))
        for j in range(b.shape[1]):
            out[i, j] = np.float64(sums[j])
