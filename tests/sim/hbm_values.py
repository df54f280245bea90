"""Traces of kernels with data: cells are written before, and read after, over the bus."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from arch.pim.hbm import HbmPim
from traces.mapping.hbm_pim import ZERO_ROW, kernel_lines

Cell = tuple[int, int, int]
"""Odd half or not, row, column."""
REGISTERS_ROW = 0x3FFF
COLUMNS = 32


def _hex(values: npt.NDArray[np.float64]) -> str:
    return values.astype(np.float16).tobytes().hex()


def _cells(lines: Iterable[list[str]]) -> tuple[set[Cell], set[Cell]]:
    """What a kernel reads and writes in its all-bank modes."""
    found: dict[str, set[Cell]] = {"R": set(), "W": set()}
    for fields in lines:
        row, column = int(fields[4], 0), int(fields[5])
        if row >= 0x1000 or fields[2] != "0" or int(fields[3]) > 1:
            continue
        for i in range(next((int(f[1:]) for f in fields if f[0] == "x"), 1)):
            where = row + (column + i) // COLUMNS, (column + i) % COLUMNS
            found[fields[0]].add((int(fields[3]), *where))
    return found["R"], found["W"]


def with_data(pim: HbmPim, kernel: str, outputs: int, inputs: int) -> tuple[str, int]:
    """The trace, and the line behind which the results are read."""
    random = np.random.default_rng(1)
    lines = [line.split() for line in kernel_lines(pim, kernel, outputs, inputs)]
    read, written = _cells(lines)
    text = []
    middle = []
    for fields in lines:
        registers = int(fields[4], 0) == REGISTERS_ROW and int(fields[5]) in (1, 8)
        if fields[0] == "W" and registers:
            count = next((int(f[1:]) for f in fields if f[0] == "x"), 1)
            data = "".join(_hex(random.normal(size=16)) for _ in range(count))
            rest = [f for f in fields[6:] if f[0] != "x"]
            middle.append(" ".join([*fields[:6], f"data={data}", *rest]))
        else:
            middle.append(" ".join(fields))
    places = [(group, half) for group in range(4) for half in (0, 2)]
    for odd, row, column in sorted(read | written):
        for group, half in places:
            data = _hex(random.normal(size=16)) if row != ZERO_ROW else "0" * 64
            text.append(f"W * {group} {odd + half} {row} {column} data={data}")
    text += ["FENCE", *middle, "FENCE"]
    end = len(text)
    for odd, row, column in sorted(written):
        text += [f"R * {group} {odd + half} {row} {column}" for group, half in places]
    return "\n".join(text) + "\n", end
