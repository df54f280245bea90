"""Every register of a bank's MAC unit, cycle by cycle, with the values in them.

A column's products are in registers one cycle after its operands were given, the sums of the adder
tree in a register after every ``levels_per_stage`` levels, then the accumulator, then the result.
What is done with a column travels beside it. This is what generated hardware is compared with.

The registers of a unit lie in a row of integers: products and their token (valid, clear, read,
thread), each stage of sums and its token, the accumulators, and RESULTS. ``at`` [stages + 2] says
where each stage begins, the products being the first, the accumulators the last; ``sizes``
[stages + 1] how many numbers it has.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.floats import EXPONENT_BITS, FRACTION_BITS, add, multiply, narrow
from sim.jit import njit

Words = npt.NDArray[np.int64]

VALID, CLEAR, READ, THREAD = 0, 1, 2, 3
TOKEN_SIZE = 4
READ_VALID, READ_THREAD, RESULT, RESULT_VALID = 0, 1, 2, 3
RESULTS = 4
"""What lies behind the accumulators."""

UNIT = np.dtype(
    [
        ("lanes", np.int64),
        ("fraction_bits", np.int64),  # of operands
        ("exponent_bits", np.int64),
        ("stages", np.int64),  # registers in the adder tree
        ("accumulators", np.int64),
        ("size", np.int64),  # registers of a unit
    ]
)


@dataclass(frozen=True)
class Shape:
    """What all units of a channel have in common."""

    unit: npt.NDArray[np.void]
    """[1] of UNIT"""
    at: Words
    sizes: Words

    @property
    def arrays(self) -> tuple[Any, Words, Words]:
        """In the order in which kernels take them."""
        return self.unit, self.at, self.sizes


def shape(lanes: int, operand_format: str, accumulators: int, levels_per_stage: int) -> Shape:
    """Where the registers of a unit are."""
    left = [lanes]
    while left[-1] > 1:
        left.append(max(1, left[-1] >> levels_per_stage))
    sizes = np.array(left, np.int64)
    at = np.concatenate([[0], np.cumsum(sizes + TOKEN_SIZE)])
    unit = np.zeros(1, UNIT)
    unit["lanes"], unit["accumulators"] = lanes, accumulators
    unit["fraction_bits"] = FRACTION_BITS[operand_format]
    unit["exponent_bits"] = EXPONENT_BITS[operand_format]
    unit["stages"] = len(left) - 1
    unit["size"] = at[-1] + accumulators + RESULTS
    return Shape(unit, at, sizes)


@njit
def tree(numbers, first, count, scratch):
    """The sum of neighbours, of their sums, and so on; ``count`` is a power of two."""
    for i in range(count):
        scratch[i] = numbers[first + i]
    while count > 1:
        count //= 2
        for i in range(count):
            scratch[i] = add(scratch[2 * i], scratch[2 * i + 1])
    return scratch[0]


@njit
def step_results(u, registers, base, accumulators):
    """The rounder's register, from the accumulators before they change."""
    results = base + accumulators + u["accumulators"]
    registers[results + RESULT_VALID] = registers[results + READ_VALID]
    if registers[results + READ_VALID]:
        thread = registers[results + READ_THREAD]
        held = 0
        if thread < u["accumulators"]:
            held = registers[base + accumulators + thread]
        registers[results + RESULT] = narrow(held, u["fraction_bits"], u["exponent_bits"])


@njit
def step_accumulators(u, registers, base, accumulators):
    """The accumulators, from the last sum of the tree."""
    token = base + accumulators - TOKEN_SIZE
    results = base + accumulators + u["accumulators"]
    thread = registers[token + THREAD]
    if thread < u["accumulators"]:
        place = base + accumulators + thread
        if registers[token + CLEAR]:
            registers[place] = 0
        if registers[token + VALID]:
            registers[place] = add(registers[place], registers[token - 1])
    registers[results + READ_VALID] = registers[token + READ]
    registers[results + READ_THREAD] = thread


@njit
def step_unit(
    units, at, sizes, registers, base, scratch, tokens, token, rows, row, factors, factor
):
    """The end of a cycle of one unit, whose registers begin at ``base``.

    ``tokens[token:]`` is what it does with the column, ``rows[row:]`` and ``factors[factor:]`` are
    the operands. The last stage goes first, so that each sees those before as they were.
    """
    u = units[0]
    stages = u["stages"]
    step_results(u, registers, base, at[stages + 1])
    step_accumulators(u, registers, base, at[stages + 1])
    for stage in range(stages, 0, -1):
        before = base + at[stage - 1]
        before_token = before + sizes[stage - 1]
        here = base + at[stage]
        if registers[before_token + VALID]:
            width = sizes[stage - 1] // sizes[stage]
            for i in range(sizes[stage]):
                registers[here + i] = tree(registers, before + i * width, width, scratch)
        for i in range(TOKEN_SIZE):
            registers[here + sizes[stage] + i] = registers[before_token + i]
    if tokens[token + VALID]:
        for i in range(u["lanes"]):
            registers[base + i] = multiply(
                rows[row + i], factors[factor + i], u["fraction_bits"], u["exponent_bits"]
            )
    for i in range(TOKEN_SIZE):
        registers[base + u["lanes"] + i] = tokens[token + i]
