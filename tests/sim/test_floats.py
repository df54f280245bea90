"""Floating-point arithmetic on bits: as NumPy and ml_dtypes have it."""

import os

import numpy as np
import pytest
from float_cases import (
    Bits,
    converted,
    corner_pairs,
    largest_of,
    product_of,
    random_pairs,
    sum_of,
)

from sim import floats

PAIRS = 2_000 if os.environ.get("NUMBA_DISABLE_JIT") == "1" else 200_000
NAMES = ("bf16", "fp16", "fp32")


def pairs(name: str, seed: int) -> tuple[Bits, Bits]:
    some, directed = random_pairs(name, PAIRS, seed), corner_pairs(name)
    return np.concatenate([some[0], directed[0]]), np.concatenate([some[1], directed[1]])


def sizes(name: str) -> tuple[int, int]:
    return floats.FRACTION_BITS[name], floats.EXPONENT_BITS[name]


def test_sums() -> None:
    x, y = pairs("fp32", 1)
    found = [floats.add(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    np.testing.assert_array_equal(found, sum_of(x, y))


def test_maxima() -> None:
    x, y = pairs("fp32", 2)
    found = [floats.maximum(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    np.testing.assert_array_equal(found, largest_of(x, y))


@pytest.mark.parametrize("name", NAMES)
def test_products(name: str) -> None:
    x, y = pairs(name, 3)
    f, e = sizes(name)
    found = [floats.multiply(a, b, f, e) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    np.testing.assert_array_equal(found, product_of(x, y, name))


@pytest.mark.parametrize("name", NAMES[:2])
def test_conversions(name: str) -> None:
    x = np.concatenate(pairs("fp32", 4))
    # Halfway between two numbers of the format, too.
    half = 1 << (22 - floats.FRACTION_BITS[name])
    x = np.concatenate([x, (x & ~(2 * half - 1)) | half])
    found = [floats.narrow(a, *sizes(name)) for a in x.tolist()]
    np.testing.assert_array_equal(found, converted(x, "fp32", name))
    x = np.concatenate(pairs(name, 5))
    found = [floats.widen(a, *sizes(name)) for a in x.tolist()]
    np.testing.assert_array_equal(found, converted(x, name, "fp32"))
