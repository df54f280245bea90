"""An exact accumulator: limbs of 32 bits, lowest first, in int64, carries taken later.

The number is the sum of ``limbs[i] * 2^(32 i)``, times two to an exponent that the caller keeps.
"""

import numpy as np

from sim.jit import njit
from sim.mac.record import FINITE

LIMB_BITS = 32
LIMB_MASK = (1 << LIMB_BITS) - 1
CARRY_LIMBS = 3
"""More than the bits of the summands take."""
SUMMANDS_MOST = 1 << 30
"""As many may be added between two carries."""
TAKEN_BITS = 61
"""Of the number when it is rounded; the last is sticky."""


@njit
def clear(limbs):
    for i in range(limbs.shape[0]):
        limbs[i] = 0


@njit
def add_shifted(limbs, negative, significand, place):
    """Add significand * 2^place; the significand is below 2^63."""
    limb = place >> 5
    within = place & 31
    low = (significand << within) & LIMB_MASK
    middle = (significand >> (LIMB_BITS - within)) & LIMB_MASK
    high = (significand >> LIMB_BITS) >> (LIMB_BITS - within)
    if negative:
        limbs[limb] -= low
        limbs[limb + 1] -= middle
        limbs[limb + 2] -= high
    else:
        limbs[limb] += low
        limbs[limb + 1] += middle
        limbs[limb + 2] += high


@njit
def carry(limbs):
    """Bring all limbs but the highest into 0 .. 2^32 - 1; the highest has the sign."""
    for i in range(limbs.shape[0] - 1):
        limbs[i + 1] += limbs[i] >> LIMB_BITS
        limbs[i] &= LIMB_MASK


@njit
def scaled(limbs, factor):
    """Multiply by a factor below 2^30, after ``carry``."""
    for i in range(limbs.shape[0]):
        limbs[i] *= factor
    carry(limbs)


@njit
def taken(limbs, exponent):
    """The number as ``codec.encode`` takes it, its last bit sticky. ``limbs`` are used up."""
    carry(limbs)
    last = limbs.shape[0] - 1
    negative = limbs[last] < 0
    if negative:
        for i in range(last + 1):
            limbs[i] = -limbs[i]
        carry(limbs)
    top = last
    while top > 0 and limbs[top] == 0:
        top -= 1
    wide = np.int64(0)
    while limbs[top] >> wide:
        wide += 1
    second = limbs[top - 1] if top > 0 else np.int64(0)
    third = limbs[top - 2] if top > 1 else np.int64(0)
    rest = TAKEN_BITS - wide
    if rest <= LIMB_BITS:
        significand = (limbs[top] << rest) | (second >> (LIMB_BITS - rest))
        lost = (second & ((np.int64(1) << (LIMB_BITS - rest)) - 1)) | third
    else:
        left = 2 * LIMB_BITS - rest
        significand = (limbs[top] << rest) | (second << (rest - LIMB_BITS)) | (third >> left)
        lost = third & ((np.int64(1) << left) - 1)
    for i in range(top - 2):
        lost |= limbs[i]
    return FINITE, negative, significand | np.int64(lost != 0), exponent + LIMB_BITS * top - rest
