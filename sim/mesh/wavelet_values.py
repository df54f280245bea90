"""What a PE computes: each result rounded once to the format of its command.

Numbers lie in memory as fp32, which holds those of the other formats exactly.
"""

import math

import numpy as np

from sim.floats import narrow, widen
from sim.jit import njit

FP16, BF16, FP32 = range(3)
ADD, MAX = 1, 2
SENDS, RECV, RADD, RELAY, FMA = range(5)
COPY, FILL, SUM_OF_TWO, DIFFERENCE, PRODUCT, LARGER, SUM, TOP, EXP, RECIPROCAL, RSQRT, SILU = range(
    12
)


@njit
def nearest_of(value, kind):
    """The number of a format that is nearest to a double."""
    if kind == FP32:
        return np.float32(value)
    if value == 0.0 or not math.isfinite(value):
        return np.float32(value)
    if kind == FP16:
        digits, least, largest = 11, -24, 65504.0
    else:
        digits, least, largest = 8, -133, 3.3895313892515355e38
    exponent = max(math.frexp(value)[1] - digits, least)
    result = math.ldexp(np.rint(math.ldexp(value, -exponent)), exponent)
    if abs(result) > largest:
        result = math.copysign(math.inf, value)
    return np.float32(result)


@njit
def product_sum(x, y, z, kind):
    """``x * y + z`` of fp32, rounded once to a format.

    The product is exact in double; so is what the sum drops, which decides if the sum lies in the
    middle between two numbers of fp32. Numbers of 16 bits are too short to get there.
    """
    product = np.float64(x) * np.float64(y)
    z = np.float64(z)
    total = product + z
    if kind != FP32:
        return nearest_of(total, kind)
    result = np.float32(total)
    part = total - product
    dropped = (product - (total - part)) + (z - part)
    away = total - np.float64(result)
    if away != 0.0 and dropped != 0.0 and not math.isnan(dropped):
        other = np.float64(result) + 2.0 * away
        in_the_middle = np.float64(np.float32(other)) == other
        if in_the_middle and (dropped > 0.0) == (other > np.float64(result)):
            return np.float32(other)
    return result


@njit
def larger(x, y):
    """The second one only if it is larger."""
    return y if y > x else x


@njit
def combined(x, y, combine, kind):
    """Of RADD and RELAY."""
    if combine == MAX:
        return nearest_of(np.float64(larger(x, y)), kind)
    return nearest_of(np.float64(x) + np.float64(y), kind)


@njit
def element_of(word, half, kind):
    """Bits, in fp32, of an element that a wavelet carries."""
    if kind == FP32:
        return word
    bits = (word >> (16 * half)) & 0xFFFF
    if kind == BF16:
        return bits << 16
    return widen(bits, 10, 5)


@njit
def bits_of(bits, kind):
    """Bits, in a format, of a number of fp32 that it holds exactly."""
    if kind == FP32:
        return bits
    if kind == BF16:
        return bits >> 16
    return narrow(bits, 10, 5)


@njit
def receive(m, command, memory, memory_bits, addresses, node, slot, wavelet, word):
    """The memory's part of the operation ``wavelet`` of a fabric command that takes ``word``, if it
    takes one; returns the word that it puts, if it puts one."""
    nodes = m["nodes"]
    op = command["op"]
    if op > RELAY:
        return 0
    kind = command["format"]
    each = 1 if kind == FP32 else 2
    base = node * m["elements"]
    at = slot * 3 * nodes + node
    # The element behind all memory turns bits into a number and back.
    spare = nodes * m["elements"]
    result = 0
    for half in range(each):
        element = wavelet * each + half
        if element >= command["length"]:
            break
        dst = base + addresses[at] + element * command["dst_element"]
        a = base + addresses[at + nodes] + element * command["a_element"]
        memory_bits[spare] = element_of(word, half, kind)
        if op == SENDS:
            memory[spare] = nearest_of(np.float64(memory[a]), kind)
        elif command["combine"]:
            if op == RADD:
                memory[spare] = combined(memory[dst], memory[spare], command["combine"], kind)
            elif op == RELAY:
                memory[spare] = combined(memory[a], memory[spare], command["combine"], kind)
        bits = np.int64(memory_bits[spare])
        if op != SENDS and command["dst"] >= 0:
            memory_bits[dst] = bits
        result |= bits_of(bits, kind) << (16 * half)
    return result


@njit
def exponential(x):
    """Of a double; infinity if it is too large."""
    return math.exp(x) if not x > 709.7 else math.inf


@njit
def function_of(function, x):
    """From EXP on, in double."""
    if function == EXP:
        return exponential(x)
    if function == RECIPROCAL:
        return 1.0 / x if x != 0.0 else math.copysign(math.inf, x)
    if function == RSQRT:
        if x <= 0.0:
            return math.copysign(math.inf, x) if x == 0.0 else math.nan
        return 1.0 / math.sqrt(x)
    return x / (1.0 + exponential(-x))


@njit
def compute(m, command, memory, addresses, node):
    """All of FMA or VEC."""
    nodes = m["nodes"]
    base = node * m["elements"]
    kind = command["format"]
    dst = base + np.int64(addresses[node])
    a = base + np.int64(addresses[nodes + node])
    b = base + np.int64(addresses[2 * nodes + node])
    dst_element = np.int64(command["dst_element"])
    a_element = np.int64(command["a_element"])
    b_element = np.int64(command["b_element"])
    if command["op"] == FMA:
        for _ in range(command["count"]):
            scalar = memory[a]
            for index in range(command["length"]):
                to = dst + index * dst_element
                memory[to] = product_sum(scalar, memory[b + index * b_element], memory[to], kind)
            dst += command["dst_step"]
            a += command["a_step"]
            b += command["b_step"]
        return
    function = command["combine"]
    if function in (SUM, TOP):
        total = nearest_of(np.float64(memory[a]), kind)
        for index in range(1, command["length"]):
            x = memory[a + index * a_element]
            if function == TOP:
                total = larger(total, nearest_of(np.float64(x), kind))
            else:
                total = nearest_of(np.float64(total) + np.float64(x), kind)
        memory[dst] = total
        return
    for index in range(command["length"]):
        to = dst + index * dst_element
        if function == FILL:
            memory[to] = nearest_of(np.float64(command["constant"]), kind)
            continue
        x = memory[a + index * a_element]
        if function >= EXP:
            memory[to] = nearest_of(function_of(function, np.float64(x)), kind)
        elif function == COPY:
            memory[to] = nearest_of(np.float64(x), kind)
        else:
            y = memory[b + index * b_element]
            if function == LARGER:
                memory[to] = nearest_of(np.float64(larger(x, y)), kind)
            elif function == PRODUCT:
                memory[to] = nearest_of(np.float64(x) * np.float64(y), kind)
            elif function == DIFFERENCE:
                memory[to] = nearest_of(np.float64(x) - np.float64(y), kind)
            else:
                memory[to] = nearest_of(np.float64(x) + np.float64(y), kind)
