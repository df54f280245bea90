"""Roundings and functions of the chip, bit for bit and against exact numbers."""

import math

import ml_dtypes
import numpy as np
import pim_values_oracle as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.pim.operands import EPSILON, FP32_RESULT, MEAN, SCALAR, SUBTRACT
from arch.vector import VECTOR_OPS
from sim.pim import arithmetic

F = np.float32
FORMS = {"bf16": ml_dtypes.bfloat16, "fp16": np.float16}
FLOATS = st.integers(0, 2**32 - 1).map(lambda bits: np.uint32(bits).view(F))
SIZES = st.floats(2.0**-60, 2.0**60, width=32).map(F)


def bits(x) -> int:  # type: ignore[no-untyped-def]
    return int(np.asarray(x, F).view(np.uint32))


def same(found, expected) -> bool:  # type: ignore[no-untyped-def]
    return bits(found) == bits(expected) or bool(np.isnan(found) and np.isnan(expected))


def test_operations_have_the_numbers_of_traces() -> None:
    numbers = [getattr(arithmetic, name.upper()) for name in VECTOR_OPS]
    assert numbers == list(range(len(VECTOR_OPS)))


@pytest.mark.compiled
@pytest.mark.parametrize("form", FORMS)
def test_every_16_bit_number_its_neighbours_and_the_middles_are_rounded(form: str) -> None:
    with np.errstate(all="ignore"):
        stored = np.arange(1 << 16, dtype=np.uint16).view(FORMS[form]).astype(F)
        step = 1 << (16 if form == "bf16" else 13)
        given = stored.view(np.uint32).astype(np.int64)[:, None] + np.array(
            [-1, 0, 1, step // 2 - 1, step // 2, step // 2 + 1]
        )
        values = (given & 0xFFFFFFFF).astype(np.uint32).view(F).ravel()
        tiny = np.linspace(-(2.0**-13), 2.0**-13, 9999, dtype=F)
        values = np.concatenate([values, tiny])
        expected = values.astype(FORMS[form]).astype(F)
    found = values.copy()
    arithmetic.round_all(found, arithmetic.FORMATS[form])
    number = ~np.isnan(expected)
    assert (found[number].view(np.uint32) == expected[number].view(np.uint32)).all()
    assert (found[~number].view(np.uint32) == 0x7FC00000).all()


@given(FLOATS)
def test_a_nan_is_the_one(x) -> None:  # type: ignore[no-untyped-def]
    found = arithmetic.rounded(x, arithmetic.FP32)
    assert bits(found) == (0x7FC00000 if np.isnan(x) else bits(x))


@given(FLOATS | SIZES)
def test_functions_are_the_oracles(x) -> None:  # type: ignore[no-untyped-def]
    with np.errstate(all="ignore"):
        for name, mine in (("exponential", oracle.exp), ("reciprocal", oracle.reciprocal),
                           ("square_root", oracle.root), ("gelu", oracle.gelu)):  # fmt: skip
            found = getattr(arithmetic, name)(x)
            assert same(found, mine(x)), (name, x, found, mine(x))


def test_functions_are_close_to_the_exact_ones() -> None:
    for x in np.linspace(-86, 87, 999, dtype=F):
        assert arithmetic.exponential(x) == pytest.approx(math.exp(x), rel=4e-6)
    for x in np.geomspace(1e-30, 1e30, 999, dtype=F):
        assert arithmetic.reciprocal(x) == pytest.approx(1 / float(x), rel=4e-7)
        assert arithmetic.reciprocal(F(-x)) == -arithmetic.reciprocal(x)
        assert arithmetic.square_root(x) == pytest.approx(math.sqrt(x), rel=4e-7)
    for x in np.linspace(-6, 6, 999, dtype=F):
        inner = math.sqrt(2 / math.pi) * (float(x) + 0.044715 * float(x) ** 3)
        assert arithmetic.gelu(x) == pytest.approx(x / 2 * (1 + math.tanh(inner)), abs=2e-6)


def test_ends_of_the_functions() -> None:
    inf = F(np.inf)
    cases = {
        "exponential": {-87.5: 0, -inf: 0, 88.5: inf, inf: inf, 0: 1},
        "reciprocal": {inf: 0, 2.0**126: 0, 2.0**-126: inf},
        "square_root": {0: 0, inf: inf, 2.0**-126: 0, 4: 2},
        "gelu": {0: 0, -100: 0, 100: 100},
    }
    for name, pairs in cases.items():
        for x, expected in pairs.items():
            assert getattr(arithmetic, name)(F(x)) == pytest.approx(expected, rel=2e-7), (name, x)
    assert bits(arithmetic.reciprocal(F(-0.0))) == bits(-inf)
    assert np.isnan(arithmetic.square_root(F(-1)))


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=40), st.sampled_from([1, 3, 8])
)
def test_sums_are_in_the_order_that_is_declared(values: list[float], adders: int) -> None:
    given = np.array(values, F)
    parts = np.zeros(adders, F)
    found = arithmetic.reduced(given, 0, len(given), arithmetic.SUM, 0, parts)
    assert same(found, oracle.total(given, adders))
    mean = arithmetic.reduced(given, 0, len(given), arithmetic.SUM, MEAN, parts)
    assert same(mean, F(oracle.total(given, adders) * F(F(1) / F(len(given)))))
    assert arithmetic.reduced(given, 0, len(given), arithmetic.MAX, 0, parts) == max(given)


