"""Widths that the hardware of a SIMD engine has in common, from ``arch.mac.engine``."""

from amaranth.hdl import Mux, Value, ValueLike
from amaranth.utils import bits_for, ceil_log2

from arch.errors import InputError
from arch.mac.engine import Engine, Mode
from arch.mac.formats import scalar_named
from arch.mac.kinds import Float, Scalar
from arch.mac.ranges import significand_bits

RESULT_BITS = 32
"""Widest format that a sum is rounded to."""
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
    """Formats that sums are rounded to.

    Raises InputError for one that is wider than 32 bits.
    """
    forms = tuple(scalar_named(name) for name in engine.results)
    for form in forms:
        if form.bits > RESULT_BITS:
            raise InputError(
                f"engine.result_formats: hardware needs formats of {RESULT_BITS} bits at most, "
                f"not {form.name!r}"
            )
    return forms


def result_width(engine: Engine) -> int:
    """Bits of the widest result; narrower ones have zeros above."""
    return max(form.bits for form in result_forms(engine))


def chain_form(engine: Engine) -> Scalar | None:
    """Format of a chained sum; None: sums are exact.

    Raises InputError for one in which code 0 is no zero, or that is wider than 32 bits.
    """
    if engine.chain_format is None:
        return None
    form = scalar_named(engine.chain_format)
    if form.bits > RESULT_BITS or not form.signed or (isinstance(form, Float) and not form.zero):
        raise InputError(
            f"engine.chain_format: hardware needs a format with a sign and a zero, of "
            f"{RESULT_BITS} bits at most, not {form.name!r}"
        )
    return form


def require_hardware(engine: Engine) -> None:
    """Raise InputError for an engine that cannot be built; components expect one that can."""
    chain_form(engine)
    result_forms(engine)


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
