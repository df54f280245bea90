"""Blocks: scales as the sources have them, and the nearest elements below them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arch.errors import InputError
from arch.mac.formats import FORMATS
from arch.mac.kinds import Block
from sim.mac import blocks, formats

BLOCKS = [name for name, form in FORMATS.items() if isinstance(form, Block)]
MX = [name for name in BLOCKS if name.startswith("mx")]
LARGEST_EXPONENT = {"mxint8": 0, "mxfp8_e4m3": 8, "mxfp8_e5m2": 15, "mxfp6_e2m3": 2,
                    "mxfp6_e3m2": 4, "mxfp4_e2m1": 2}  # fmt: skip
"""OCP MX v1.0, table 5."""


def tensor(seed: int, shape: tuple[int, ...] = (3, 64)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32).astype(float)


@pytest.mark.parametrize("name", MX)
def test_scale_is_that_of_the_largest_exponent(name: str) -> None:
    values = tensor(1)
    made = blocks.quantise(values, name)
    most = np.abs(values.reshape(3, 2, 32)).max(axis=-1)
    expected = np.floor(np.log2(most)) - LARGEST_EXPONENT[name] + 127
    np.testing.assert_array_equal(made.scales, expected)


@pytest.mark.parametrize("name", BLOCKS)
def test_elements_are_nearest(name: str) -> None:
    values = tensor(2)
    made = blocks.quantise(values, name)
    form = made.form
    all_codes = np.arange(2**form.element.bits)
    grid = formats.decode(all_codes, form.element)
    grid = grid[np.isfinite(grid) & (grid >= float(form.element.least))]
    scales = formats.decode(made.scales, form.scale) * made.tensor_scale
    step = np.repeat(scales, form.size, axis=-1)
    least = np.abs(values[..., None] - grid * step[..., None]).min(axis=-1)
    error = np.abs(values - made.values())
    np.testing.assert_allclose(error, least, rtol=1e-9, atol=1e-12)
    most = np.abs(values).max() * 2.0 ** -(2 if form.element.bits < 8 else 4)
    assert error.max() < most


@pytest.mark.parametrize("name", ["nvfp4", "nvint4"])
def test_tensor_scale_uses_the_whole_of_both_formats(name: str) -> None:
    values = tensor(3) * 1e4
    made = blocks.quantise(values, name)
    largest = {"nvfp4": 6, "nvint4": 7}[name]
    assert made.tensor_scale == np.float32(np.abs(values).max() / (448 * largest))
    assert made.scales.max() == formats.encode(448, "ue4m3")
    assert blocks.quantise(np.zeros((1, 16)), name).values().tolist() == [[0.0] * 16]


def test_int_elements_are_symmetric() -> None:
    values = np.full((1, 32), -1.999)
    assert blocks.quantise(values, "mxint8").elements[0, 0] == 256 - 127
    assert formats.decode(blocks.quantise(values, "mxint8").elements, "mxint8_element").min() == (
        -127 / 64
    )


def test_scales_are_clamped() -> None:
    tiny = blocks.quantise(np.full((1, 32), 1e-300), "mxfp4")
    assert tiny.scales.tolist() == [[0]]
    huge = blocks.quantise(np.full((1, 32), 1e300), "mxfp4")
    assert huge.scales.tolist() == [[254]]
    assert huge.values()[0, 0] == 6 * 2.0**127


@pytest.mark.parametrize("name", BLOCKS)
def test_a_last_block_may_be_short(name: str) -> None:
    values = tensor(4, (2, 37))
    made = blocks.quantise(values, name)
    assert made.elements.shape == (2, 37)
    padded = np.zeros((2, 96))
    padded[:, :37] = values
    whole = blocks.quantise(padded, name)
    np.testing.assert_array_equal(made.values(), whole.values()[:, :37])


@pytest.mark.parametrize("name", BLOCKS)
def test_dots_of_several_blocks(name: str) -> None:
    a, b = (blocks.quantise(tensor(seed, (4, 96)), name) for seed in (5, 6))
    found = blocks.dot(a.elements, a.scales, b.elements, b.scales, name)
    unscaled = [
        formats.decode(x.elements, x.form.element)
        * np.repeat(formats.decode(x.scales, x.form.scale), x.form.size, axis=-1)
        for x in (a, b)
    ]
    # Exact in float64 as all products are of few bits and like size.
    expected = (unscaled[0] * unscaled[1]).sum(axis=-1).astype(np.float32)
    np.testing.assert_array_equal(formats.decode(found, "fp32"), expected)


@given(
    st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=40),
    st.sampled_from(BLOCKS),
)
@settings(max_examples=150, deadline=None)
def test_quantising_again_changes_nothing_of_mx(values: list[float], name: str) -> None:
    made = blocks.quantise(values, name)
    assert np.isfinite(made.values()).all()
    if name in MX:
        np.testing.assert_array_equal(blocks.quantise(made.values(), name).values(), made.values())


WRONG = [
    (lambda: blocks.quantise([1.0, np.nan], "mxint8"), "give finite numbers"),
    (lambda: blocks.quantise(1.0, "mxint8"), "with an axis to cut"),
    (lambda: blocks.quantise([1.0], "int8"), "int8: holds single numbers; give a block format"),
    (lambda: dot(b_form="nvfp4"), "mxfp4_e2m1 has blocks of 32, nvfp4 of 16"),
    (lambda: dot(elements=31), "give equal shapes, and a scale for each 32"),
    (lambda: dot(elements=40), "rows of 40 elements are not whole blocks of 32"),
    (lambda: dot(scale=256), "a scale of e8m0: 256 is none"),
]


def dot(elements: int = 32, scale: int = 127, b_form: str | None = None) -> np.ndarray:
    codes = np.ones((1, elements), int)
    return blocks.dot(codes, [[scale]], codes, [[127]], "mxfp4", b_form=b_form)


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_what_is_wrong_is_told(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_a_scale_that_is_no_number_makes_the_dot_none() -> None:
    assert dot(scale=255).tolist() == [0x7FC00000]
    assert formats.decode(dot(), "fp32").tolist() == [8.0]
