"""The multiplier of 2-bit ones: equal to plain products, whole and in lanes."""

import numpy as np
import pytest
from amaranth.hdl import Assert, Cat, Const, Elaboratable, Module, Value
from mac_cases import in_hardware

from rtl.formal import ProofError, inputs, prove
from rtl.mac import Rmmec, rmmec

Modes = tuple[tuple[int, int], ...]
XR_NPE: Modes = ((4, 2), (4, 2), (2, 6), (1, 14))
EIGHT: Modes = ((4, 2), (2, 4), (1, 8), (1, 6))


def products(x: np.ndarray, y: np.ndarray, lanes: int, width: int) -> np.ndarray:
    """Of lanes, side by side."""
    found = np.zeros_like(x)
    for i in range(lanes):
        a, b = ((each >> i * width) & ((1 << width) - 1) for each in (x, y))
        found |= a * b << 2 * width * i
    return found


def differing(bits: int, modes: Modes, x: np.ndarray, y: np.ndarray) -> int:
    """Products of all modes that differ from plain ones."""
    count = 0
    columns = [np.tile(each, len(modes)) for each in (x, y)]
    columns.append(np.repeat(np.arange(len(modes)), len(x)))
    bits_of_mode = (len(modes) - 1).bit_length()
    found = in_hardware(lambda: Rmmec(bits, modes, bits_of_mode), *columns)["product"]
    for k, (lanes, width) in enumerate(modes):
        here = found[k * len(x) : (k + 1) * len(x)]
        count += int((here != products(x, y, lanes, width)).sum())
    return count


@pytest.mark.compiled
def test_every_pair_of_eight_bits_in_every_mode() -> None:
    x, y = np.divmod(np.arange(1 << 16), 1 << 8)
    assert differing(8, EIGHT, x, y) == 0


@pytest.mark.parametrize(("bits", "modes"), [(14, XR_NPE), (16, ((8, 2), (2, 8), (1, 16), (5, 2)))])
def test_random_pairs_of_more_bits(bits: int, modes: Modes) -> None:
    random = np.random.default_rng(bits)
    x, y = random.integers(0, 1 << bits, (2, 20_000))
    for each in (x, y):
        # Digits all 0 or all 1 in part, for carries.
        each[::3] |= (1 << random.integers(0, bits + 1, len(each[::3]))) - 1
        each[::5] &= -1 << random.integers(0, bits, len(each[::5]))
    assert differing(bits, modes, x, y) == 0


class Multiplies(Elaboratable):
    """The product is that of Yosys, in every mode."""

    def __init__(self, multiplier: Rmmec) -> None:
        self.multiplier = multiplier

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = unit = self.multiplier
        for k, (lanes, width) in enumerate(unit.modes):
            sides = [
                [side[i * width : (i + 1) * width] for i in range(lanes)]
                for side in (unit.x, unit.y)
            ]
            plain = Cat(*(a * b for a, b in zip(*sides, strict=True)))
            with m.If(unit.mode == k):
                m.d.comb += Assert(unit.product == plain)
        return m


class Composes(Elaboratable):
    """Each of the rows that are added up at their places is the lane's part of x times a digit of
    y. So the sum is x y, as y is its digits at their places; a row reaches no lane but its own.
    """

    def __init__(self, multiplier: Rmmec) -> None:
        self.multiplier = multiplier

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = unit = self.multiplier
        for k in range(len(unit.modes)):
            with m.If(unit.mode == k):
                for j, row in enumerate(unit.rows):
                    m.d.comb += Assert(row == self._row(k, j))
        return m

    def _row(self, mode: int, j: int) -> Value:
        unit = self.multiplier
        lanes, width = unit.modes[mode]
        lane = 2 * j // width
        if lane >= lanes:
            return Const(0)
        digit = unit.y[2 * j : 2 * j + 2]
        part = Cat(Const(0, lane * width), unit.x[lane * width : (lane + 1) * width])
        return Cat(part & digit[0].replicate(len(part)), Const(0, 1)) + Cat(
            Const(0, 1), part & digit[1].replicate(len(part))
        )


def test_four_bits_are_proven() -> None:
    unit = Rmmec(4, ((2, 2), (1, 4)), 1)
    prove(Multiplies(unit), 1, "bmc", inputs(unit))


@pytest.mark.parametrize(("bits", "modes"), [(14, XR_NPE), (16, ((4, 4), (2, 8), (1, 16)))])
def test_wide_products_are_made_of_proven_rows(bits: int, modes: Modes) -> None:
    unit = Rmmec(bits, modes, 2)
    prove(Composes(unit), 1, "bmc", inputs(unit))


def wrong_carry(x: Value, y: Value) -> Value:
    low, high = x & y[0].replicate(2), x & y[1].replicate(2)
    return Cat(low[0], low[1] ^ high[0], high[1], high[1] & low[1] & high[0])


class Crosstalk(Rmmec):
    """A multiplier off the diagonal stays on in the mode of two lanes."""

    def merges(self, mode: int, i: int, j: int) -> bool:
        return super().merges(mode, i, j) or (mode == 0 and (i, j) == (1, 0))


def test_wrong_multipliers_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for proof in (Multiplies, Composes):
        unit = Crosstalk(4, ((2, 2), (1, 4)), 1)
        with pytest.raises(ProofError):
            prove(proof(unit), 1, "bmc", inputs(unit))
    monkeypatch.setattr(rmmec, "two_bit_product", wrong_carry)
    unit = Rmmec(4, ((1, 4),), 0)
    with pytest.raises(ProofError):
        prove(Multiplies(unit), 1, "bmc", inputs(unit))
    x, y = np.divmod(np.arange(1 << 8), 1 << 4)
    assert differing(4, ((1, 4), (2, 2)), x, y) > 0
