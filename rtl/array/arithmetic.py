"""Sums in the accumulator format: they wrap or saturate."""

from amaranth.hdl import Mux, Shape, Value


def fit(value: Value, shape: Shape, saturate: bool) -> Value:
    """A signed value brought into a signed shape: its low bits, or the nearest value."""
    width = len(value)
    if width <= shape.width:
        return value.as_signed()
    low = value[: shape.width].as_signed()
    if not saturate:
        return low
    sign = value[-1]
    over = value[shape.width - 1 :]
    fits = (over == 0) | over.all()
    largest = (1 << (shape.width - 1)) - 1
    return Mux(fits, low, Mux(sign, -largest - 1, largest)).as_signed()


def multiply(x: Value, y: Value, shape: Shape, saturate: bool) -> Value:
    """The product of two operands in the accumulator format."""
    return fit(x * y, shape, saturate)


def add(x: Value, y: Value, shape: Shape, saturate: bool) -> Value:
    """The sum of two numbers of the accumulator format."""
    return fit(x + y, shape, saturate)
