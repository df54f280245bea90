"""The reconfigurable multiplier: 2-bit multipliers that merge to one wide one or to several lanes.

XR-NPE's RMMEC (reconfigurable mantissa multiplication and exponent circuitry, arXiv:2508.13049) is
named there; this is a way to build its multiplier.
"""

from amaranth.hdl import Cat, Const, Module, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

DIGIT = 2
"""Bits that one of the small multipliers takes."""


def two_bit_product(x: Value, y: Value) -> Value:
    """The product of two 2-bit numbers, four bits, in gates."""
    low, high = x & y[0].replicate(DIGIT), x & y[1].replicate(DIGIT)
    carry = low[1] & high[0]
    return Cat(low[0], low[1] ^ high[0], high[1] ^ carry, high[1] & carry)


def added(numbers: list[Value]) -> Value:
    """The sum, in a balanced tree."""
    while len(numbers) > 1:
        last = numbers[-1:] if len(numbers) % 2 else []
        numbers = [x + y for x, y in zip(numbers[0::2], numbers[1::2], strict=False)] + last
    return numbers[0]


class Rmmec(wiring.Component):
    """Products of lanes, side by side: combinational.

    A small multiplier for each pair of digits of ``x`` and ``y``. In a mode of lanes of w bits,
    those off the diagonal blocks of w x w are off; the sum of all, each at its place, then has the
    products of the lanes side by side, for none carries into the next.

    Parameters
    ----------
    bits : int
        Side, even.
    modes : tuple of (int, int)
        Lanes and bits of a lane, which are even, of each mode; bits beyond all lanes are ignored.
    mode_bits : int
        Width of ``mode``; an index beyond counts as the last.

    Members
    -------
    x, y : In(bits)
        Lanes side by side, the first the lowest.
    mode : In(mode_bits)
    product : Out(2 * bits)
        Lane i's from bit 2 w i on, 2 w bits.
    """

    def __init__(self, bits: int, modes: tuple[tuple[int, int], ...], mode_bits: int) -> None:
        assert bits % DIGIT == 0
        assert all(w % DIGIT == 0 and n * w <= bits for n, w in modes)
        self.bits = bits
        self.modes = modes
        self.registers: dict[str, ValueLike] = {}
        super().__init__(
            {"x": In(bits), "y": In(bits), "mode": In(mode_bits), "product": Out(2 * bits)}
        )
        self.rows = [Signal(bits + DIGIT, name=f"row{j}") for j in range(bits // DIGIT)]
        """x, masked to the lane, times a digit of y."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        digits = self.bits // DIGIT
        is_mode = [self.mode == k for k in range(len(self.modes) - 1)]
        is_mode.append(self.mode >= len(self.modes) - 1)
        for j, row in enumerate(self.rows):
            y = self.y[DIGIT * j : DIGIT * (j + 1)]
            cells: list[Value] = []
            for i in range(digits):
                x = self.x[DIGIT * i : DIGIT * (i + 1)]
                on = [k for k in range(len(self.modes)) if self.merges(k, i, j)]
                if not on:
                    cells.append(Const(0, 2 * DIGIT))
                    continue
                cell = two_bit_product(x, y)
                if len(on) < len(self.modes):
                    cell = cell & Cat(*(is_mode[k] for k in on)).any().replicate(2 * DIGIT)
                cells.append(cell)
            even, odd = Cat(*cells[0::2]), Cat(*cells[1::2])
            m.d.comb += row.eq(even + Cat(Const(0, DIGIT), odd))
        placed = [Cat(Const(0, DIGIT * j), row) for j, row in enumerate(self.rows)]
        m.d.comb += self.product.eq(added(placed))
        return m

    def merges(self, mode: int, i: int, j: int) -> bool:
        """Whether digits i of x and j of y are of one lane in a mode."""
        lanes, width = self.modes[mode]
        lane = DIGIT * i // width
        return lane < lanes and lane == DIGIT * j // width
