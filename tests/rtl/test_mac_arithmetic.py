"""Products, sums and dots of the SIMD engine in hardware: every pair, the reference vectors."""

import mac_golden as golden
import numpy as np
import pytest
from mac_cases import Sliced, dots_in_hardware, in_hardware, responses, unit_of, words_of
from mac_pairs import CASES, CHAINED, ENGINES, FORMS, OPERATIONS, in_engine, in_model, wrong

from arch.mac.engine import Engine, Mode
from arch.mac.formats import scalar_named
from arch.mac.kinds import Block, Overflow
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


REFERENCE = [case for case in CASES if case[0] in golden.names("tables")]


def reference(name: str, overflow: Overflow, operation: str) -> np.ndarray | None:
    """Results of every pair as the reference has them, if it does."""
    rows = golden.vectors("tables")
    of = {"format": name, "op": "mul" if operation == "product" else "add", "overflow": overflow}
    rows = rows[np.logical_and.reduce([rows[key] == value for key, value in of.items()])]
    return rows.code.to_numpy(np.int64) if len(rows) else None


def assert_right(name: str, overflow: Overflow, operation: str) -> None:
    form, found = FORMS[name], in_engine(name, overflow, operation)
    assert wrong(found, in_model(name, overflow, operation), form, operation) == []
    expected = reference(name, overflow, operation)
    assert expected is None or wrong(found, expected, form, operation) == []


@pytest.mark.parametrize(("name", "overflow"), CASES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_pair(name: str, overflow: Overflow, operation: str) -> None:
    assert_right(name, overflow, operation)


@pytest.mark.parametrize(("name", "overflow"), REFERENCE)
def test_every_chained_sum(name: str, overflow: Overflow) -> None:
    assert_right(name, overflow, CHAINED)


def test_every_format_and_every_reference_is_tried() -> None:
    assert len(FORMS) == 28
    assert {name for name, _ in CASES} == {*FORMS} == {n for each in ENGINES for n in each.results}
    assert {name for name, _ in REFERENCE} == {*golden.names("tables")}


def test_posit16_pairs() -> None:
    rows = golden.vectors("posit16_1")
    pairs = rows[["a", "b"]].to_numpy(np.int64)
    at = NAMES.index("posit16_1")
    found = dots_in_hardware(EXACT, pairs[:, :1], pairs[:, 1:], at, at)
    np.testing.assert_array_equal(found, rows["mul"])
    ones = np.full_like(pairs, formats.encode(np.array([1.0]), "posit16_1")[0])
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
