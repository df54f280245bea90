"""Random numbers for kernels that drive hardware and model: the same for the same seed."""

import numpy as np
import numpy.typing as npt

from sim.jit import njit


def new_traffic(kind: np.dtype[np.void], seed: int, **values: int) -> npt.NDArray[np.void]:
    """[1] of ``kind``, what a kernel keeps of its traffic: the generator's state for a seed,
    ``values`` of other fields, and zeros."""
    traffic = np.zeros(1, kind)
    # Spread, so that neighbouring seeds have nothing in common; odd, so never 0.
    traffic["random"] = (seed * 0x9E3779B97F4A7C15 | 1) % 2**63
    for name, value in values.items():
        traffic[name] = value
    return traffic


@njit
def draw(t, below):
    """A random number of ``[0, below)``; xorshift, so that nothing overflows.

    ``t`` has the generator's state in ``random``.
    """
    x = t["random"]
    x ^= x << 13
    x ^= (x >> 7) & ((1 << 57) - 1)
    x ^= x << 17
    t["random"] = x
    return ((x >> 8) & ((1 << 55) - 1)) % below
