"""Dots and products of matrices: the plain kernels against Fractions, tables against the plain."""

from fractions import Fraction

import numpy as np
import pytest
from mac_oracle import dot_chain, dot_once, oracle_of

from arch.errors import InputError
from arch.mac.formats import scalar_named
from sim.mac import formats
from sim.mac.formats import Mode
from sim.mac.matmul import matmul

pytestmark = pytest.mark.compiled

ORACLES = ["fp8_e4m3", "fp8_e5m2", "posit8_0", "posit4_1", "posit8_2", "fp4_e2m1", "fp4_e3m0",
           "fp6_e3m2", "int4", "posit16_1", "fp16", "bf16", "posit5_3"]  # fmt: skip
OUTS = [("int8", "int32"), ("int8", "int16"), ("int4", "fp8_e4m3"), ("fp4_e2m1", "posit8_0"),
        ("posit4_1", "posit16_1"), ("fp8_e5m2", "posit16_1"), ("fp8_e4m3", "fp32"),
        ("fp8_e5m2", "fp32"), ("bf16", "fp32"), ("fp16", "fp32"), ("posit16_1", "fp32"),
        ("posit16_2", "posit32_2"), ("posit8_0", "fp4_e3m0"), ("fp16", "fp4_e2m1")]  # fmt: skip
MODES: tuple[Mode, ...] = ("quire", "chain")


def numbers(name: str, shape: tuple[int, ...], seed: int, spread: float) -> np.ndarray:
    """Codes of numbers: of any codes, or of a normal distribution where ``spread`` is given."""
    form, random = scalar_named(name), np.random.default_rng(seed)
    codes = random.integers(0, 2**form.bits, shape)
    if spread:
        codes = formats.encode(random.normal(size=shape) * spread, form)
    codes[~np.isfinite(formats.decode(codes, form))] = 0
    return codes


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("spread", [0, 1])
def test_dots_against_fractions(name: str, spread: float) -> None:
    oracle = oracle_of(name)
    a, b = (numbers(name, (40, 24), seed, spread) for seed in (1, 2))
    # Of half of the rows the second half cancels the first.
    a[::2, 12:], b[::2, 12:] = a[::2, :12], formats.encode(
        -formats.decode(b[::2, :12], name), name
    )  # fmt: skip
    a[::4, 23] = 1
    rows = [([oracle.numbers[x] for x in r], [oracle.numbers[y] for y in s])
            for r, s in zip(a.tolist(), b.tolist(), strict=True)]  # fmt: skip
    once = [dot_once(r, s, oracle) for r, s in rows]
    np.testing.assert_array_equal(formats.dot(a, b, name), once)
    chained = formats.dot(a, b, name, mode="chain").tolist()
    expected = [dot_chain(r, s, oracle) for r, s in rows]
    numbers_only = [(x, y) for x, y in zip(chained, expected, strict=True) if y is not None]
    assert len(numbers_only) >= (5 if spread == 0 else len(rows))
    assert all(x == y for x, y in numbers_only)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("spread", [0, 0.01, 1, 300])
@pytest.mark.parametrize(
    ("name", "out"), [*((name, name) for name in ORACLES), *OUTS, ("posit16_2", "posit16_2")]
)
def test_tables_give_what_plain_kernels_give(
    name: str, out: str, spread: float, mode: Mode
) -> None:
    a, b = numbers(name, (9, 50), 3, spread), numbers(name, (50, 17), 4, spread)
    expected = formats.dot(a[:, None, :], b.T[None], name, out=out, mode=mode)
    np.testing.assert_array_equal(matmul(a, b, name, out=out, mode=mode), expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["fp8_e4m3", "fp8_e5m2", "posit8_0", "fp16", "posit16_1"])
def test_specials_go_through_tables(name: str, mode: Mode) -> None:
    form = scalar_named(name)
    random = np.random.default_rng(5)
    a, b = random.integers(0, 2**form.bits, (2, 20, 20))
    # So few that some sums are numbers.
    for codes in (a, b):
        special = ~np.isfinite(formats.decode(codes, form))
        codes[special & (random.random(codes.shape) < 0.9)] = 0
    a[0, 0] = formats.encode(np.nan, form)
    expected = formats.dot(a[:, None, :], b.T[None], name, mode=mode)
    found = matmul(a, b, name, mode=mode)
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(formats.decode(found[0], form)).all()


@pytest.mark.parametrize("name", ["fp16", "fp8_e4m3", "fp8_e5m2"])
def test_overflow_to_infinity_or_nan(name: str) -> None:
    form = scalar_named(name, "special")
    most = float(form.largest)
    a = formats.encode([[most, 1.0], [1.0, 1.0]], form)
    b = formats.encode([[1.0, 2.0], [most, -3.0]], form)
    for mode in MODES:
        found = formats.decode(matmul(a, b, form, mode=mode), form)
        assert not np.isfinite(found[0]).any()
        assert np.isfinite(found[1]).all()
        saturated = scalar_named(name, "saturate")
        assert (formats.decode(matmul(a, b, saturated, mode=mode), form)[0] == most).all()


