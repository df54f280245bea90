"""Multiply and add with one rounding, on what ``codec.decode`` gives."""

import numpy as np

from sim.jit import njit
from sim.mac.codec import decode, encode, jammed, top_bit
from sim.mac.record import FINITE, INFINITE, NOT_A_NUMBER

ALIGNED_BIT = 60
"""Place of the highest bit of aligned summands; their sum stays below 2^62."""


@njit
def product(a, b):
    """The exact product; significands of 30 bits at most."""
    kind_a, negative_a, significand_a, exponent_a = a
    kind_b, negative_b, significand_b, exponent_b = b
    negative = negative_a != negative_b
    if kind_a == NOT_A_NUMBER or kind_b == NOT_A_NUMBER:
        return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
    if kind_a == INFINITE or kind_b == INFINITE:
        if (kind_a == FINITE and significand_a == 0) or (kind_b == FINITE and significand_b == 0):
            return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
        return INFINITE, negative, np.int64(0), np.int64(0)
    return FINITE, negative, significand_a * significand_b, exponent_a + exponent_b


@njit
def aligned(significand, exponent):
    """With its highest bit at ALIGNED_BIT."""
    up = ALIGNED_BIT - top_bit(significand)
    if up < 0:
        # Of two 32-bit integers only, which saturate.
        return jammed(significand, -up), exponent - up
    return significand << up, exponent - up


@njit
def total(a, b):
    """The sum, its last bit sticky; significands of 60 bits and 30 bits at most."""
    kind_a, negative_a, significand_a, exponent_a = a
    kind_b, negative_b, significand_b, exponent_b = b
    if kind_a != FINITE or kind_b != FINITE:
        if kind_a == NOT_A_NUMBER or kind_b == NOT_A_NUMBER:
            return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
        if kind_a == kind_b and negative_a != negative_b:
            return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
        negative = negative_a if kind_a == INFINITE else negative_b
        return INFINITE, negative, np.int64(0), np.int64(0)
    if significand_a == 0 and significand_b == 0:
        return FINITE, negative_a and negative_b, np.int64(0), np.int64(0)
    if significand_a == 0:
        return b
    if significand_b == 0:
        return a
    significand_a, exponent_a = aligned(significand_a, exponent_a)
    significand_b, exponent_b = aligned(significand_b, exponent_b)
    # Bits are lost only where the places differ by two or more, and then no more than one cancels.
    if exponent_a >= exponent_b:
        significand_b = jammed(significand_b, exponent_a - exponent_b)
        exponent = exponent_a
    else:
        significand_a = jammed(significand_a, exponent_b - exponent_a)
        exponent = exponent_b
    if negative_a:
        significand_a = -significand_a
    if negative_b:
        significand_b = -significand_b
    signed = significand_a + significand_b
    return FINITE, signed < 0, abs(signed), exponent


@njit
def multiply(a, b, form):
    """Code of the rounded product of two codes."""
    kind_of, negative, significand, exponent = product(decode(a, form), decode(b, form))
    return encode(kind_of, negative, significand, exponent, form)


@njit
def add(a, b, form):
    """Code of the rounded sum of two codes."""
    kind_of, negative, significand, exponent = total(decode(a, form), decode(b, form))
    return encode(kind_of, negative, significand, exponent, form)


@njit
def multiply_all(a, b, form, out):
    """Element by element."""
    row = form[0]
    for i in range(a.shape[0]):
        out[i] = multiply(a[i], b[i], row)


@njit
def add_all(a, b, form, out):
    """Element by element."""
    row = form[0]
    for i in range(a.shape[0]):
        out[i] = add(a[i], b[i], row)
