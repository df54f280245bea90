"""Dots of formats of 16 bits or fewer from tables, bit for bit those of ``sim.mac.dots``.

An operand is one packed integer: significand, exponent above its format's least, a flag for what is
no number. Significands are normalised, so that an exponent bounds what a product is. A result is
NO_CODE, and for ``sim.mac.dots`` to work out, where a flag or an overflow to infinity was met.
"""

import numpy as np

from sim.jit import njit
from sim.mac.codec import decode, encode, top_bit
from sim.mac.quire import add_shifted, clear, taken
from sim.mac.record import FINITE, NO_CODE

EXPONENT_SHIFT, EXPONENT_MASK = 1, 1023
SIGNIFICAND_SHIFT = 11
BIN_SHIFT, BIN_MASK = 4, 15
"""Bins are 16 bits apart, so that what falls into one is shifted by less."""
WAYS = 4
"""Bins for summands in turn: one waits for its last sum otherwise."""


@njit
def pack_table(form, width, least, table):
    """``table[code]``: packed, with significands of ``width`` bits, exponents from ``least``."""
    row = form[0]
    for code in range(table.shape[0]):
        kind_of, negative, significand, exponent = decode(np.int64(code), row)
        if kind_of != FINITE:
            table[code] = 1
        elif significand == 0:
            table[code] = 0
        else:
            up = width - 1 - top_bit(significand)
            significand <<= up
            packed = (-significand if negative else significand) << SIGNIFICAND_SHIFT
            table[code] = packed | ((exponent - up - least) << EXPONENT_SHIFT)


@njit
def pack(codes, table, out):
    """Look codes up."""
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            out[i, j] = table[codes[i, j]]


@njit
def fixed_table(form, exponent, table):
    """``table[code]``: the number in units of 2^exponent; 0 for what is none."""
    row = form[0]
    for code in range(table.shape[0]):
        _, negative, significand, scale = decode(np.int64(code), row)
        number = significand << (scale - exponent) if significand != 0 else np.int64(0)
        table[code] = -number if negative else number


@njit
def matmul_fixed(a, b, exponent, form, sums, out):
    """Rounded once, where all sums fit into 64 bits. ``a`` [m, k], ``b`` [k, n]: in units of their
    formats; ``sums`` [n]: room; ``exponent``: of the product of the units."""
    row = form[0]
    for i in range(a.shape[0]):
        sums[:] = 0
        for k in range(a.shape[1]):
            factor = np.int64(a[i, k])
            for j in range(b.shape[1]):
                sums[j] += factor * np.int64(b[k, j])
        for j in range(b.shape[1]):
            out[i, j] = encode(FINITE, sums[j] < 0, abs(sums[j]), np.int64(exponent), row)


@njit
def matmul_bins(a, b, exponent, chunk, form, bins, limbs, out):
    """Rounded once. ``a`` [m, k], ``b`` [n, k]: packed; ``bins``, ``limbs``: room; ``chunk``: as
    many products fit into a bin; ``exponent``: of the lowest bit of a product."""
    row = form[0]
    depth = a.shape[1]
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            clear(limbs)
            flags = np.int32(0)
            first = 0
            while first < depth:
                bins[:] = 0
                last = min(first + chunk, depth)
                for k in range(first, last):
                    x, y = a[i, k], b[j, k]
                    flags |= x | y
                    place = np.int64(
                        ((x >> EXPONENT_SHIFT) & EXPONENT_MASK)
                        + ((y >> EXPONENT_SHIFT) & EXPONENT_MASK)
                    )
                    term = np.int64(x >> SIGNIFICAND_SHIFT) * np.int64(y >> SIGNIFICAND_SHIFT)
                    bins[(place >> BIN_SHIFT) * WAYS + (k & (WAYS - 1))] += term << (
                        place & BIN_MASK
                    )
                for way in range(bins.shape[0]):
                    if bins[way] != 0:
                        add_shifted(
                            limbs, bins[way] < 0, abs(bins[way]), (way // WAYS) << BIN_SHIFT
                        )
                first = last
            if flags & 1:
                out[i, j] = NO_CODE
            else:
                kind_of, negative, significand, scale = taken(limbs, np.int64(exponent))
                out[i, j] = encode(kind_of, negative, significand, scale, row)
