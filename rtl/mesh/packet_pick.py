"""Round robin: who of those that ask comes first from a place on, and numbers of such picks."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike


def first_of(m: Module, name: str, asking: ValueLike, from_here: ValueLike) -> Signal:
    """One bit of ``asking``: the lowest of those in ``from_here`` or, without one, of all."""
    asking = Value.cast(asking)
    ahead = Signal(len(asking), name=f"{name}_ahead")
    chosen = Signal(len(asking), name=f"{name}_chosen")
    first = Signal(len(asking), name=f"{name}_first")
    m.d.comb += [
        ahead.eq(asking & from_here),
        chosen.eq(Mux(ahead.any(), ahead, asking)),
        first.eq(chosen & -chosen),
    ]
    return first


def from_place(place: Value, width: int) -> Value:
    """Bits ``place`` and above of ``width``."""
    return (((1 << width) - 1) << place)[:width]


def number_of(one: Value, begin: int = 0, wraps_at: int | None = None) -> Value:
    """``begin`` + the number of the one bit that is set, 0 if none is; modulo ``wraps_at``."""
    numbers = [begin + i for i in range(len(one))]
    if wraps_at is not None:
        numbers = [number % wraps_at for number in numbers]
    bits = max(numbers, default=0).bit_length()
    masks = [sum(1 << i for i, n in enumerate(numbers) if n >> bit & 1) for bit in range(bits)]
    return Cat(*((one & mask).any() for mask in masks))


def any_of(values: list[Value]) -> Value:
    """All of them, or'ed."""
    return reduce(or_, values)


def only_if(condition: ValueLike, value: ValueLike) -> Value:
    """The value, or 0."""
    return Mux(condition, Value.cast(value), 0)