def operate(op: str, flags: int, first: list[float], second: list[float]) -> list[float]:
    """Result of an operation of vectors of three; it lies behind them."""
    values = np.array([*first, *second, 0, 0, 0], F)
    arithmetic.vector_operation(
        values, 6, 0, 3, 3, VECTOR_OPS.index(op), flags, arithmetic.BF16, np.zeros(4, F)
    )
    return values[6:].tolist()


def test_operations_and_their_flags() -> None:
    a, b = [1.5, 258.0, -3.0], [2.0, 1.0, 0.5]
    assert operate("add", 0, a, b) == [3.5, 260.0, -2.5]
    assert operate("add", FP32_RESULT, a, b) == [3.5, 259.0, -2.5]
    assert operate("add", FP32_RESULT | SUBTRACT, a, b) == [-0.5, 257.0, -3.5]
    assert operate("add", FP32_RESULT | SCALAR, a, b) == [3.5, 260.0, -1.0]
    assert operate("mul", FP32_RESULT, a, b) == [3.0, 258.0, -1.5]
    assert operate("mul", FP32_RESULT | SCALAR, a, b) == [3.0, 516.0, -6.0]
    assert operate("max", 0, a, b)[0] == 258.0
    assert operate("sum", FP32_RESULT, a, b)[0] == 256.5
    assert operate("sum", 0, a, b)[0] == 256.0
    assert operate("sum", FP32_RESULT | MEAN, [3, 6, 3], b)[0] == 4.0
    assert operate("copy", 0, a, b) == a
    assert operate("sqrt", FP32_RESULT | EPSILON, [0, 0, 0], b)[0] == pytest.approx(1e-5**0.5)
    assert operate("sqrt", FP32_RESULT, [0, 4, 9], b) == pytest.approx([0, 2, 3])
    assert operate("div", FP32_RESULT, [1, 2, 4], b) == pytest.approx([1, 0.5, 0.25])
    assert operate("exp", FP32_RESULT, [0, 1, -1], b) == pytest.approx([1, math.e, 1 / math.e])
    assert operate("act", 0, [0, 100, -100], b) == [0, 100, 0]


# In the order of lanes the sums were 0 and 1, of halves 1 and 2.
@pytest.mark.parametrize("lanes", [[2.0**24, 1, 1, -(2.0**24)], [2.0**24, 1, -(2.0**24), 1]])
def test_products_go_through_the_tree_by_neighbours(lanes: list[float]) -> None:
    sums = np.zeros(1, F)
    arithmetic.multiply_accumulate(
        np.array([[lanes]], F), 0, 1, 0, 1, np.ones((1, 4), F), 0, sums, arithmetic.FP32,
        np.zeros(4, F),
    )  # fmt: skip
    assert sums[0] == 1


@pytest.mark.parametrize(
    ("form", "expected"), [("fp32", 2049.0), ("bf16", 2048.0), ("fp16", 2048.0)]
)
def test_sums_are_rounded_to_the_accumulators_format(form: str, expected: float) -> None:
    data = np.array([[[2048.0, 1.0]]], F)
    sums = np.zeros(1, F)
    arithmetic.multiply_accumulate(
        data, 0, 1, 0, 1, np.ones((1, 2), F), 0, sums, arithmetic.FORMATS[form], np.zeros(2, F)
    )
    assert sums[0] == expected
