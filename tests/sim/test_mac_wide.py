"""Formats too wide for all pairs: any posit, fp32, and integers, against Fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mac_oracle import fp32_code, posit_code, posit_number

from sim.mac import formats
from sim.mac.formats import Mode

pytestmark = pytest.mark.compiled

LENGTH = 6
posits = st.tuples(st.integers(2, 32), st.integers(0, 3)).filter(lambda pair: pair[1] < pair[0])


@st.composite
def dots(draw: st.DrawFn) -> tuple[int, int, list[int], list[int]]:
    """A posit, and two vectors of codes, of which some cancel each other."""
    bits, es = draw(posits)
    nar = 2 ** (bits - 1)
    near_one = st.integers(nar // 2 - 9, nar // 2 + 9).map(lambda c: min(max(c, 0), nar - 1))
    code = st.one_of(
        st.integers(0, 2**bits - 1), near_one, st.sampled_from([0, 1, nar - 1, 2**bits - 1])
    ).map(lambda c: 0 if c == nar else c)
    a, b = (draw(st.lists(code, min_size=LENGTH, max_size=LENGTH)) for _ in range(2))
    if draw(st.booleans()):
        a[-1], b[-1] = a[0], (2**bits - b[0]) % 2**bits
    return bits, es, a, b


@given(dots())
@settings(max_examples=600)
def test_any_posit(case: tuple[int, int, list[int], list[int]]) -> None:
    bits, es, a, b = case
    name = f"posit{bits}_{es}"

    def exact(code: int) -> Fraction:
        found = posit_number(format(code, f"0{bits}b"), es=es)
        assert isinstance(found, Fraction)
        return found

    x, y = [exact(c) for c in a], [exact(c) for c in b]
    products = [p * q for p, q in zip(x, y, strict=True)]
    assert formats.decode(a, name).tolist() == [float(p) for p in x]
    assert formats.multiply(a, b, name).tolist() == [posit_code(p, bits, es) for p in products]
    assert formats.add(a, b, name).tolist() == [
        posit_code(p + q, bits, es) for p, q in zip(x, y, strict=True)
    ]
    assert int(formats.dot(a, b, name)) == posit_code(sum(products, Fraction(0)), bits, es)
    code = 0
    for each in products:
        code = posit_code(each + exact(code), bits, es)
    assert int(formats.dot(a, b, name, mode="chain")) == code


singles = st.floats(-(2.0**60), 2.0**60, width=32)


@given(st.lists(singles, min_size=2, max_size=8), st.data())
@settings(max_examples=300)
def test_fp32(values: list[float], data: st.DataObject) -> None:
    others = data.draw(st.lists(singles, min_size=len(values), max_size=len(values)))
    if data.draw(st.booleans()):
        values[-1], others[-1] = values[0], -others[0]
    a, b = formats.encode(values, "fp32"), formats.encode(others, "fp32")
    assert a.tolist() == np.array(values, np.float32).view(np.uint32).tolist()
    terms = [Fraction(x) * Fraction(y) for x, y in zip(values, others, strict=True)]
    total = sum(terms, Fraction(0))
    if abs(total) < 2**127:
        assert int(formats.dot(a, b, "fp32")) == fp32_code(total)
    chained = Fraction(0)
    for term in terms:
        chained += term
        if abs(chained) >= 2**127:
            return
        code = fp32_code(chained)
        chained = Fraction(float(np.uint32(code).view(np.float32)))
    assert int(formats.dot(a, b, "fp32", mode="chain")) == code


@pytest.mark.parametrize("mode", ["quire", "chain"])
@pytest.mark.parametrize("bits", [9, 12, 15, 16, 32])
def test_integers(bits: int, mode: Mode) -> None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    random = np.random.default_rng(bits)
    ends = np.array([low, low + 1, -1, 0, 1, high - 1, high])
    x = np.concatenate([np.repeat(ends, 7), random.integers(low, high + 1, 2000)])
    y = np.concatenate([np.tile(ends, 7), random.integers(low, high + 1, 2000)])
    x[500:], y[500:] = x[500:] >> (bits // 2), y[500:] >> (bits // 2)

    def codes(numbers: list[int]) -> list[int]:
        return [min(max(n, low), high) % 2**bits for n in numbers]

    a, b = x % 2**bits, y % 2**bits
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    name = f"int{bits}"
    assert formats.multiply(a, b, name).tolist() == codes([p * q for p, q in pairs])
    assert formats.add(a, b, name).tolist() == codes([p + q for p, q in pairs])
    rows = len(x) // 4
    found = formats.dot(a[: 4 * rows].reshape(rows, 4), b[: 4 * rows].reshape(rows, 4), name,
                        mode=mode)  # fmt: skip
    expected = []
    for row in range(rows):
        total = 0
        for p, q in pairs[4 * row : 4 * row + 4]:
            total += p * q
            if mode == "chain":
                total = min(max(total, low), high)
        expected.append(total)
    assert found.tolist() == codes(expected)


@pytest.mark.parametrize(("name", "fraction"), [("bf16", 7), ("fp32", 23), ("posit32_2", 27)])
@pytest.mark.parametrize("mode", ["quire", "chain"])
@pytest.mark.parametrize("below", range(34, 116, 3))
def test_what_is_far_below_a_tie_decides_it(
    name: str, fraction: int, below: int, mode: Mode
) -> None:
    step = 2.0**-fraction

    def found(ones: int, sign: int) -> float:
        """Steps above 1.5 that 1.5 times 1 + ones steps, and a very small number, come to."""
        a, b = formats.encode([[1 + ones * step]], name), formats.encode([[1.5]], name)
        start = formats.encode([sign * 2.0**-below], name)
        code = formats.dot(a, b, name, start=start, mode=mode)
        return (float(formats.decode(code, name)[0]) - 1.5) / step

    # 1.5 steps, between 1 and the even 2; 4.5 steps, between the even 4 and 5.
    assert [found(1, sign) for sign in (-1, 0, 1)] == [1, 2, 2]
    assert [found(3, sign) for sign in (-1, 0, 1)] == [4, 4, 5]
