"""Every code and every pair of codes of formats of 8 bits or fewer, against plain Fractions."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from mac_oracle import NAN, Number, Oracle, oracle_of, product, total

from arch.mac.formats import FORMATS, format_named
from arch.mac.kinds import Block, Float, Int, Overflow, Scalar
from sim.mac import formats

pytestmark = pytest.mark.compiled

SMALL = [
    *(name for name, form in FORMATS.items()
      if not isinstance(form, Block) and form.bits <= 8),
    "mxint8_element", "nvint4_element", "posit2_0", "posit2_1", "posit3_1", "posit5_3", "posit7_3",
]  # fmt: skip
BOTH = ("fp8_e4m3", "fp8_e5m2", "fp8_e3m4_ieee", "fp8_e4m3_fnuz")


def scalar(name: str, saturates: bool | None = None) -> Scalar:
    form = format_named(name)
    assert not isinstance(form, Block)
    if saturates is None or not isinstance(form, Float):
        return form
    overflow: Overflow = "saturate" if saturates else "special"
    return replace(form, overflow=overflow)


def as_float(number: Number) -> float:
    return float(number)


@pytest.mark.parametrize("name", [*SMALL, "posit16_1", "posit16_2", "fp16", "bf16", "int16"])
def test_decodes_each_code(name: str) -> None:
    oracle = oracle_of(name)
    expected = [as_float(number) for number in oracle.numbers]
    found = formats.decode(np.arange(2**oracle.bits), scalar(name))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[found == 0]), np.signbit(
        [x for x in expected if x == 0]))  # fmt: skip


@pytest.mark.parametrize("name", [*SMALL, "posit16_1", "posit16_2", "fp16", "bf16", "int16"])
def test_encodes_each_number_as_its_code(name: str) -> None:
    form = scalar(name)
    codes = np.arange(2**form.bits)
    values = formats.decode(codes, form)
    numbers = ~np.isnan(values)
    if isinstance(form, Int) and form.symmetric:
        numbers[2 ** (form.bits - 1)] = False
    again = formats.encode(values[numbers], form)
    np.testing.assert_array_equal(again, codes[numbers])


def assert_codes(found: np.ndarray, expected: list[int], oracle: Oracle) -> None:
    """Equal, NaN by class."""
    nans = np.array([number == NAN for number in oracle.numbers])
    wanted = np.array(expected)
    wrong = (found != wanted) & ~(nans[found] & nans[wanted])
    assert not wrong.any(), (np.flatnonzero(wrong)[:5], found[wrong][:5], wanted[wrong][:5])


CASES = [(name, None) for name in SMALL] + [(name, each) for name in BOTH for each in (True, False)]


@pytest.mark.parametrize(("name", "saturates"), CASES)
@pytest.mark.parametrize("operation", ["multiply", "add"])
def test_each_pair(name: str, saturates: bool | None, operation: str) -> None:
    oracle, form = oracle_of(name, saturates=saturates), scalar(name, saturates)
    left, right = np.tril_indices(2**oracle.bits)
    exact = product if operation == "multiply" else total
    expected = [
        oracle.code(exact(oracle.numbers[a], oracle.numbers[b]))
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
    ]
    kernel = formats.multiply if operation == "multiply" else formats.add
    found = kernel(left, right, form)
    assert_codes(found, expected, oracle)
    assert_codes(kernel(right, left, form), expected, oracle)


@pytest.mark.parametrize("name", SMALL)
def test_rounds_ties_and_their_neighbours(name: str) -> None:
    oracle, form = oracle_of(name), scalar(name)
    real = sorted(x for x in oracle.numbers if isinstance(x, Fraction))
    between = [(a + b) / 2 for a, b in pairwise(real)]
    if oracle.kind == "posit":
        longer = oracle_of(f"posit{oracle.bits + 1}_{name.split('_')[1]}")
        between += [x for x in longer.numbers if isinstance(x, Fraction)]
    points = [float(x) for x in between] + [float(x) * 1.5 for x in (real[0], real[-1])]
    points = [np.nextafter(x, d) for x in points for d in (-np.inf, x, np.inf)]
    if isinstance(form, Float) and not form.zero:
        points = [x for x in points if x > 0]
    if not form.signed:
        points = [x for x in points if x >= 0]
    expected = [oracle.code(Fraction(x)) for x in points]
    assert_codes(formats.encode(points, form), expected, oracle)