def test_sums_of_many_integers() -> None:
    a = np.full((1, 70_000), 0x7FFF)
    found = matmul(a, a.T, "int16", out="fp32")
    exact = Fraction(32767**2 * 70_000)
    assert formats.decode(found, "fp32")[0, 0] == np.float32(float(exact))


def test_bins_are_emptied_before_they_overflow() -> None:
    """After 2^18 products of a 16-bit integer and a posit(16, 1)."""
    random = np.random.default_rng(6)
    a = random.integers(0x7000, 0x8000, (1, 300_000))
    b = random.integers(0x5F00, 0x6000, (300_000, 1))
    found = matmul(a, b, "int16", b_form="posit16_1", out="fp32")
    assert found[0] == formats.dot(a[0], b[:, 0], "int16", b_form="posit16_1", out="fp32")


def test_quire_of_the_widest_posit() -> None:
    codes = np.array([0x7FFFFFFF, 1, 0x80000001])
    # maxpos^2 + minpos^2 - maxpos^2: 2^480 and 2^-480.
    found = formats.dot(codes[[0, 1, 2]], codes[[0, 1, 0]], "posit32_3")
    assert int(found) == 1
    assert int(formats.dot(codes[[0, 0]], codes[[0, 2]], "posit32_3")) == 0


def test_starts_from_codes() -> None:
    a = formats.encode([[1.5, 2.0], [0.25, -4.0]], "posit16_1")
    start = formats.encode([8.0, -0.5], "posit16_1")
    for mode in MODES:
        found = formats.dot(a, a, "posit16_1", start=start, mode=mode)
        np.testing.assert_array_equal(formats.decode(found, "posit16_1"), [14.25, 15.5625])


def test_zero_of_a_sum_is_positive_unless_it_was_rounded() -> None:
    codes = formats.encode([[-0.0, -0.0], [0.5, -0.0], [-0.5, 0.0]], "fp4_e2m1")
    other = formats.encode([[1.0, 1.0], [-0.5, -0.0], [0.0, 0.5]], "fp4_e2m1")
    for mode in MODES:
        found = formats.dot(codes, other, "fp4_e2m1", mode=mode)
        # -0.25 is rounded to -0 and, in a chain, is exactly zero thereafter.
        assert found.tolist() == [0, 8 if mode == "quire" else 0, 0]


WRONG = [
    (lambda: formats.dot([256], [1], "fp8_e4m3"), "a of fp8_e4m3: 256 is none; codes are 0 to 255"),
    (lambda: formats.dot([1], [-1], "fp8_e4m3"), "b of fp8_e4m3: -1 is none"),
    (lambda: formats.dot([1.0], [1], "int8"), "a of int8: are float64; give integers"),
    (lambda: formats.dot([1, 2], [1, 2, 3], "int8"), r"shapes \(2,\) and \(3,\) do not go"),
    (lambda: formats.dot([1], [1], "int8", mode="fast"), "mode 'fast': give quire"),  # type: ignore[arg-type]
    (lambda: formats.dot(1, 1, "int8"), "single codes"),
    (lambda: formats.dot([1], [1], "int8", start=[1, 2]), r"start of shape \(2,\)"),
    (lambda: formats.dot([0x7F], [1], "fp8_e4m3", out="int8"), "which int8 cannot hold"),
    (lambda: matmul([[0x7C]], [[1]], "fp8_e5m2", out="fp4_e2m1"), "which fp4_e2m1 cannot hold"),
    (lambda: matmul([[1, 2]], [[1, 2]], "int8"), r"\(1, 2\) and \(1, 2\) have no product"),
    (lambda: formats.decode([0], "int64"), "int64: elements of 64 bits are stored"),
    (lambda: formats.encode([1.0, np.nan], "int8"), r"values at \[1\]: int8 has no nan; .* 127"),
    (lambda: formats.encode([[np.inf]], "fp8_e4m3"), r"values at \[0, 0\]: fp8_e4m3 has no inf"),
    (lambda: formats.encode(np.nan, "fp6_e2m3"), "values: fp6_e2m3 has no nan"),
    (lambda: formats.encode([-1.0], "uint4"), r"uint4 has no -1.0; its numbers are 0 to 15"),
    (lambda: formats.encode([0.0], "e8m0"), "e8m0 has no 0.0"),
    (lambda: formats.encode(["1"], "int8"), "values for int8: are <U1; give real numbers"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_what_is_wrong_is_told(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_infinity_is_not_a_real_posit() -> None:
    assert formats.encode([np.inf, -np.inf, np.nan], "posit8_0").tolist() == [128] * 3
