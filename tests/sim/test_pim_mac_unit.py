"""The registers of a PIM's sequencer and MAC units: values as NumPy has them, cycles as counted."""

import numpy as np
import pytest
from float_cases import TYPES, Bits, bits_of, numbers, product_of, random_pairs, sum_of

from sim.pim import arithmetic, mac_unit, sequencer
from sim.pim.mac_unit import CLEAR, READ, RESULT, RESULT_VALID, RESULTS, THREAD, VALID


def in_pairs(bits: Bits) -> Bits:
    while len(bits) > 1:
        bits = sum_of(bits[0::2], bits[1::2])
    return bits


class Unit:
    """A unit that is given something in each cycle; ``results``: cycle and number of each."""

    def __init__(self, lanes: int, form: str, accumulators: int, levels: int) -> None:
        self.shape = mac_unit.shape(lanes, form, accumulators, levels)
        self.size = int(self.shape.unit[0]["size"])
        self.registers, self.scratch = np.zeros(self.size, np.int64), np.zeros(lanes, np.int64)
        self.cycle = 0
        self.results: list[tuple[int, int]] = []

    def step(self, token: tuple[int, int, int, int], row: Bits, factors: Bits) -> None:
        end = self.size - RESULTS
        if self.registers[end + RESULT_VALID]:
            self.results.append((self.cycle, int(self.registers[end + RESULT])))
        state = self.registers, 0, self.scratch
        sent = np.array(token, np.int64)
        mac_unit.step_unit(*self.shape.arrays, *state, sent, 0, row, 0, factors, 0)
        self.cycle += 1


@pytest.mark.parametrize("form", ["bf16", "fp16"])
@pytest.mark.parametrize(("lanes", "levels"), [(2, 1), (8, 2), (16, 1)])
def test_columns_are_added_in_order(form: str, lanes: int, levels: int) -> None:
    """Two threads in turn; each is read with its last column."""
    random = np.random.default_rng(lanes)
    columns = 12
    given = random.standard_normal((2, columns, lanes)).astype(TYPES[form])
    row, factors = bits_of(given, form)
    unit = Unit(lanes, form, 2, levels)
    for i in range(columns):
        token = [0, 0, 0, i % 2]
        token[VALID], token[CLEAR], token[READ] = 1, int(i < 2), int(i >= columns - 2)
        unit.step((token[VALID], token[CLEAR], token[READ], token[THREAD]), row[i], factors[i])
    for _ in range(20):
        unit.step((0, 0, 0, 0), row[0], factors[0])
    latency = int(unit.shape.unit[0]["stages"]) + 3
    assert [cycle for cycle, _ in unit.results] == [columns - 2 + latency, columns - 1 + latency]
    for thread, (_, found) in enumerate(unit.results):
        total = np.zeros(1, np.int64)
        for i in range(thread, columns, 2):
            total = sum_of(total, in_pairs(product_of(row[i], factors[i], form)))
        number = total.astype(np.uint32).view(np.float32).astype(TYPES[form])
        assert found == bits_of(number, form)[0]


@pytest.mark.parametrize("form", ["bf16", "fp16"])
def test_a_unit_computes_what_programs_compute(form: str) -> None:
    """As ``sim.pim.values``: any numbers, few NaNs and infinities among them."""
    lanes, columns, rows = 8, 6, 60
    x, y = random_pairs(form, rows * columns * lanes, 5)
    # Without the highest bit of its exponent a number is less than 2.
    given = [np.where(np.arange(len(v)) % 97 == 0, v, v & ~0x4000) for v in (x, y)]
    row, factors = (v.reshape(rows, columns, lanes) for v in given)
    unit = Unit(lanes, form, 1, 1)
    for i in range(rows):
        for j in range(columns):
            unit.step((1, int(j == 0), int(j == columns - 1), 0), row[i, j], factors[i, j])
    for _ in range(10):
        unit.step((0, 0, 0, 0), row[0, 0], factors[0, 0])
    sums, parts = np.zeros(1, np.float32), np.zeros(lanes, np.float32)
    expected = []
    for i in range(rows):
        data, buffer = (numbers(v[i], form).astype(np.float32) for v in (row, factors))
        sums[:] = 0
        with np.errstate(all="ignore"):
            arithmetic.multiply_accumulate(
                data[None], 0, 1, 0, columns, buffer, 0, sums, arithmetic.FP32, parts
            )
            expected.append(int(bits_of(sums.astype(TYPES[form]), form)[0]))
    assert [found for _, found in unit.results] == expected
    assert len({*expected}) > rows // 2


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_cycles_of_a_sequence(gap: int) -> None:
    """A column every 1 + gap cycles, the next command as long after the last of them."""
    model = sequencer.model(mac_unit.shape(2, "bf16", 1, 1), 2, 4, 16)
    registers, first = model.registers, model.channel[0]
    outputs, valid = int(first["outputs"]), sequencer.GIVEN_DATA + 2
    given: list[dict[int, int]] = [
        {sequencer.GIVEN_OPERATION: sequencer.WRITE_OPERATION},
        {sequencer.GIVEN_OPERATION: sequencer.MAC_OPERATION, sequencer.GIVEN_COUNT: 5},
        {sequencer.GIVEN_OPERATION: sequencer.MAC_OPERATION, sequencer.GIVEN_COUNT: 3},
        {sequencer.GIVEN_OPERATION: sequencer.READ_OPERATION},
    ]
    columns: list[tuple[int, int]] = []
    results: list[int] = []
    for cycle in range(80):
        stimulus = np.zeros(model.stimulus_size, np.int64)
        if given:
            stimulus[sequencer.GIVEN_BANKS], stimulus[valid] = 3, 1
            stimulus[sequencer.GIVEN_GAP], stimulus[sequencer.GIVEN_ROW] = gap, 14
            for at, value in given[0].items():
                stimulus[at] = value
        sequencer.decide(model.channel, model.shape.unit, registers)
        if registers[outputs + sequencer.COLUMNS]:
            columns.append((cycle, int(registers[sequencer.ROW_COLUMN])))
        if registers[outputs + sequencer.RESULTS_VALID] == 3:
            results.append(cycle)
        if given and registers[outputs + sequencer.READY]:
            given.pop(0)
        sequencer.step(*model.arrays, stimulus, 0)
    # Taken in cycle 1, sent from 2 on, seen from 3 on; the row's columns wrap behind 15.
    order = [14, 15, 0, 1, 2, 14, 15, 0]
    assert columns == [(3 + i * (1 + gap), column) for i, column in enumerate(order)]
    assert results == [3 + len(order) * (1 + gap) + 4]
