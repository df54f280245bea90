"""Floating-point units in hardware: every bit as NumPy, ml_dtypes and exact fractions have it."""

from bisect import bisect_left
from collections.abc import Callable
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from amaranth.hdl import Module, Value
from float_cases import (
    Bits,
    converted,
    corner_pairs,
    corners,
    in_hardware,
    largest_of,
    product_of,
    random_pairs,
    sum_of,
)

from arch.errors import InputError
from rtl.float import FORMATS, Adder, Converter, Format, Maximum, Multiplier
from rtl.float.decode import FloatUnit
from rtl.float.formats import format_of
from rtl.verilog import flip_flops
from rtl.wrapper import Wrapper

FP32 = FORMATS["fp32"]
PAIRS = 1_000_000


def pairs(name: str, seed: int) -> tuple[Bits, Bits]:
    some, directed = random_pairs(name, PAIRS, seed), corner_pairs(name)
    return np.concatenate([some[0], directed[0]]), np.concatenate([some[1], directed[1]])


def test_sums() -> None:
    x, y = pairs("fp32", 1)
    np.testing.assert_array_equal(in_hardware(lambda: Adder(FP32), x, y), sum_of(x, y))


def test_maxima() -> None:
    x, y = pairs("fp32", 2)
    np.testing.assert_array_equal(in_hardware(lambda: Maximum(FP32), x, y), largest_of(x, y))


@pytest.mark.parametrize("name", FORMATS)
def test_products(name: str) -> None:
    x, y = pairs(name, 3)
    found = in_hardware(lambda: Multiplier(FORMATS[name], FP32), x, y)
    np.testing.assert_array_equal(found, product_of(x, y, name))


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_products_of_each_operand_with_each_corner(name: str) -> None:
    x, y = (v.ravel() for v in np.meshgrid(np.arange(1 << 16), corners(name)))
    found = in_hardware(lambda: Multiplier(FORMATS[name], FP32), x, y)
    np.testing.assert_array_equal(found, product_of(x, y, name))


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_each_number_is_widened(name: str) -> None:
    x = np.arange(1 << 16)
    found = in_hardware(lambda: Converter(FORMATS[name], FP32), x)
    np.testing.assert_array_equal(found, converted(x, name, "fp32"))


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_numbers_are_rounded(name: str) -> None:
    """Each number of the format, halfway to the next, and just beside that."""
    wide = converted(np.arange(1 << 16), name, "fp32")
    half = 1 << (FP32.fraction_bits - FORMATS[name].fraction_bits - 1)
    beside = [(wide + step) % 2**32 for step in (0, 1, -1, half, half - 1, half + 1)]
    x = np.concatenate([*beside, random_pairs("fp32", PAIRS, 4)[0], corners("fp32")])
    # Where fp16 has subnormals and ends: the halves lie in higher places.
    exponents = np.arange(90, 150, dtype=np.int64)[:, None] << 23
    x = np.concatenate([x, (exponents | (np.arange(1 << 12) << 11)).ravel()])
    found = in_hardware(lambda: Converter(FP32, FORMATS[name]), x)
    np.testing.assert_array_equal(found, converted(x, "fp32", name))


class Exact:
    """A format as a list of numbers: what is nearest is searched for."""

    def __init__(self, form: Format) -> None:
        self.form = form
        self.sizes = [self._size(bits) for bits in range(form.infinity)]

    def _size(self, bits: int) -> Fraction:
        exponent, fraction = divmod(bits, 1 << self.form.fraction_bits)
        hidden = 1 << self.form.fraction_bits if exponent else 0
        power = max(exponent, 1) - self.form.bias - self.form.fraction_bits
        return Fraction(hidden + fraction) * Fraction(2) ** power

    def value(self, bits: int) -> Fraction | None:
        """None: no finite number."""
        sign, size = divmod(bits, 1 << (self.form.bits - 1))
        return (-1) ** sign * self.sizes[size] if size < self.form.infinity else None

    def nearest(self, value: Fraction, minus: bool) -> int:
        sign = int(minus) << (self.form.bits - 1)
        size = abs(value)
        at = bisect_left(self.sizes, size)
        if at == len(self.sizes):
            # The next number would be a power of two, were there one more exponent.
            last = self.sizes[-1]
            beyond = last + (last - self.sizes[-2])
            return sign | (at if size >= (last + beyond) / 2 else at - 1)
        if at and self.sizes[at] != size:
            below, above = size - self.sizes[at - 1], self.sizes[at] - size
            at -= below < above or (below == above and at % 2 == 1)
        return sign | at


