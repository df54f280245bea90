"""What holds of every format, for codes and numbers of hypothesis' choosing."""

import math
from bisect import bisect_left
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mac_oracle import oracle_of

from arch.mac.formats import FORMATS, scalar_named
from arch.mac.kinds import Block, Float, Posit, Scalar
from sim.mac import formats

SCALARS = [f.name for f in FORMATS.values() if not isinstance(f, Block) and f.bits <= 32]
NEAREST = ["fp4_e2m1", "fp6_e2m3", "fp6_e3m2", "fp8_e4m3", "fp8_e5m2", "fp8_e5m2_fnuz", "int8",
           "int5", "bf16", "fp16", "mxint8_element"]  # fmt: skip
forms = st.one_of(
    st.sampled_from(SCALARS).map(scalar_named),
    st.tuples(st.integers(2, 32), st.integers(0, 3))
    .filter(lambda pair: pair[1] < pair[0])
    .map(lambda pair: scalar_named(f"posit{pair[0]}_{pair[1]}")),
)
with_codes = forms.flatmap(
    lambda form: st.tuples(
        st.just(form), st.lists(st.integers(0, 2**form.bits - 1), min_size=3, max_size=3)
    )
)


def finite(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all())


@given(with_codes)
@settings(max_examples=400, deadline=None)
def test_encode_of_decode_is_the_code(case: tuple[Scalar, list[int]]) -> None:
    form, codes = case
    values = formats.decode(codes, form)
    again = formats.encode(values, form)
    known = ~np.isnan(values)
    assert (again[known] == np.array(codes)[known]).all()
    assert np.isnan(formats.decode(again[~known], form)).all()


@given(with_codes)
@settings(max_examples=400, deadline=None)
def test_codes_are_in_order(case: tuple[Scalar, list[int]]) -> None:
    """Posits and integers as two's complement, floats as sign and size."""
    form, codes = case
    half = 2 ** (form.bits - 1)

    def place(code: int) -> int:
        if not form.signed or code < half:
            return code
        return half - code if isinstance(form, Float) else code - 2 * half

    values = formats.decode(codes, form)
    pairs = sorted((place(c), v) for c, v in zip(codes, values, strict=True) if not math.isnan(v))
    assert [v for _, v in pairs] == sorted(v for _, v in pairs)
    if isinstance(form, Posit):
        assert len({v for _, v in pairs}) == len({p for p, _ in pairs})


@given(forms, st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2))
@settings(max_examples=300, deadline=None)
def test_rounding_is_monotonic(form: Scalar, values: list[float]) -> None:
    if not form.signed:
        values = [abs(x) for x in values]
    if isinstance(form, Float) and not form.zero:
        values = [x or 1.0 for x in values]
    ordered = np.sort(values)
    rounded = formats.decode(formats.encode(ordered, form), form)
    assert (np.abs(ordered[np.isnan(rounded)]) > float(form.largest)).all()
    assert (np.diff(rounded[np.isfinite(rounded)]) >= 0).all()


@given(with_codes)
@settings(max_examples=400, deadline=None)
def test_operations_commute(case: tuple[Scalar, list[int]]) -> None:
    form, (a, b, _) = case
    for operation in (formats.multiply, formats.add):
        assert operation(a, b, form) == operation(b, a, form)


@given(with_codes)
@settings(max_examples=300, deadline=None)
def test_operations_are_the_rounded_exact_ones(case: tuple[Scalar, list[int]]) -> None:
    """Where float64 holds the exact result, which ``encode`` then rounds."""
    form, (a, b, _) = case
    x, y = (float(formats.decode(c, form)) for c in (a, b))
    if not finite(np.array([x, y])) or not x * y or not x + y:
        return
    for exact, found in (
        (Fraction(x) * Fraction(y), formats.multiply(a, b, form)),
        (Fraction(x) + Fraction(y), formats.add(a, b, form)),
    ):
        if Fraction(float(exact)) == exact:
            assert found == formats.encode(float(exact), form)


@pytest.mark.parametrize("name", NEAREST)
@given(x=st.floats(-3e5, 3e5, allow_nan=False))
@settings(max_examples=80, deadline=None)
def test_no_number_is_nearer(name: str, x: float) -> None:
    form, oracle = scalar_named(name), oracle_of(name)
    if abs(x) > form.largest:
        x = math.fmod(x, float(form.largest))
    real = oracle.values
    at = bisect_left(real, Fraction(x))
    found = Fraction(float(formats.decode(formats.encode(x, form), form)))
    assert abs(found - Fraction(x)) == min(
        abs(n - Fraction(x)) for n in real[max(at - 1, 0) : at + 1]
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from(["fp32", "posit32_2", "int32", "posit32_3"]))
@settings(max_examples=300, deadline=None)
def test_one_is_neutral(code: int, name: str) -> None:
    one, zero = int(formats.encode(1.0, name)), int(formats.encode(0.0, name))
    value = formats.decode(code, name)
    if np.isfinite(value):
        assert formats.multiply(code, one, name) == code
        if value:
            assert formats.add(code, zero, name) == code


def test_shapes_are_kept() -> None:
    assert formats.encode(1.0, "int8").shape == ()
    assert formats.decode([[1, 2]], "int8").shape == (1, 2)
    assert formats.multiply([[1], [2]], [3, 4], "int8").tolist() == [[3, 4], [6, 8]]
    assert formats.dot(np.ones((2, 3, 4), int), np.ones(4, int), "int8").shape == (2, 3)
    assert formats.encode([], "fp32").shape == (0,)
