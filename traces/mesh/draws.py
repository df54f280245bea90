"""Random numbers that are a function of a seed, of what they are for, of a node and of a cycle.

No draw depends on how many were made before, so a longer trace begins as a shorter one does.
"""

import zlib

import numpy as np
import numpy.typing as npt

Draws = npt.NDArray[np.uint64]
GOLDEN = 0x9E3779B97F4A7C15


def _mixed(words: Draws) -> Draws:
    """The finaliser of SplitMix64 (Steele et al., OOPSLA 2014): a bijection of 64-bit words."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def draw(
    seed: int, purpose: str, nodes: npt.NDArray[np.int64], cycles: npt.NDArray[np.int64]
) -> Draws:
    """Words of 64 random bits, of the shape that nodes and cycles broadcast to."""
    key = np.array([seed % 2**64, zlib.crc32(purpose.encode())], np.uint64)
    step = np.uint64(GOLDEN)
    with np.errstate(over="ignore"):
        start = _mixed(_mixed(key[:1] + step) + key[1:] * step)
        by_node = _mixed(start + nodes.astype(np.uint64) * step)
        return _mixed(by_node + cycles.astype(np.uint64) * step)


def share(
    seed: int, purpose: str, nodes: npt.NDArray[np.int64], cycles: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Random numbers from 0 up to, but not, 1."""
    words = draw(seed, purpose, nodes, cycles) >> np.uint64(11)
    return words.astype(np.float64) * 2.0**-53


def below(
    limit: int,
    seed: int,
    purpose: str,
    nodes: npt.NDArray[np.int64],
    cycles: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Random whole numbers from 0 up to ``limit`` - 1; ``limit`` is 2^20 at most."""
    words = draw(seed, purpose, nodes, cycles) >> np.uint64(24)
    return ((words * np.uint64(limit)) >> np.uint64(40)).astype(np.int64)
