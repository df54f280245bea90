"""What an engine makes of words, in Fractions, and how codes become words."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
from mac_oracle import (
    FLOATS,
    INF,
    MINUS_INF,
    NAN,
    Number,
    float_number,
    fp32_code,
    is_infinite,
    oracle_of,
    plain,
    product,
    two_to,
)

from arch.mac.engine import Engine, Mode


def number_of(name: str) -> Callable[[int], Number]:
    return oracle_of(name).numbers.__getitem__


def packed(codes: np.ndarray, bits: int, lanes: int) -> np.ndarray:
    """Words of the codes along the last axis, 0 where the last word has none left."""
    short = -codes.shape[-1] % lanes
    full = np.pad(codes, [(0, 0)] * (codes.ndim - 1) + [(0, short)])
    groups = full.reshape(*codes.shape[:-1], -1, lanes).astype(object)
    return sum(groups[..., lane] << lane * bits for lane in range(lanes))


def bits_of(name: str) -> int:
    return oracle_of(name).bits


def products(mode: Mode, lanes: int, left: int, top: int) -> list[Number]:
    forms = mode.input_format, mode.weight
    numbers = []
    for lane in range(lanes):
        codes = [word >> lane * bits_of(name) & 2 ** bits_of(name) - 1
                 for word, name in zip((left, top), forms, strict=True)]  # fmt: skip
        a, b = (number_of(name)(code) for code, name in zip(codes, forms, strict=True))
        numbers.append(product(a, b))
    return numbers


def met(numbers: Sequence[Number]) -> Number | None:
    """What a sum of numbers is if it is none."""
    infinities = {x for x in numbers if is_infinite(x)}
    if NAN in numbers or len(infinities) == 2:
        return NAN
    return infinities.pop() if infinities else None


def rounded(number: Number, name: str) -> int:
    """Nearest code, or the engine's for what the format has not."""
    if isinstance(number, str):
        return special_code(number, name)
    return fp32_code(number) if name == "fp32" else oracle_of(name).code(number)


@lru_cache
def special_code(number: str, name: str) -> int:
    if name == "fp32":
        return {NAN: 0x7FC00000, INF: 0x7F800000, MINUS_INF: 0xFF800000}[number]
    oracle = oracle_of(name)
    if number == NAN:
        if name in FLOATS and FLOATS[name][3] == "ieee":
            exponent, mantissa = FLOATS[name][:2]
            return int("0" + "1" * (exponent + 1) + "0" * (mantissa - 1), 2)
        return oracle.numbers.index(NAN) if NAN in oracle.numbers else 0
    if is_infinite(number) and number not in oracle.numbers and oracle.kind != "posit":
        return oracle.numbers.index(oracle.values[-1] if number == INF else oracle.values[0])
    return oracle.code(number)


def engine_code(
    engine: Engine, mode: int, result: int, left: Sequence[int], top: Sequence[int]
) -> int:
    """The code that the words' sum is read as."""
    chosen, name = engine.modes[mode], engine.results[result]
    terms = [products(chosen, engine.lanes(chosen), a, b) for a, b in zip(left, top, strict=True)]
    if engine.chain_format:
        number: Number = Fraction(0)
        code = 0
        for word in terms:
            summands = [number, *word]
            number = met(summands) or sum(map(plain, summands), Fraction(0))
            code = rounded(number, engine.chain_format)
            number = chain_number(engine.chain_format, code)
        return rounded(number, name)
    everything = [x for word in terms for x in word]
    special = met(everything)
    if special is not None:
        return rounded(special, name)
    unit = two_to(chosen.unit_exponent)
    units = sum(map(plain, everything), Fraction(0)) / unit
    assert units.denominator == 1
    half = 2 ** (engine.quire_bits - 1)
    return rounded(((units.numerator + half) % (2 * half) - half) * unit, name)


def chain_number(name: str, code: int) -> Number:
    if name != "fp32":
        return number_of(name)(code)
    return float_number(format(code, "032b"), exponent=8, bias=127, specials="ieee")
