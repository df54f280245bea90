"""The SIMD engine's arithmetic, bit by bit: what a PE adds up, and what its sums are read as.

Wide numbers are limbs of 32 bits, lowest first, each 0 .. 2^32 - 1; the highest holds the rest.
A sum, or the exact sum of a word's products, is a two's complement number with bits above it that
say what it has met: NaN, then +infinity and -infinity where an operand can be infinite. What is
no number adds nothing to the number. A chained sum is a code.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from arch.mac.engine import Engine
from arch.mac.formats import scalar_named
from arch.mac.ranges import magnitude_exponent, unit_exponent
from sim.jit import njit
from sim.mac.codec import decode, encode
from sim.mac.dots import IS_MINUS, IS_NAN, IS_PLUS, met
from sim.mac.operations import product as product_of
from sim.mac.quire import CARRY_LIMBS, LIMB_BITS, LIMB_MASK, add_shifted, carry, clear, taken
from sim.mac.record import FLOAT, FORMAT, INFINITE, INT, NO_CODE, NOT_A_NUMBER, record_of

CHOICES_MOST = 16
"""Modes, and result formats, of an engine."""

MODE = np.dtype(
    [
        ("lanes", np.int64),
        ("left", FORMAT),  # of the inputs
        ("top", FORMAT),  # of the weights
        ("unit", np.int64),  # exponent of a product's lowest bit
        ("base", np.int64),  # exponent of the lowest bit of a product or a chained sum
    ]
)

ENGINE = np.dtype(
    [
        ("chained", np.int64),
        ("product_bits", np.int64),  # of the sum of a word's products, without special bits
        ("number_bits", np.int64),  # of a sum, without special bits
        ("special_bits", np.int64),  # 0, 1 (NaN) or 3 (and +infinity, -infinity)
        ("product_limbs", np.int64),
        ("sum_limbs", np.int64),
        ("mode_count", np.int64),
        ("result_count", np.int64),
        ("chain", FORMAT),
        ("modes", MODE, (CHOICES_MOST,)),
        ("results", FORMAT, (CHOICES_MOST,)),
    ]
)


def product_bits(engine: Engine) -> int:
    """Width of the exact sum of a word's products in two's complement, without special bits: no
    more than that of a quire, which wraps."""
    most = 2 + max(
        mode.product_bits + (engine.lanes(mode) - 1).bit_length() for mode in engine.modes
    )
    return most if engine.chain_format else min(most, engine.quire_bits)


def limbs_of(bits: int) -> int:
    """Limbs that a number takes."""
    return -(-bits // LIMB_BITS)


def engine_record(engine: Engine) -> npt.NDArray[np.void]:
    """An engine as kernels take it, an array of one.

    Raises InputError for a format that is too wide to be computed with.
    """
    made = np.zeros(1, ENGINE)
    row: Any = made[0]
    row["chained"] = engine.chain_format is not None
    row["product_bits"], row["special_bits"] = product_bits(engine), engine.special_bits
    row["number_bits"] = engine.sum_bits
    least = 0
    if engine.chain_format is not None:
        chain = scalar_named(engine.chain_format)
        row["chain"], least = record_of(chain)[0], unit_exponent(chain)
    else:
        row["number_bits"] = engine.quire_bits
    row["product_limbs"] = limbs_of(product_bits(engine) + engine.special_bits)
    row["sum_limbs"] = limbs_of(engine.sum_bits)
    row["mode_count"], row["result_count"] = len(engine.modes), len(engine.results)
    for mode, place in zip(engine.modes, row["modes"], strict=False):
        place["lanes"], place["unit"] = engine.lanes(mode), mode.unit_exponent
        place["left"], place["top"] = (record_of(form)[0] for form in mode.forms)
        place["base"] = min(mode.unit_exponent, least) if row["chained"] else mode.unit_exponent
    for i, name in enumerate(engine.results):
        row["results"][i] = record_of(scalar_named(name))[0]
    return made


def product_scratch(engine: Engine) -> npt.NDArray[np.int64]:
    """Limbs for the exact sum of a word's products."""
    return np.zeros(limbs_of(product_bits(engine) + engine.special_bits), np.int64)


