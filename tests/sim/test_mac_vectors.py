"""Reference vectors, made with exact rationals and checked against other libraries: no mismatch."""

import mac_golden as golden
import numpy as np
import pytest

from arch.mac.formats import scalar_named
from arch.mac.kinds import Block, Float, Overflow, Scalar
from sim.mac import blocks, formats

CLASSES = {"nan": np.nan, "nar": np.nan, "+inf": np.inf, "-inf": -np.inf}


def same(found: np.ndarray, expected: np.ndarray, form: Scalar) -> np.ndarray:
    """Where codes are equal, or both NaN."""
    nan = np.isnan(formats.decode(found, form)) & np.isnan(formats.decode(expected, form))
    return (found == expected) | nan


@pytest.mark.parametrize("name", golden.names("decode"))
def test_decode(name: str) -> None:
    rows = golden.vectors("decode").query("format == @name")
    form = golden.element(name)
    assert len(rows) == 2**form.bits
    special = [CLASSES.get(each, 0.0) for each in rows["class"]]
    expected = np.ldexp(rows.num.to_numpy(float), rows.exp2.to_numpy(int)) + special
    np.testing.assert_array_equal(formats.decode(rows.code.to_numpy(), form), expected)


TABLES = [
    pytest.param(name, marks=[pytest.mark.compiled] * (scalar_named(name).bits > 6))
    for name in golden.names("tables")
]


@pytest.mark.parametrize("operation", ["mul", "add"])
@pytest.mark.parametrize("overflow", ["saturate", "special"])
@pytest.mark.parametrize("name", TABLES)
def test_each_pair(name: str, overflow: Overflow, operation: str) -> None:
    form = scalar_named(name)
    rows = golden.vectors("tables").query(
        "format == @name and op == @operation and overflow == @overflow"
    )
    if not len(rows):
        expected = isinstance(form, Float) and form.specials != "none" and operation == "add"
        assert expected or overflow == "special"
        return
    count = 2**form.bits
    assert len(rows) == count * count
    left, right = np.divmod(np.arange(count * count), count)
    kernel = formats.multiply if operation == "mul" else formats.add
    form = scalar_named(name, overflow if isinstance(form, Float) else None)
    assert same(kernel(left, right, form), rows.code.to_numpy(np.int64), form).all()


def test_posit16_pairs() -> None:
    rows = golden.vectors("posit16_1")
    assert len(rows) == 16994
    a, b = rows.a.to_numpy(), rows.b.to_numpy()
    np.testing.assert_array_equal(formats.multiply(a, b, "posit16_1"), rows["mul"])
    np.testing.assert_array_equal(formats.add(a, b, "posit16_1"), rows["add"])


@pytest.mark.parametrize("name", golden.names("round"))
def test_round_with_ties(name: str) -> None:
    rows = golden.vectors("round").query("format == @name")
    values = rows.fp32_bits.to_numpy(np.uint32).view(np.float32)
    form = scalar_named(name)
    np.testing.assert_array_equal(formats.encode(values, form), rows.code_sat)
    if isinstance(form, Float) and form.specials != "none":
        form = scalar_named(name, "special")
        expected = rows.code_nonsat.to_numpy(np.int64)
        assert same(formats.encode(values, form), expected, form).all()


@pytest.mark.parametrize("name", golden.names("dots"))
def test_dots_in_both_modes(name: str) -> None:
    rows = golden.vectors("dots").query("format == @name")
    bits = scalar_named(name).bits
    a, b = golden.codes_of(rows.a_hex, bits), golden.codes_of(rows.b_hex, bits)
    assert a.shape == b.shape == (len(rows), 16)
    for out, once, chain in (
        (name, "code_once", "code_fma_chain"), ("fp32", "fp32_once", "fp32_fma_chain")
    ):  # fmt: skip
        np.testing.assert_array_equal(formats.dot(a, b, name, out=out), rows[once])
        given = rows[chain].notna().to_numpy()
        assert given.all()
        chained = formats.dot(a, b, name, out=out, mode="chain")
        np.testing.assert_array_equal(chained, rows[chain].astype(np.int64))


@pytest.mark.parametrize("name", golden.names("block_dots"))
def test_block_dots(name: str) -> None:
    rows = golden.vectors("block_dots").query("format == @name")
    block = blocks.block_named(name)
    assert isinstance(block, Block)
    a, b = (golden.codes_of(rows[c], block.element.bits) for c in ("a_hex", "b_hex"))
    assert a.shape == (len(rows), block.size)
    scales = (rows[c].to_numpy(np.int64)[:, None] for c in ("scale_a", "scale_b"))
    a_scale, b_scale = scales
    found = blocks.dot(a, a_scale, b, b_scale, name)
    np.testing.assert_array_equal(found, rows.fp32_once)
