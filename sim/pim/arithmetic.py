"""Numbers as the PIM and the chip compute them: every rounding has its line here.

Values are held as float32, of which bf16 and fp16 are parts. Rounding is to the nearest, ties to
the even one; subnormals are kept; a NaN is rounded to the one with payload 0 and no sign. Kernels
are compiled without fast math: no product and sum become one, none change their order.
"""

import numpy as np

from arch.pim.operands import EPSILON, FP32_RESULT, MEAN, SCALAR, SUBTRACT
from sim.jit import njit

FP32, BF16, FP16 = range(3)
FORMATS = {"fp32": FP32, "bf16": BF16, "fp16": FP16}
ADD, MUL, MAX, EXP, DIV, SQRT, ACT, SUM, COPY = range(9)
"""As in ``arch.vector.VECTOR_OPS``."""

ZERO, HALF, ONE, TWO = (np.float32(x) for x in (0, 0.5, 1, 2))
THREE_HALVES = np.float32(1.5)
NAN, INF = np.float32(np.nan), np.float32(np.inf)
LOG2_E = np.float32(1.4426950408889634)
LN2_HIGH = np.float32(0.693145751953125)
"""ln 2 in 15 bits, so that its product with an exponent is exact."""
LN2_LOW = np.float32(1.42860682030941723212e-6)
TAYLOR = np.array([1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1], np.float32)
"""Of exp, highest power first."""
EXP_LEAST, EXP_MOST = np.float32(-87), np.float32(88)
RSQRT_SEED, RECIPROCAL_SEED = 0x5F3759DF, 0x7EF311C7
NEWTON_STEPS = 3
NORM_EPSILON = np.float32(1e-5)
GELU_LINEAR = np.float32(1.5957691216057308)
"""2 sqrt(2 / pi)."""
GELU_CUBIC = np.float32(0.07135481282823213)
"""0.044715 of it."""
FP16_HALFWAY_TO_INFINITY, FP16_LEAST_NORMAL = np.float32(65520), np.float32(2**-14)
FP16_MAGIC = np.float32(0.75)
"""float32 has steps of 2^-24 there, those of the subnormals of fp16."""


@njit
def bits_of(x):
    """As an integer without sign."""
    return np.int64(np.float32(x).view(np.uint32))


@njit
def float_of(bits):
    """The float32 with these bits."""
    return np.uint32(bits).view(np.float32)


