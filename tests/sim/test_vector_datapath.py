"""The registers of a vector unit's datapath: values as NumPy has them, cycles as the simulator."""

from random import Random

import numpy as np
import pytest
from float_cases import Bits, bits_of, largest_of, numbers, product_of, random_pairs, sum_of

from sim import vector_datapath
from sim.pim import arithmetic
from sim.vector_datapath import (
    ADD,
    DONE,
    GIVEN_A,
    LARGEST,
    MAX,
    MUL,
    READY,
    RESULTS_COUNT,
    SUM,
    TAKEN_COUNT,
    Model,
)


def run(model: Model, commands: list[tuple[int, int]], a: Bits, b: Bits) -> list[tuple[int, Bits]]:
    """Commands (operation, elements) one after the other: when each is done, counted from the first
    one's start, and its numbers."""
    d, registers = model.datapath[0], model.registers
    lanes, results, outputs = int(d["lanes"]), int(d["results"]), int(d["outputs"])
    left, at, cycle = list(commands), 0, -1
    ended: list[tuple[int, Bits]] = []
    part: list[int] = []
    while len(ended) < len(commands):
        vector_datapath.decide(model.datapath, registers)
        given = np.zeros(model.stimulus_size, np.int64)
        if left:
            given[:3] = [*left[0], 1]
        for side, operands in enumerate((a, b)):
            group = operands[at : at + lanes]
            given[GIVEN_A + side * lanes : GIVEN_A + side * lanes + len(group)] = group
        at += int(registers[outputs + TAKEN_COUNT])
        new = int(registers[results + lanes + RESULTS_COUNT])
        part += registers[results : results + new].tolist()
        if registers[results + lanes + DONE]:
            ended.append((cycle, np.array(part)))
            part = []
        if left and registers[outputs + READY]:
            left.pop(0)
        vector_datapath.step(model.datapath, registers, given, model.numbers, model.flags, 0)
        cycle += 1
    return ended


def expected(operation: int, a: Bits, b: Bits, lanes: int) -> Bits:
    if operation == ADD:
        return sum_of(a, b)
    if operation == MUL:
        return product_of(a, b, "fp32")
    if operation == MAX:
        return largest_of(a, b)
    combine = largest_of if operation == LARGEST else sum_of
    parts = np.full(lanes, 0xFF800000 if operation == LARGEST else 0)
    for i in range(len(a)):
        lane = slice(i % lanes, i % lanes + 1)
        parts[lane] = combine(parts[lane], a[i : i + 1])
    while len(parts) > 1:
        parts = combine(parts[0::2], parts[1::2])
    return parts


@pytest.mark.parametrize("lanes", [1, 2, 8])
@pytest.mark.parametrize("form", ["bf16", "fp32"])
def test_numbers_and_cycles(lanes: int, form: str) -> None:
    random = Random(lanes)
    intervals = tuple(random.randint(1, 4) for _ in range(5))
    latencies = tuple(random.randint(1, 7) for _ in range(5))
    operations = random.choices((ADD, MUL, MAX, SUM, LARGEST), k=25)
    commands = [(operation, random.randint(1, 30)) for operation in operations]
    total = sum(elements for _, elements in commands)
    a, b = random_pairs(form, total, lanes)
    model = vector_datapath.model(lanes, form, intervals, latencies)
    found = run(model, commands, a, b)
    wide_a, wide_b = (bits_of(numbers(v, form).astype(np.float32), "fp32") for v in (a, b))
    at, end = 0, 0
    for (operation, elements), (cycle, values) in zip(commands, found, strict=True):
        groups = -(-elements // lanes)
        end += (groups - 1) * intervals[operation] + latencies[operation]
        assert cycle == end
        some = slice(at, at + elements)
        np.testing.assert_array_equal(
            values, expected(operation, wide_a[some], wide_b[some], lanes)
        )
        at += elements


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_sums_and_maxima_are_those_of_programs(lanes: int) -> None:
    """As ``sim.pim.values`` has them on the chip, one adder a lane."""
    values = np.random.default_rng(lanes).standard_normal(300).astype(np.float32)
    # Of those that go into maxima of 42 and of 100: zeros of both signs, and no number.
    values[58:100] = -1
    values[[60, 75]] = -0.0, 0.0
    values[250] = np.nan
    bits = bits_of(values, "fp32")
    commands = [(operation, size) for size in (1, 7, 42, 100) for operation in (SUM, LARGEST)]
    model = vector_datapath.model(lanes, "fp32", (1,) * 5, (3,) * 5)
    found = run(model, commands, bits, bits)
    at, parts = 0, np.zeros(lanes, np.float32)
    for (operation, size), (_, got) in zip(commands, found, strict=True):
        op = arithmetic.SUM if operation == SUM else arithmetic.MAX
        number = np.float32(arithmetic.reduced(values, at, size, op, 0, parts))
        assert got.tolist() == bits_of(np.array([number]), "fp32").tolist()
        at += size


def test_without_elements_a_reduction_gives_nothing() -> None:
    model = vector_datapath.model(4, "fp32", (1,) * 5, (2,) * 5)
    none = np.zeros(0, np.int64)
    ended = run(model, [(SUM, 0), (LARGEST, 0), (ADD, 0)], none, none)
    assert [cycle for cycle, _ in ended] == [2, 4, 6]
    assert [values.tolist() for _, values in ended] == [[0], [0xFF800000], []]
