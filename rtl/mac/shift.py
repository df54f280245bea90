"""What codecs do with bits: a shift that fills, and a number brought to its highest bit."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from rtl.float.rounder import leading_zeros


def filled_right(m: Module, bits: Value, amount: Value, fill: Value, name: str) -> Signal:
    """Shifted right, ``fill`` above; the lowest bit 1 if it or one that falls out is."""
    width = len(bits)
    rest = Signal(width, name=f"{name}_in")
    m.d.comb += rest.eq(bits)
    for i in range(len(amount)):
        step = min(1 << i, width)
        moved = Signal(width, name=f"{name}_by{step}")
        above = fill.replicate(step)
        lost = rest[: step + 1].any()
        gone = Cat(lost, rest[step + 1 :], above)[:width]
        m.d.comb += moved.eq(Mux(amount[i], gone, rest))
        rest = moved
    return rest


def narrowed(bits: Value, width: int) -> Value:
    """The highest bits, the last of them 1 if any below is; zeros below where there are fewer."""
    lost = len(bits) - width
    if lost <= 0:
        return Cat(Const(0, -lost), bits)
    return Cat(bits[: lost + 1].any(), bits[lost + 1 :])


def normalised(m: Module, size: Value, name: str) -> tuple[Signal, Signal]:
    """A number shifted left until its highest bit is 1, and by how many; 0 stays 0."""
    zeros = leading_zeros(m, size, name)
    shifted = Signal(len(size), name=f"{name}_normal")
    m.d.comb += shifted.eq(size << zeros)
    return shifted, zeros
