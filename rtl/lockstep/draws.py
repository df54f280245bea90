"""Random numbers for kernels that drive hardware and model: the same for the same seed."""

from sim.jit import njit


def seeded(seed: int) -> int:
    """The generator's state for a seed."""
    # Spread, so that neighbouring seeds have nothing in common; odd, so never 0.
    return (seed * 0x9E3779B97F4A7C15 | 1) % 2**63


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