def wide_scratch(engine: Engine) -> npt.NDArray[np.int64]:
    """Limbs that kernels work in; what they hold between calls does not matter."""
    bits = max(product_bits(engine), engine.sum_bits)
    if engine.chain_format is not None:
        chain = scalar_named(engine.chain_format)
        units = [mode.unit_exponent for mode in engine.modes]
        most = max(magnitude_exponent(chain), max(units) + product_bits(engine))
        bits = most - min(unit_exponent(chain), *units)
    return np.zeros(limbs_of(bits) + 1 + CARRY_LIMBS, np.int64)


@njit
def low_bits(bits):
    """That many ones."""
    return (np.int64(1) << bits) - 1


@njit
def special_of(limbs, at, place, bits):
    """What a number at ``limbs[at]`` has met: the special bits above its ``place`` bits."""
    if bits == 0:
        return np.int64(0)
    limb, within = at + (place >> 5), place & 31
    found = np.int64(limbs[limb]) >> within
    if within + bits > LIMB_BITS:
        found |= limbs[limb + 1] << (LIMB_BITS - within)
    return found & low_bits(bits)


@njit
def put_special(limbs, at, place, seen):
    """Set special bits, 0 before."""
    limb, within = at + (place >> 5), place & 31
    if seen:
        limbs[limb] |= (seen << within) & LIMB_MASK
        above = seen >> (LIMB_BITS - within)
        if above:
            limbs[limb + 1] |= above


@njit
def limb_of(limbs, at, bits, i):
    """Limb i of a number of ``bits`` bits at ``limbs[at]``, its sign extended."""
    top, within = (bits - 1) >> 5, (bits - 1) & 31
    if i < top:
        return np.int64(limbs[at + i])
    negative = (limbs[at + top] >> within) & 1
    if i > top:
        return np.int64(LIMB_MASK if negative else 0)
    above = low_bits(within + 1)
    return limbs[at + top] & above | (LIMB_MASK & ~above if negative else np.int64(0))


@njit
def add_number(scratch, limbs, at, bits, place):
    """Add a number of ``bits`` bits at ``limbs[at]``, times 2^place."""
    count = (bits + LIMB_BITS - 1) >> 5
    for i in range(count):
        add_shifted(scratch, False, limb_of(limbs, at, bits, i), place + LIMB_BITS * i)
    if (limbs[at + ((bits - 1) >> 5)] >> ((bits - 1) & 31)) & 1:
        add_shifted(scratch, True, np.int64(1), place + LIMB_BITS * count)


@njit
def last_of(index, count):
    """An index, or the last one for an index beyond."""
    return min(index, count - 1)


@njit
def lane_dot(e, mode, left, top, product, scratch):
    """Fill ``product`` with the exact sum of two words' products, lane by lane."""
    m = e["modes"][last_of(mode, e["mode_count"])]
    left_bits, top_bits = m["left"]["bits"], m["top"]["bits"]
    seen = np.int64(0)
    clear(scratch)
    for lane in range(m["lanes"]):
        a = (left >> (lane * left_bits)) & low_bits(left_bits)
        b = (top >> (lane * top_bits)) & low_bits(top_bits)
        kind_of, negative, significand, exponent = product_of(
            decode(a, m["left"]), decode(b, m["top"])
        )
        seen = met(seen, kind_of, negative)
        if significand != 0:
            add_shifted(scratch, negative, significand, exponent - m["unit"])
    carry(scratch)
    bits = e["product_bits"]
    for i in range(e["product_limbs"]):
        product[i] = np.int64(0)
        if LIMB_BITS * i < bits:
            product[i] = scratch[i] & low_bits(min(bits - LIMB_BITS * i, np.int64(LIMB_BITS)))
    put_special(product, np.int64(0), bits, seen)


