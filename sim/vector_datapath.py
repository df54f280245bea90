"""Every register of a vector unit's datapath, cycle by cycle, with the values in them.

Its times are those of ``sim.vector``, which knows of commands only. The registers lie in a row of
integers: those named below, what each lane of a reduction has so far, then ``latency - 1`` stages
of numbers (a lane each) and FLAGS, then the results (a lane each) and their flags, and last what
follows from them in a cycle: OUTPUTS.
This is what generated hardware is compared with.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.floats import (
    EXPONENT_BITS,
    FRACTION_BITS,
    FRACTION_FP32,
    MINUS_INFINITY_FP32,
    add,
    maximum,
    multiply,
    widen,
)
from sim.jit import njit

Words = npt.NDArray[np.int64]

ADD, MUL, MAX, SUM, LARGEST = range(5)
OPERATIONS = 5
"""Those behind are sums of two."""

OPERATION, BUSY, BEGINS, LEFT, WAIT, SO_FAR = range(6)
"""The command: kind, whether groups are left, whether the next is its first, elements that are
left, cycles until the next group or the next command; the first lane's sum so far."""
VALID, COUNT, LAST = range(3)
FLAGS = 3
"""Of a stage, behind its numbers."""
RESULTS_COUNT, DONE = 0, 1
"""Of the results, behind them."""
READY, TAKEN, TAKEN_COUNT = 0, 1, 2
OUTPUTS = 3
GIVEN_OPERATION, GIVEN_ELEMENTS, GIVEN_VALID, GIVEN_A = range(4)
"""A stimulus; ``a`` and ``b``, a lane each, are its end."""

DATAPATH = np.dtype(
    [
        ("lanes", np.int64),
        ("fraction_bits", np.int64),  # of operands
        ("exponent_bits", np.int64),
        ("interval", np.int64, OPERATIONS),
        ("latency", np.int64, OPERATIONS),
        ("stages", np.int64),
        ("results", np.int64),  # where they begin
        ("outputs", np.int64),
    ]
)


@dataclass
class Model:
    """A datapath's parameters, ``datapath`` [1] of DATAPATH, and state, ``registers``.

    ``numbers`` [lanes] and ``flags`` [FLAGS] are room for a group on its way.
    """

    datapath: npt.NDArray[np.void]
    registers: Words
    numbers: Words
    flags: Words

    @property
    def arrays(self) -> tuple[Any, ...]:
        """In the order in which kernels take them."""
        return self.datapath, self.registers, self.numbers, self.flags

    @property
    def stimulus_size(self) -> int:
        """Integers of a stimulus."""
        return GIVEN_A + 2 * int(self.datapath[0]["lanes"])


def model(
    lanes: int, operand_format: str, intervals: tuple[int, ...], latencies: tuple[int, ...]
) -> Model:
    """A datapath after reset; times by operation, in cycles."""
    datapath = np.zeros(1, DATAPATH)
    datapath["lanes"] = lanes
    datapath["fraction_bits"] = FRACTION_BITS[operand_format]
    datapath["exponent_bits"] = EXPONENT_BITS[operand_format]
    datapath["interval"], datapath["latency"] = intervals, latencies
    stages = max(latencies) - 1
    datapath["stages"] = stages
    datapath["results"] = SO_FAR + lanes + stages * (lanes + FLAGS)
    datapath["outputs"] = int(datapath[0]["results"]) + lanes + 2
    registers = np.zeros(int(datapath[0]["outputs"]) + OUTPUTS, np.int64)
    return Model(datapath, registers, np.zeros(lanes, np.int64), np.zeros(FLAGS, np.int64))


@njit
def timed_as(operation):
    """The operation whose times and effect a code has."""
    return operation if operation < OPERATIONS else ADD


@njit
def reduces(operation):
    """Whether an operation makes one number of all."""
    return operation in (SUM, LARGEST)


@njit
def decide(datapaths, registers):
    """What follows from the registers in a cycle."""
    d = datapaths[0]
    outputs = d["outputs"]
    operation = timed_as(registers[OPERATION])
    count = min(registers[LEFT], d["lanes"])
    taken = registers[BUSY] == 1 and registers[WAIT] == 0
    registers[outputs + TAKEN] = 1 if taken else 0
    registers[outputs + TAKEN_COUNT] = count if taken else 0
    if registers[BUSY]:
        ends = taken and registers[LEFT] <= d["lanes"]
        ready = ends and d["latency"][operation] == 1
    else:
        ready = registers[WAIT] <= 1
    registers[outputs + READY] = 1 if ready else 0


@njit
def combine(operation, x, y):
    """What an adder or a comparer makes of two numbers."""
    if operation in (MAX, LARGEST):
        return maximum(x, y)
    return add(x, y)


