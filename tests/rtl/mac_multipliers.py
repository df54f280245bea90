"""Multipliers of 2-bit ones, and plain products."""

from functools import cache

import numpy as np

from rtl.mac import Rmmec
from tests.rtl.mac_cases import Built, Codes, built, responses

Modes = tuple[tuple[int, int], ...]
XR_NPE: Modes = ((4, 2), (4, 2), (2, 6), (1, 14))
EIGHT: Modes = ((4, 2), (2, 4), (1, 8), (1, 6))
SIXTEEN: Modes = ((8, 2), (2, 8), (1, 16), (5, 2))


def products(x: Codes, y: Codes, lanes: int, width: int) -> Codes:
    """Of lanes, side by side."""
    found = np.zeros_like(x)
    for i in range(lanes):
        a, b = ((each >> i * width) & ((1 << width) - 1) for each in (x, y))
        found |= a * b << 2 * width * i
    return found


def differing(bits: int, modes: Modes, x: Codes, y: Codes) -> int:
    """Products of all modes that differ from plain ones."""
    count = 0
    columns = [np.tile(each, len(modes)) for each in (x, y)]
    columns.append(np.repeat(np.arange(len(modes)), len(x)))
    bits_of_mode = (len(modes) - 1).bit_length()
    found = responses(_built(bits, modes, bits_of_mode), *columns)["product"]
    for k, (lanes, width) in enumerate(modes):
        here = found[k * len(x) : (k + 1) * len(x)]
        count += int((here != products(x, y, lanes, width)).sum())
    return count


@cache
def _built(bits: int, modes: Modes, bits_of_mode: int) -> Built:
    return built(Rmmec(bits, modes, bits_of_mode))


def random_factors(bits: int, count: int, seed: int) -> tuple[Codes, Codes]:
    """Any bits; in part digits that are all 0 or all 1, for carries."""
    random = np.random.default_rng(seed)
    x, y = random.integers(0, 1 << bits, (2, count))
    for each in (x, y):
        each[::3] |= (1 << random.integers(0, bits + 1, len(each[::3]))) - 1
        each[::5] &= -1 << random.integers(0, bits, len(each[::5]))
    return x, y
