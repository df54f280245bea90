"""Peak memory of long traces: ``PYTHONPATH=. python benchmarks/dram_rss.py``, or with numbers.

Each stream of so many requests is made chunk by chunk and served in a process of its own; kernels
are compiled before. Fails where the largest peak is more than 5 % above the smallest.
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from programs import run_python

from arch.dram.memory import MemorySystem, load_memory
from sim.dram.trace import run_trace
from traces.requests import REQUEST

COUNTS = (10**6, 10**7, 10**8)
CHUNK_REQUESTS = 1 << 16
FLAT = 1.05
PATTERNS = ("sequential", "random")


def stream(memory: MemorySystem, pattern: str, count: int) -> Iterator[npt.NDArray[np.void]]:
    """Reads, one offered a cycle: one burst after the other, or anywhere."""
    mapping = memory.address_map()
    bursts = mapping.capacity_bytes // mapping.burst_bytes
    random = np.random.default_rng(1)
    for first in range(0, count, CHUNK_REQUESTS):
        chunk = np.zeros(min(CHUNK_REQUESTS, count - first), REQUEST)
        chunk["cycle"] = np.arange(first, first + len(chunk))
        if pattern == "random":
            chunk["address"] = random.integers(0, bursts, len(chunk))
        else:
            chunk["address"] = chunk["cycle"] % bursts
        chunk["address"] *= mapping.burst_bytes
        yield chunk


def serve(name: str, pattern: str, count: int) -> None:
    """Serve a stream in this process."""
    memory = load_memory(name)
    assert run_trace(memory, stream(memory, pattern, count)).requests == count


def main() -> int:
    """Print a line for each stream; 1 if memory grows with its length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", type=lambda text: int(float(text)), nargs="*", default=COUNTS)
    parser.add_argument("--memory", default="ddr4_2400")
    parser.add_argument("--pattern", choices=PATTERNS, default="sequential")
    parser.add_argument("--here", action="store_true", help="one stream, in this process")
    given = parser.parse_args()
    if given.here:
        serve(given.memory, given.pattern, given.counts[0])
        return 0
    options = (__file__, "--here", "--memory", given.memory, "--pattern", given.pattern)
    run_python(*options, str(CHUNK_REQUESTS))
    peaks = []
    for count in given.counts:
        ran = run_python(*options, str(count))
        peaks.append(ran.peak_bytes)
        sys.stdout.write(
            f"{given.memory}, {given.pattern}: {count:>13,} requests in {ran.seconds:6.1f} s, "
            f"peak {ran.peak_bytes / 1e6:.1f} MB\n"
        )
        sys.stdout.flush()
    grown = max(peaks) / min(peaks)
    sys.stdout.write(f"largest peak by smallest: {grown:.3f}, to be {FLAT} at most\n")
    return int(grown > FLAT)


if __name__ == "__main__":
    sys.exit(main())
