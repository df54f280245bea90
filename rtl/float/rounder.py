"""The one place where results are normalised and rounded."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.utils import ceil_log2

from rtl.float.decode import infinity
from rtl.float.formats import Format


def leading_zeros(m: Module, bits: Value, name: str) -> Signal:
    """Zeros above the highest one; some number of at least all but one where there is none."""
    width = 1 << int(ceil_log2(len(bits)))
    # Ones below end the count at the width.
    padded = Cat(Const(-1, width - len(bits)), bits) if width > len(bits) else bits
    count = Signal(range(width), name=f"{name}_zeros")
    rest = padded
    found: list[Value] = []
    step = width // 2
    while step:
        top = rest[len(rest) - step :]
        clear = Signal(name=f"{name}_clear{step}")
        half = Signal(step, name=f"{name}_half{step}")
        m.d.comb += [clear.eq(~top.any()), half.eq(Mux(clear, rest[:step], top))]
        found.append(clear)
        rest = half
        step //= 2
    m.d.comb += count.eq(Cat(*reversed(found)))
    return count


def shifted_right(m: Module, bits: Value, amount: Value, name: str) -> Signal:
    """Shifted, the lowest bit 1 if it or one that falls out is: nothing is lost for rounding."""
    width = len(bits)
    rest = Signal(width, name=f"{name}_in")
    m.d.comb += rest.eq(bits)
    for i in range(len(amount)):
        step = 1 << i
        moved = Signal(width, name=f"{name}_by{step}")
        if step < width:
            lost = rest[: step + 1].any()
            gone = Cat(lost, rest[step + 1 :])
        else:
            gone = rest.any()
        m.d.comb += moved.eq(Mux(amount[i], gone, rest))
        rest = moved
    return rest


def rounded(
    m: Module,
    target: Format,
    sign: Value,
    exponent: Value,
    significand: Value,
    *,
    underflows: bool,
) -> Value:
    """The number of a format that is nearest to an exact one, ties to even.

    Parameters
    ----------
    exponent : Value
        Encoded exponent of ``target`` if the highest bit of ``significand`` is the hidden one; it
        has a sign.
    significand : Value
        Not normalised. Its lowest bit may stand for all that is below ("sticky"); then one of its
        highest bits is 1, so that this bit stays below those to round by.
    underflows : bool
        Whether ``exponent`` can be less than 1.

    A significand of 0 gives a zero with ``sign``. What is too large gives an infinity.
    """
    # The fraction, a bit to round by and one for all below.
    padding = max(0, target.fraction_bits + 3 - len(significand))
    wide = Cat(Const(0, padding), significand) if padding else significand
    width = len(wide)
    zeros = leading_zeros(m, wide, "round")
    room = Signal(len(exponent) + 1, name="round_room")
    below = Signal(name="round_below")
    left = Signal.like(zeros, name="round_left")
    # The exponent of subnormals is 1: no number is shifted further.
    m.d.comb += [
        room.eq(exponent - 1),
        below.eq(room[-1] if underflows else 0),
        left.eq(Mux(below, 0, Mux(room[:-1] < zeros, room[:-1], zeros))),
    ]
    shifted = Signal(width, name="round_shifted")
    m.d.comb += shifted.eq(wide << left)
    normal: Value = shifted
    if underflows:
        missing = Signal(len(room), name="round_missing")
        amount = Signal(range(width + 1), name="round_amount")
        m.d.comb += [missing.eq(-room), amount.eq(Mux(missing > width, width, missing))]
        right = shifted_right(m, wide, amount, "round_right")
        normal = Signal(width, name="round_normal")
        m.d.comb += normal.eq(Mux(below, right, shifted))
    encoded = Signal(len(exponent), name="round_encoded")
    packed = Signal(target.bits - 1, name="round_packed")
    too_large = Signal(name="round_too_large")
    fraction_at = width - 1 - target.fraction_bits
    half, rest = normal[fraction_at - 1], normal[: fraction_at - 1]
    up = half & (rest.any() | normal[fraction_at])
    m.d.comb += [
        encoded.eq(Mux(below | ~normal[-1], 0, exponent - left)),
        too_large.eq(encoded >= target.exponent_top),
        # A carry out of the fraction is the next exponent, out of the largest an infinity.
        packed.eq(Cat(normal[fraction_at:-1], encoded[: target.exponent_bits]) + up),
    ]
    return Mux(too_large, infinity(sign, target), Cat(packed, sign))