@njit
def reduce_group(d, operation, first, count, given, registers, numbers):
    """Each lane adds its element to what it has; the lanes of that are added up in ``numbers``:
    neighbours, then their sums, and so on."""
    lanes, f, e = d["lanes"], d["fraction_bits"], d["exponent_bits"]
    for i in range(lanes):
        if first:
            registers[SO_FAR + i] = MINUS_INFINITY_FP32 if operation == LARGEST else 0
        if i < count:
            x = given[GIVEN_A + i]
            if f != FRACTION_FP32:
                x = widen(x, f, e)
            registers[SO_FAR + i] = combine(operation, registers[SO_FAR + i], x)
        numbers[i] = registers[SO_FAR + i]
    left = lanes
    while left > 1:
        left //= 2
        for i in range(left):
            numbers[i] = combine(operation, numbers[2 * i], numbers[2 * i + 1])


@njit
def compute(d, operation, count, given, numbers):
    """The numbers of a group, in pairs of ``a`` and ``b``."""
    f, e = d["fraction_bits"], d["exponent_bits"]
    b = GIVEN_A + d["lanes"]
    for i in range(count):
        x, y = given[GIVEN_A + i], given[b + i]
        if operation == MUL:
            numbers[i] = multiply(x, y, f, e)
            continue
        if f != FRACTION_FP32:
            x, y = widen(x, f, e), widen(y, f, e)
        numbers[i] = combine(operation, x, y)


@njit
def step_results(d, registers, numbers, flags):
    """What arrives becomes the result."""
    results = d["results"]
    end = results + d["lanes"]
    registers[end + RESULTS_COUNT] = 0
    registers[end + DONE] = flags[VALID] & flags[LAST]
    if flags[VALID]:
        for i in range(flags[COUNT]):
            registers[results + i] = numbers[i]
        registers[end + RESULTS_COUNT] = flags[COUNT]


@njit
def fetch(d, registers, stage, numbers, flags):
    """A group out of a stage."""
    base = SO_FAR + d["lanes"] + stage * (d["lanes"] + FLAGS)
    for i in range(FLAGS):
        flags[i] = registers[base + d["lanes"] + i]
    if flags[VALID]:
        for i in range(flags[COUNT]):
            numbers[i] = registers[base + i]


@njit
def put(d, registers, stage, numbers, flags):
    """A group into a stage."""
    base = SO_FAR + d["lanes"] + stage * (d["lanes"] + FLAGS)
    for i in range(FLAGS):
        registers[base + d["lanes"] + i] = flags[i]
    if flags[VALID]:
        for i in range(flags[COUNT]):
            registers[base + i] = numbers[i]


@njit
def enter(d, operation, registers, given, numbers, flags):
    """The group that is taken in this cycle, if there is one."""
    outputs = d["outputs"]
    count = registers[outputs + TAKEN_COUNT]
    flags[VALID] = registers[outputs + TAKEN]
    flags[LAST] = 1 if registers[LEFT] <= d["lanes"] else 0
    flags[COUNT] = count
    if reduces(operation):
        # The last group alone goes on, as one number.
        flags[COUNT] = flags[LAST]
        if flags[VALID]:
            reduce_group(d, operation, registers[BEGINS], count, given, registers, numbers)
    elif flags[VALID]:
        compute(d, operation, count, given, numbers)


@njit
def move(datapaths, registers, given, numbers, flags):
    """Groups go on, the last first; one enters as many stages before the end as it takes."""
    d = datapaths[0]
    operation = timed_as(registers[OPERATION])
    stages = d["stages"]
    entry = stages + 1 - d["latency"][operation]
    for stage in range(stages, -1, -1):
        if stage == entry:
            enter(d, operation, registers, given, numbers, flags)
        elif stage == 0:
            for i in range(FLAGS):
                flags[i] = 0
        else:
            fetch(d, registers, stage - 1, numbers, flags)
        if stage == stages:
            step_results(d, registers, numbers, flags)
        else:
            put(d, registers, stage, numbers, flags)


@njit
def step(datapaths, registers, given, numbers, flags, reset):
    """The end of a cycle; ``decide`` comes first."""
    d = datapaths[0]
    outputs = d["outputs"]
    move(datapaths, registers, given, numbers, flags)
    operation = timed_as(registers[OPERATION])
    if registers[outputs + TAKEN]:
        last = registers[LEFT] <= d["lanes"]
        registers[LEFT] -= registers[outputs + TAKEN_COUNT]
        registers[BUSY] = 0 if last else 1
        registers[BEGINS] = 0
        registers[WAIT] = (d["latency"][operation] if last else d["interval"][operation]) - 1
    elif registers[WAIT] > 0:
        registers[WAIT] -= 1
    if given[GIVEN_VALID] and registers[outputs + READY]:
        registers[OPERATION] = given[GIVEN_OPERATION]
        registers[LEFT] = given[GIVEN_ELEMENTS]
        registers[BUSY] = 1
        registers[BEGINS] = 1
        registers[WAIT] = 0
    if reset:
        for i in range(outputs):
            registers[i] = 0