@njit
def limit(negative, form):
    """The largest code of a sign."""
    if form["kind"] == INT:
        number = form["least"] if negative else form["largest"]
        return number & low_bits(form["bits"])
    if form["kind"] == FLOAT and negative and form["signed"] == 0:
        return np.int64(0)
    return form["largest"] | (np.int64(negative) << (form["bits"] - 1))


@njit
def rounded(kind_of, negative, significand, exponent, form):
    """Nearest code of a number, or what stands for one that the format has not."""
    code = encode(kind_of, negative, significand, exponent, form)
    if code != NO_CODE:
        return code
    return limit(negative, form) if kind_of == INFINITE else np.int64(0)


@njit
def sum_of(scratch, exponent, seen):
    """A sum, times 2^exponent, that has met ``seen``, as ``rounded`` takes it; ``scratch`` is used
    up."""
    if seen & IS_NAN or seen == IS_PLUS | IS_MINUS:
        return NOT_A_NUMBER, False, np.int64(0), np.int64(0)
    if seen:
        return INFINITE, seen == IS_MINUS, np.int64(0), np.int64(0)
    return taken(scratch, exponent)


@njit
def accumulate(e, mode, first, total, at, product, scratch):
    """Add a word's products to the sum at ``total[at]``, or to 0 if they are the first."""
    bits = e["number_bits"]
    seen = special_of(product, np.int64(0), e["product_bits"], e["special_bits"])
    if e["chained"]:
        m = e["modes"][last_of(mode, e["mode_count"])]
        clear(scratch)
        add_number(scratch, product, np.int64(0), e["product_bits"], m["unit"] - m["base"])
        if not first:
            kind_of, negative, significand, exponent = decode(np.int64(total[at]), e["chain"])
            seen = met(seen, kind_of, negative)
            if significand != 0:
                add_shifted(scratch, negative, significand, exponent - m["base"])
        kind_of, negative, significand, exponent = sum_of(scratch, m["base"], seen)
        total[at] = rounded(kind_of, negative, significand, exponent, e["chain"])
        return
    if not first:
        seen |= special_of(total, at, bits, e["special_bits"])
    over = np.int64(0)
    for i in range(e["sum_limbs"]):
        limb = np.int64(0)
        if LIMB_BITS * i < bits:
            limb = limb_of(product, np.int64(0), e["product_bits"], i) + over
            if not first:
                limb += total[at + i]
            over = limb >> LIMB_BITS
            limb &= low_bits(min(bits - LIMB_BITS * i, np.int64(LIMB_BITS)))
        total[at + i] = limb
    put_special(total, at, bits, seen)


@njit
def read(e, mode, result, total, at, scratch):
    """Code of the sum at ``total[at]`` in a result format."""
    form = e["results"][last_of(result, e["result_count"])]
    if e["chained"]:
        kind_of, negative, significand, exponent = decode(np.int64(total[at]), e["chain"])
    else:
        bits = e["number_bits"]
        clear(scratch)
        add_number(scratch, total, at, bits, np.int64(0))
        kind_of, negative, significand, exponent = sum_of(
            scratch,
            e["modes"][last_of(mode, e["mode_count"])]["unit"],
            special_of(total, at, bits, e["special_bits"]),
        )
    return rounded(kind_of, negative, significand, exponent, form)


@njit
def engine_dots(engine, mode, result, left, top, sums, product, scratch, out):
    """``out[i]``: the words of ``left[i]`` times those of ``top[i]``, one after the other."""
    e = engine[0]
    mode, result, at = np.int64(mode), np.int64(result), np.int64(0)
    for i in range(left.shape[0]):
        for k in range(left.shape[1]):
            lane_dot(e, mode, left[i, k], top[i, k], product, scratch)
            accumulate(e, mode, k == 0, sums, at, product, scratch)
        out[i] = read(e, mode, result, sums, at, scratch)