SMALL = [Format("e2f3", 2, 3), Format("e3f2", 3, 2), Format("e4f2", 4, 2), Format("e3f4", 3, 4)]
small = pytest.mark.parametrize("form", SMALL, ids=[form.name for form in SMALL])


def every_pair(form: Format) -> tuple[Bits, Bits]:
    both = np.array(list(product(range(1 << form.bits), repeat=2)), np.int64)
    return both[:, 0], both[:, 1]


@small
def test_every_sum_of_a_small_format(form: Format) -> None:
    exact = Exact(form)
    minus, infinity = 1 << (form.bits - 1), form.infinity

    def add(x: int, y: int) -> int:
        a, b = exact.value(x), exact.value(y)
        if a is not None and b is not None:
            both_minus = x >= minus and y >= minus
            return exact.nearest(a + b, a + b < 0 or (a + b == 0 and both_minus))
        infinities = {v for v in (x, y) if v % minus >= infinity}
        return infinities.pop() if infinities in ({infinity}, {infinity | minus}) else form.nan

    x, y = every_pair(form)
    found = in_hardware(lambda: Adder(form), x, y)
    assert found.tolist() == [add(*pair) for pair in zip(x.tolist(), y.tolist(), strict=True)]


@small
def test_every_product_of_a_small_format(form: Format) -> None:
    """In a format with more exponents, or with more digits."""
    target = SMALL[2 + SMALL.index(form) % 2]
    exact, into = Exact(form), Exact(target)
    minus = 1 << (form.bits - 1)

    def multiply(x: int, y: int) -> int:
        a, b = exact.value(x), exact.value(y)
        sign = (x >= minus) != (y >= minus)
        if a is not None and b is not None:
            return into.nearest(a * b, sign)
        infinities = all(v % minus <= form.infinity for v in (x, y))
        if infinities and a != 0 and b != 0:
            return target.infinity | sign << (target.bits - 1)
        return target.nan

    x, y = every_pair(form)
    found = in_hardware(lambda: Multiplier(form, target), x, y)
    assert found.tolist() == [multiply(*pair) for pair in zip(x.tolist(), y.tolist(), strict=True)]


class RoundsDown(Adder):
    """A tie goes down."""

    def _function(self, m: Module) -> Value:
        value = super()._function(m)
        tie = (self.a[:23] == 1) & (self.b[:23] == 0) & (self.a[23:31] == self.b[23:31] + 23)
        return value - tie


def test_a_fault_is_found() -> None:
    x, y = pairs("fp32", 1)
    found = in_hardware(lambda: RoundsDown(FP32), x, y)
    assert 0 < np.count_nonzero(found != sum_of(x, y)) < 2000


@pytest.mark.parametrize(
    ("make", "source", "operands", "bits"),
    [
        (lambda n: Adder(FP32, n), "fp32", 2, 32),
        (lambda n: Multiplier(FORMATS["fp16"], FP32, n), "fp16", 2, 32),
        (lambda n: Converter(FP32, FORMATS["bf16"], n), "fp32", 1, 16),
        (lambda n: Maximum(FP32, n), "fp32", 2, 32),
    ],
    ids=["adder", "multiplier", "converter", "maximum"],
)
@pytest.mark.parametrize("latency", [2])
def test_registers_are_behind(
    make: Callable[[int], FloatUnit], source: str, operands: int, bits: int, latency: int
) -> None:
    given = [some[:500] for some in random_pairs(source, 500, 5)[:operands]]
    found = in_hardware(lambda: make(latency), *given)
    plain = in_hardware(lambda: make(0), *given)
    np.testing.assert_array_equal(found[latency:], plain[: len(plain) - latency])
    wrapper = Wrapper(make(latency))
    assert flip_flops(wrapper, "twin", wrapper.ports) == latency * bits


def test_a_format_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"mac\.operand_format: .* bf16 or fp16, not 'fp8'"):
        format_of("fp8", "mac.operand_format", ("bf16", "fp16"))