@njit
def rounded(x, form):
    """The nearest number of a format."""
    x = np.float32(x)
    if x != x:
        return NAN
    if form == FP32:
        return x
    bits = bits_of(x)
    if form == BF16:
        return float_of((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000)
    size = float_of(bits & 0x7FFFFFFF)
    if size >= FP16_HALFWAY_TO_INFINITY:
        near = INF
    elif size < FP16_LEAST_NORMAL:
        near = np.float32(np.float32(size + FP16_MAGIC) - FP16_MAGIC)
    else:
        size_bits = bits & 0x7FFFFFFF
        near = float_of((size_bits + 0xFFF + ((size_bits >> 13) & 1)) & 0xFFFFE000)
    return float_of(bits_of(near) | (bits & 0x80000000))


@njit
def round_all(values, form):
    """Each to the nearest of a format, in place."""
    for i in range(values.shape[0]):
        values[i] = rounded(values[i], form)


@njit
def tree(parts, count, form):
    """Neighbours are added, then neighbours of the sums, until one is left; one without a neighbour
    goes on as it is. ``parts`` are overwritten."""
    while count > 1:
        pairs = count // 2
        for i in range(pairs):
            parts[i] = rounded(np.float32(parts[2 * i] + parts[2 * i + 1]), form)
        if count % 2:
            parts[pairs] = parts[count - 1]
            pairs += 1
        count = pairs
    return parts[0]


@njit
def multiply_accumulate(data, first, end, column, count, factors, factor_column, sums, form, parts):
    """Columns of the banks ``first`` to ``end - 1`` times those of the global buffer.

    - ``data`` [bank, column, lane] of the open row, ``factors`` [column, lane], ``sums`` [bank]
    - ``form``: of products, of the sums in the tree and of the accumulator
    - ``parts`` [lane]: room
    """
    lanes = data.shape[2]
    for bank in range(first, end):
        for i in range(count):
            for lane in range(lanes):
                product = np.float32(
                    data[bank, column + i, lane] * factors[factor_column + i, lane]
                )
                parts[lane] = rounded(product, form)
            total = tree(parts, lanes, form)
            sums[bank] = rounded(np.float32(sums[bank] + total), form)


@njit
def exponential(x):
    """e^x: x = n ln 2 + r, then the polynomial of r, then 2^n. Below -87 it is 0, above 88
    infinite."""
    if x != x:
        return NAN
    if x < EXP_LEAST:
        return ZERO
    if x > EXP_MOST:
        return INF
    n = np.float32(np.rint(np.float32(x * LOG2_E)))
    r = np.float32(x - np.float32(n * LN2_HIGH))
    r = np.float32(r - np.float32(n * LN2_LOW))
    power = TAYLOR[0]
    for i in range(1, TAYLOR.shape[0]):
        power = np.float32(np.float32(power * r) + TAYLOR[i])
    return np.float32(power * float_of((np.int64(n) + 127) << 23))


@njit
def reciprocal(x):
    """1 / x: three of Newton's steps from a guess made of x's bits; of 0 it is infinite, and so of
    what is closer to 0 than 2^-125; beyond 2^125 it is 0."""
    if x != x:
        return NAN
    bits = bits_of(x)
    sign, size_bits = bits & 0x80000000, bits & 0x7FFFFFFF
    size = float_of(size_bits)
    if size_bits < (2 << 23):
        return float_of(bits_of(INF) | sign)
    if size_bits > (252 << 23):
        return float_of(sign)
    y = float_of(RECIPROCAL_SEED - size_bits)
    for _ in range(NEWTON_STEPS):
        y = np.float32(y * np.float32(TWO - np.float32(size * y)))
    return float_of(bits_of(y) | sign)


@njit
def square_root(x):
    """x times its inverse root: three of Newton's steps from a guess made of x's bits. Of a
    negative number it is NaN; of 0, and of what is smaller than 2^-125, it is 0."""
    if x != x or x < ZERO:
        return NAN
    bits = bits_of(x)
    if bits < (2 << 23) or x == ZERO:
        return ZERO
    if x == INF:
        return INF
    half = np.float32(x * HALF)
    y = float_of(RSQRT_SEED - (bits >> 1))
    for _ in range(NEWTON_STEPS):
        y = np.float32(y * np.float32(THREE_HALVES - np.float32(half * np.float32(y * y))))
    return np.float32(x * y)


@njit
def gelu(x):
    """x / (1 + e^-u), u = x (a + b x x): the form with tanh."""
    square = np.float32(x * x)
    u = np.float32(x * np.float32(GELU_LINEAR + np.float32(GELU_CUBIC * square)))
    return np.float32(x * reciprocal(np.float32(ONE + exponential(np.float32(-u)))))


@njit
def larger(a, b):
    """``maximum`` of IEEE 754-2019: a NaN stays, +0 is above -0."""
    if a != a or b != b:
        return NAN
    if a == b:
        return b if bits_of(a) >> 31 else a
    return max(a, b)


@njit
def reduced(values, first, count, op, flags, parts):
    """``max``, or ``sum``: element i goes to sum i mod n, n the length of ``parts``, in order; then
    their tree."""
    if op == MAX:
        most = values[first]
        for i in range(1, count):
            most = larger(most, values[first + i])
        return most
    parts[:] = ZERO
    width = parts.shape[0]
    for i in range(count):
        parts[i % width] = np.float32(parts[i % width] + values[first + i])
    total = tree(parts, width, FP32)
    if flags & MEAN:
        total = np.float32(total * np.float32(ONE / np.float32(count)))
    return total


@njit
def vector_operation(values, result, first, second, count, op, flags, form, parts):
    """An operation of the chip in fp32, its result rounded unless it is kept in fp32.

    - ``values``: lanes of the SRAM; ``result``, ``first``, ``second``: places in it
    - ``form``: of results
    - ``parts`` [adder]: room
    """
    kept = FP32 if flags & FP32_RESULT else form
    if op in (MAX, SUM):
        values[result] = rounded(reduced(values, first, count, op, flags, parts), kept)
        return
    for i in range(count):
        x = values[first + i]
        y = values[second] if flags & SCALAR else values[second + i]
        if op == ADD:
            z = np.float32(x - y) if flags & SUBTRACT else np.float32(x + y)
        elif op == MUL:
            z = np.float32(x * y)
        elif op == EXP:
            z = exponential(x)
        elif op == DIV:
            z = reciprocal(x)
        elif op == SQRT:
            z = square_root(np.float32(x + NORM_EPSILON) if flags & EPSILON else x)
        elif op == ACT:
            z = gelu(x)
        else:
            z = x
        values[result + i] = rounded(z, kept)
