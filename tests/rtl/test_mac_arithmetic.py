"""Products, sums and dots of the SIMD engine in hardware: the reference vectors, every pair.

An exact sum has one zero: where a result is exactly zero its code is that of +0.
"""

from dataclasses import replace

import mac_golden as golden
import numpy as np
import pytest
from mac_cases import Sliced, dots_in_hardware, in_hardware, responses, unit_of, words_of

from arch.mac.engine import Engine, Mode
from arch.mac.formats import scalar_named
from arch.mac.kinds import Block, Overflow, Scalar
from rtl.mac.block import BlockScaler
from sim.mac import blocks, formats

NAMES = golden.names("dots")
MODES = tuple(Mode(input_format=name) for name in NAMES)
EXACT = Engine(modes=MODES, result_formats=(*NAMES, "fp32"))
"""All formats that have vectors, in one engine."""
IN_FP32 = Engine(modes=MODES, accumulation="chained", chain_format="fp32", result_formats=("fp32",))


def chained(name: str) -> Engine:
    """A chain in the format of the operands."""
    return Engine(modes=(Mode(input_format=name),), accumulation="chained", chain_format=name)


def one_code(name: str) -> int:
    """Of the number 1."""
    return int(formats.encode(np.array([1.0]), name)[0])


def every_pair(form: Scalar) -> tuple[np.ndarray, np.ndarray]:
    return np.divmod(np.arange(1 << 2 * form.bits), 1 << form.bits)


def assert_same(found: np.ndarray, expected: np.ndarray, form: Scalar, zero: np.ndarray) -> None:
    """Codes are equal, or both NaN, or the exact result is zero and the code +0."""
    expected = np.where(zero, 0, expected)
    nan = np.isnan(formats.decode(found, form)) & np.isnan(formats.decode(expected, form))
    np.testing.assert_array_equal(found[~nan], expected[~nan])


CASES = [
    (name, overflow)
    for name in golden.names("tables")
    for overflow in ("saturate", "special")
    if overflow == "saturate" or getattr(scalar_named(name), "specials", "none") != "none"
]
tables = pytest.mark.parametrize(("name", "overflow"), CASES)


def table(name: str, overflow: Overflow, operation: str) -> np.ndarray:
    """Results of every pair: the reference's, or the model's where it has none."""
    form = scalar_named(name)
    rows = golden.vectors("tables").query(
        "format == @name and op == @operation and overflow == @overflow"
    )
    if len(rows):
        return rows.code.to_numpy(np.int64)
    kernel = formats.multiply if operation == "mul" else formats.add
    assert operation == "add"
    return kernel(*every_pair(form), replace(form, overflow=overflow))


@tables
def test_every_product(name: str, overflow: Overflow) -> None:
    form, at = scalar_named(name), NAMES.index(name)
    a, b = every_pair(form)
    found = dots_in_hardware(EXACT, a[:, None], b[:, None], at, at, 1, overflow)
    values = formats.decode(a, form), formats.decode(b, form)
    zero = np.isfinite(values[0]) & np.isfinite(values[1]) & ((values[0] == 0) | (values[1] == 0))
    assert_same(found, table(name, overflow, "mul"), form, zero)


@tables
@pytest.mark.parametrize("way", ["two lanes", "two words", "chained"])
def test_every_sum(name: str, overflow: Overflow, way: str) -> None:
    form, at = scalar_named(name), NAMES.index(name)
    a, b = every_pair(form)
    left = np.stack([a, b], axis=1)
    top = np.full_like(left, one_code(name))
    if way == "chained":
        found = dots_in_hardware(chained(name), left, top, overflow=overflow)
    else:
        if way == "two lanes":
            left, top = (words_of(each, form.bits)[:, None] for each in (left, top))
        found = dots_in_hardware(EXACT, left, top, at, at, 1, overflow)
    values = formats.decode(a, form), formats.decode(b, form)
    with np.errstate(invalid="ignore"):
        zero = values[0] + values[1] == 0
    assert_same(found, table(name, overflow, "add"), form, zero)


def test_posit16_pairs() -> None:
    rows = golden.vectors("posit16_1")
    pairs = rows[["a", "b"]].to_numpy(np.int64)
    at = NAMES.index("posit16_1")
    found = dots_in_hardware(EXACT, pairs[:, :1], pairs[:, 1:], at, at)
    np.testing.assert_array_equal(found, rows["mul"])
    ones = np.full_like(pairs, one_code("posit16_1"))
    np.testing.assert_array_equal(dots_in_hardware(EXACT, pairs, ones, at, at), rows["add"])
    found = dots_in_hardware(chained("posit16_1"), pairs, ones)
    np.testing.assert_array_equal(found, rows["add"])


@pytest.mark.parametrize("name", NAMES)
def test_dots_in_both_modes(name: str) -> None:
    rows = golden.vectors("dots").query("format == @name")
    bits, at = scalar_named(name).bits, NAMES.index(name)
    a, b = golden.codes_of(rows.a_hex, bits), golden.codes_of(rows.b_hex, bits)
    lanes = EXACT.lanes(MODES[at])
    left, top = (words_of(each.reshape(len(a), -1, lanes), bits) for each in (a, b))
    for result, column in ((at, "code_once"), (len(NAMES), "fp32_once")):
        found = dots_in_hardware(EXACT, left, top, at, result)
        np.testing.assert_array_equal(found, rows[column])
    # A code in each word; the other lanes are 0.
    found = dots_in_hardware(chained(name), a, b)
    np.testing.assert_array_equal(found, rows["code_fma_chain"].astype(np.int64))
    found = dots_in_hardware(IN_FP32, a, b, at)
    np.testing.assert_array_equal(found, rows["fp32_fma_chain"].astype(np.int64))


ELEMENTS = tuple(dict.fromkeys(golden.element(name).name for name in golden.names("block_dots")))
BLOCKS = Engine(modes=tuple(Mode(input_format=name) for name in ELEMENTS), result_formats=("fp32",))


def sums_in_hardware(left: np.ndarray, top: np.ndarray, mode: int) -> list[np.ndarray]:
    """Limbs of the exact sums of words [dot, word], as registers hold them."""
    dots, length = left.shape
    first = np.zeros((dots, length), np.int64)
    first[:, 0] = 1
    given = np.zeros((dots * length + 1, 6), np.int64)
    for i, column in enumerate((1, left.ravel(), top.ravel(), mode, first.ravel())):
        given[:-1, i] = column
    found = responses(unit_of(BLOCKS), *given.T)
    return [each[length::length] for name, each in found.items() if name.startswith("mac.sum[")]


@pytest.mark.parametrize("name", golden.names("block_dots"))
def test_block_dots(name: str) -> None:
    rows = golden.vectors("block_dots").query("format == @name")
    block = blocks.block_named(name)
    assert isinstance(block, Block)
    at = ELEMENTS.index(block.element.name)
    bits, lanes = block.element.bits, BLOCKS.lanes(BLOCKS.modes[at])
    a, b = (golden.codes_of(rows[c], bits) for c in ("a_hex", "b_hex"))
    assert a.shape == (len(rows), block.size)
    words = (words_of(each.reshape(len(a), -1, lanes), bits) for each in (a, b))
    limbs = sums_in_hardware(*words, at)
    scales = [rows[column].to_numpy(np.int64) for column in ("scale_a", "scale_b")]
    found = in_hardware(
        lambda: Sliced(BlockScaler(BLOCKS, block.scale, scalar_named("fp32")), "sum"),
        *limbs,
        np.full(len(rows), at),
        *scales,
    )
    np.testing.assert_array_equal(found["code"], rows.fp32_once)
