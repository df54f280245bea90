"""Random numbers of floating-point formats: any bits, corners, numbers whose sums cancel."""

import numpy as np

from rtl.lockstep.draws import draw
from sim.jit import njit

STYLES = 6
ANY, CORNERS, NEAR_ONE, SMALL, MIXED, FEW_DIGITS = range(STYLES)
"""Any bits; special numbers and their neighbours; exponents near 0, so that sums round and cancel;
exponents where results become subnormal; all of these; sums that end halfway between numbers of a
shorter format."""

OPERANDS = np.dtype(
    [
        ("random", np.int64),  # state of the generator, never 0
        ("style", np.int64),
    ]
)


@njit
def draw_corner(t, fraction_bits, exponent_bits):
    """A zero, the smallest or largest of a kind, one, an infinity, a NaN; or next to it."""
    top = (1 << exponent_bits) - 1
    which = draw(t, 16)
    size = 0
    if which < 4:
        size = draw(t, 2)
    elif which < 6:
        size = (1 << fraction_bits) - draw(t, 2)
    elif which < 8:
        size = (top << fraction_bits) - 1 - draw(t, 2)
    elif which == 8:
        size = top << fraction_bits
    elif which == 9:
        size = (top << fraction_bits) + draw(t, 1 << fraction_bits)
    else:
        size = ((top >> 1) << fraction_bits) - 1 + draw(t, 3)
    return draw(t, 2) << (fraction_bits + exponent_bits) | size


@njit
def draw_operand(t, fraction_bits, exponent_bits):
    """A number of a format in the style of the traffic."""
    bits = 1 + fraction_bits + exponent_bits
    style = t["style"]
    if style == MIXED:
        # Rarely what is not finite: an accumulator that is a NaN stays one.
        style = NEAR_ONE
        if draw(t, 16) == 0:
            style = SMALL
        elif draw(t, 256) == 0:
            style = CORNERS
    if style == ANY:
        return draw(t, 1 << bits)
    if style == CORNERS:
        return draw_corner(t, fraction_bits, exponent_bits)
    middle = (1 << (exponent_bits - 1)) - 1
    exponent = middle - 4 + draw(t, 3 if style == FEW_DIGITS else 8)
    if style == SMALL:
        # Of products of bf16, those that are subnormal in fp32.
        exponent = draw(t, 6)
        if exponent_bits == 8:
            exponent = middle - 76 + draw(t, 14)
    digits = draw(t, 1 << fraction_bits)
    if style == FEW_DIGITS:
        digits &= (4 + 2 * draw(t, 2)) << (fraction_bits - 3)
    elif draw(t, 4) == 0:
        digits &= 7 << (fraction_bits - 3)
    return draw(t, 2) << (bits - 1) | exponent << fraction_bits | digits


@njit
def count_kinds(size, fraction_bits, exponent_bits, events, first):
    """Count what is a NaN, infinite or subnormal, the events from ``first`` on; ``size``: a number
    of a format without its sign."""
    infinity = ((1 << exponent_bits) - 1) << fraction_bits
    events[first] += size > infinity
    events[first + 1] += size == infinity
    events[first + 2] += 0 < size < (1 << fraction_bits)
