"""Names of technologies, and what their tables are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from typing import Literal

TechnologyName = Literal["unknown", "45nm"]


@dataclass(frozen=True)
class Entry:
    """A number of a table with where it comes from; the table says its unit."""

    value: float | None
    """None: no source is known, and so no number."""
    source: str | None

    def __post_init__(self) -> None:
        if (self.value is None) != (self.source is None):
            raise ValueError("an entry must have a value and a source, or neither")


UNKNOWN = Entry(None, None)

ByCapacity = Mapping[float, Entry]
"""Entries by capacity in KiB, the smallest first."""


def sourced(source: str, values: dict[str, float]) -> dict[str, Entry]:
    """Entries that share a source."""
    return {name: Entry(value, source) for name, value in values.items()}


def at_capacity(entries: ByCapacity, capacity_kib: float) -> float | None:
    """Value for a memory of some capacity.

    A straight line on logarithmic axes joins neighbouring entries; that is our interpolation, not
    the sources'. None outside the range of the table and beside an unknown entry.
    """
    if capacity_kib in entries:
        return entries[capacity_kib].value
    for low_kib, high_kib in pairwise(entries):
        if low_kib < capacity_kib < high_kib:
            low, high = entries[low_kib].value, entries[high_kib].value
            if low is None or high is None:
                return None
            share = log(capacity_kib / low_kib) / log(high_kib / low_kib)
            return exp(log(low) + share * log(high / low))
    return None


CACTI = (
    "CACTI 7 (github.com/HewlettPackard/cacti, commit 1ffd8df), its own cache.cfg but for: "
    "technology 0.045 um, cache type ram, associativity 1, block size 8 bytes, bus width 64, "
    "cell type itrs-lstp, peripheral type itrs-hp, ECC false, optimize ED; so one bank, one "
    "read-write port, 360 K, Global_30 wires, conservative interconnect"
)
"""Of the SRAM tables; leakage is CACTI's leakage and gate leakage together."""

CACTI_45NM = (
    (0.25, 1.138, 1.548, 0.1145, 0.001412),
    (0.5, 1.227, 2.115, 0.1874, 0.002144),
    (1, 1.471, 3.313, 0.2951, 0.003601),
    (2, 2.381, 3.885, 0.3661, 0.006861),
    (4, 3.013, 6.101, 0.6441, 0.01253),
    (8, 5.546, 7.308, 2.414, 0.02581),
    (16, 9.228, 8.701, 3.911, 0.06326),
    (32, 11.64, 11.11, 7.822, 0.1328),
    (64, 16.70, 15.81, 14.85, 0.2349),
    (128, 24.09, 20.85, 17.58, 0.4986),
    (256, 35.21, 29.01, 32.32, 0.8721),
    (512, 46.92, 40.72, 64.63, 1.721),
    (1024, 63.79, 57.45, 126.6, 3.409),
    (2048, 86.35, 80.00, 253.1, 6.704),
    (4096, 120.1, 113.5, 504.2, 13.28),
    (8192, 165.2, 158.5, 1008.0, 26.23),
    (16384, 232.7, 220.1, 1922.0, 48.69),
    (32768, 323.6, 311.0, 3845.0, 96.68),
    (65536, 453.5, 440.9, 7690.0, 192.6),
)
"""KiB; pJ of a read and of a write of 64 bits; leakage in mW; area in mm2."""


def cacti_45nm(column: int) -> dict[float, Entry]:
    """A column of ``CACTI_45NM`` by capacity."""
    return {row[0]: Entry(row[column], CACTI) for row in CACTI_45NM}
