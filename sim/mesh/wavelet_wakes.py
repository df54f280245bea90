"""Who is awake: bitmaps of routers and PEs, and the timers that wake PEs."""

import numpy as np

from sim.jit import njit
from sim.mesh.wavelet_state import NEVER


@njit
def u(index):
    """An index that is not negative; of others the compiler counts some from the end."""
    return np.uint64(index)


@njit
def lowest(word):
    """Place of the lowest bit of a number that is not 0. The compiler knows this loop as one
    instruction."""
    word = np.int64(word)
    shifts = 0
    while word != 0:
        word = word << 1
        shifts += 1
    return 64 - shifts


@njit
def next_bit(word, backwards):
    """Place of the bit to visit first: the lowest, or ``backwards`` the highest."""
    if backwards:
        bit = 31
        while not (word >> bit) & 1:
            bit -= 1
        return bit
    return lowest(word)


@njit
def set_bit(bits, top, node):
    """Wake a router or a PE."""
    bits[u(node >> 5)] |= 1 << (node & 31)
    top[u(node >> 10)] |= 1 << ((node >> 5) & 31)


@njit
def wake_router(mask, bits, top, node, colour):
    """A colour of a router may move."""
    known = np.int64(mask[u(node)])
    if not (known >> colour) & 1:
        mask[u(node)] = known | 1 << colour
        if known == 0:
            set_bit(bits, top, node)


@njit
def arm(m, wheel, following, timer, node, when):
    """Wake a PE at a cycle; an earlier timer of it stays, and it will arm another."""
    if timer[u(node)] == NEVER:
        timer[u(node)] = when
        slot = when & (m["span"] - 1)
        following[node] = wheel[slot]
        wheel[slot] = node
        m["timers"] += 1


@njit
def ring(m, wheel, following, timer, pe_bits, pe_top, now):
    """Wake the PEs whose timers are due."""
    slot = now & (m["span"] - 1)
    node = wheel[slot]
    wheel[slot] = -1
    while node >= 0:
        behind = following[node]
        if timer[u(node)] <= now:
            timer[u(node)] = NEVER
            m["timers"] -= 1
            set_bit(pe_bits, pe_top, node)
        else:
            following[node] = wheel[slot]
            wheel[slot] = node
        node = behind


@njit
def next_timer(m, wheel, now):
    """The next cycle whose slot holds a timer."""
    for when in range(now + 1, now + 1 + m["span"]):
        if wheel[when & (m["span"] - 1)] >= 0:
            return when
    return NEVER
