"""Dots of any two formats into a third, on codes: rounded once, or after each multiply and add.

A sum that is exactly zero is +0, whatever the signs of zeros in it; one that rounds to zero keeps
its sign. This is the plain way, for all formats; ``sim.mac.fast`` is for those of
16 bits or fewer.
"""

import numpy as np

from sim.jit import njit
from sim.mac.codec import decode, encode
from sim.mac.operations import product, total
from sim.mac.quire import SUMMANDS_MOST, add_shifted, carry, clear, taken
from sim.mac.record import FINITE, INFINITE, NO_CODE, NOT_A_NUMBER

IS_NAN, IS_PLUS, IS_MINUS = 1, 2, 4
"""Bits of what a sum has met."""


@njit
def met(seen, kind_of, negative):
    """``seen`` with the class of one more summand."""
    if kind_of == NOT_A_NUMBER:
        return seen | IS_NAN
    if kind_of == INFINITE:
        return seen | (IS_MINUS if negative else IS_PLUS)
    return seen


@njit
def rounded_sum(limbs, exponent, seen, out_form):
    """Code of a quire, or of what is no number."""
    if seen & IS_NAN or seen == IS_PLUS | IS_MINUS:
        return encode(NOT_A_NUMBER, False, np.int64(0), np.int64(0), out_form)
    if seen:
        return encode(INFINITE, seen == IS_MINUS, np.int64(0), np.int64(0), out_form)
    kind_of, negative, significand, scale = taken(limbs, exponent)
    return encode(kind_of, negative, significand, scale, out_form)


@njit
def dot_once(a, b, start, a_form, b_form, out_form, limbs, exponent):
    """Start + a . b, rounded once."""
    clear(limbs)
    kind_of, negative, significand, scale = decode(start, out_form)
    seen = met(np.int64(0), kind_of, negative)
    if significand != 0:
        add_shifted(limbs, negative, significand, scale - exponent)
    for i in range(a.shape[0]):
        kind_of, negative, significand, scale = product(decode(a[i], a_form), decode(b[i], b_form))
        seen = met(seen, kind_of, negative)
        if significand != 0:
            add_shifted(limbs, negative, significand, scale - exponent)
        if i % SUMMANDS_MOST == SUMMANDS_MOST - 1:
            carry(limbs)
    return rounded_sum(limbs, exponent, seen, out_form)


@njit
def dot_chain(a, b, start, a_form, b_form, out_form):
    """Start + a . b, each product added without rounding it, each sum rounded."""
    code = start
    for i in range(a.shape[0]):
        term = product(decode(a[i], a_form), decode(b[i], b_form))
        kind_of, negative, significand, scale = total(term, decode(code, out_form))
        negative = negative and (kind_of != FINITE or significand != 0)
        code = encode(kind_of, negative, significand, scale, out_form)
        if code == NO_CODE:
            break
    return code


@njit
def dots_once(a, b, start, forms, limbs, exponent, out):
    """Row by row; ``forms``: of ``a``, of ``b`` and of the result."""
    for i in range(a.shape[0]):
        out[i] = dot_once(
            a[i], b[i], start[i], forms[0], forms[1], forms[2], limbs, np.int64(exponent)
        )


@njit
def dots_chain(a, b, start, forms, out):
    """Row by row; ``forms``: of ``a``, of ``b`` and of the result."""
    for i in range(a.shape[0]):
        out[i] = dot_chain(a[i], b[i], start[i], forms[0], forms[1], forms[2])


@njit
def block_dot(a, b, a_scale, b_scale, size, forms, limbs, exponent):
    """Blocks of ``size`` elements, each sum times its two scales, added and rounded once.

    ``forms``: of ``a``, of ``b``, of their scales and of the result.
    """
    clear(limbs)
    seen = np.int64(0)
    for block in range(a_scale.shape[0]):
        scale = product(decode(a_scale[block], forms[2]), decode(b_scale[block], forms[3]))
        for i in range(block * size, (block + 1) * size):
            term = product(decode(a[i], forms[0]), decode(b[i], forms[1]))
            kind_of, negative, significand, place = product(term, scale)
            seen = met(seen, kind_of, negative)
            if kind_of == FINITE and significand != 0:
                add_shifted(limbs, negative, significand, place - exponent)
    return rounded_sum(limbs, exponent, seen, forms[4])


@njit
def block_dots(a, b, a_scale, b_scale, size, forms, limbs, exponent, out):
    """Row by row."""
    for i in range(a.shape[0]):
        out[i] = block_dot(
            a[i], b[i], a_scale[i], b_scale[i], size, forms, limbs, np.int64(exponent)
        )
