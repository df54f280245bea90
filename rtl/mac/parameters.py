"""Widths that the hardware of a SIMD engine has in common, from ``arch.mac.engine``."""

from amaranth.hdl import Mux, Value, ValueLike
from amaranth.utils import bits_for, ceil_log2

from arch.mac.engine import Engine, Mode
from arch.mac.formats import scalar_named
from arch.mac.kinds import Scalar
from arch.mac.ranges import significand_bits

SLICE_BITS = 32
"""A register of an engine is listed in slices of so many bits."""


def _index_bits(count: int) -> int:
    return int(bits_for(count - 1)) if count > 1 else 0


def mode_bits(engine: Engine) -> int:
    """Width of a mode's index; 0 where there is one mode. An index beyond counts as the last."""
    return _index_bits(len(engine.modes))


def result_bits(engine: Engine) -> int:
    """Width of a result format's index; 0 where there is one. One beyond counts as the last."""
    return _index_bits(len(engine.results))


def result_forms(engine: Engine) -> tuple[Scalar, ...]:
    """Formats that sums are rounded to."""
    return tuple(scalar_named(name) for name in engine.results)


def result_width(engine: Engine) -> int:
    """Bits of the widest result; narrower ones have zeros above."""
    return max(form.bits for form in result_forms(engine))


def chain_form(engine: Engine) -> Scalar | None:
    """Format of a chained sum; None: sums are exact."""
    return None if engine.chain_format is None else scalar_named(engine.chain_format)


def lanes_product_bits(engine: Engine, mode: Mode) -> int:
    """Width, with its sign, of the sum of all lanes' products in units of the mode's quire."""
    return mode.product_bits + int(ceil_log2(engine.lanes(mode))) + 2


def fixed_bits(engine: Engine) -> int:
    """Width of the sum of a word's products as the stages hold it, without ``special_bits``: no
    more than that of the quire, which wraps."""
    most = max(lanes_product_bits(engine, mode) for mode in engine.modes)
    return most if engine.chain_format else min(most, engine.quire_bits)


def product_width(engine: Engine) -> int:
    """Width of the sum of a word's products, its special bits the highest."""
    return fixed_bits(engine) + engine.special_bits


def lane_width(engine: Engine, mode: Mode) -> int:
    """Bits of a lane in the multiplier: of the wider significand, brought to a multiple of two."""
    return -(-max(significand_bits(form) for form in mode.forms) // 2) * 2


def chosen(index: Value, values: list[ValueLike]) -> Value:
    """The value of an index; the last one for an index beyond."""
    chosen_from = [Value.cast(value) for value in values]
    chosen_from += chosen_from[-1:] * ((1 << len(index)) - len(values))
    for bit in index:
        pairs = zip(chosen_from[0::2], chosen_from[1::2], strict=True)
        chosen_from = [low if low is high else Mux(bit, high, low) for low, high in pairs]
    return chosen_from[0]


def sliced(name: str, register: Value) -> dict[str, ValueLike]:
    """A register by slices of 32 bits, as ``registers`` lists those of engines."""
    return {
        f"{name}[{i}]": register[at : at + SLICE_BITS]
        for i, at in enumerate(range(0, len(register), SLICE_BITS))
    }
