"""What a number format can hold: its codes, landmarks and density."""

from fractions import Fraction
from typing import Any

import numpy as np

from arch.mac.kinds import Float, Int, Posit, Scalar
from sim.mac import formats
from sim.mac.listing import number

ALL_CODES_BITS = 8
"""Formats so wide or narrower show all their codes."""
OCTAVES_MOST = 24
"""As many intervals of two to two are counted; more are put together."""


def codes(form: Scalar) -> list[dict[str, Any]]:
    """All codes of a narrow format with their values, or landmarks of a wide one."""
    if form.bits <= ALL_CODES_BITS:
        values = formats.decode(np.arange(2**form.bits), form)
        return [_code(form, code, float(value)) for code, value in enumerate(values)]
    return [{**_code(form, code, value), "what": what} for what, code, value in _landmarks(form)]


def _code(form: Scalar, code: int, value: float) -> dict[str, Any]:
    text = "NaR" if isinstance(form, Posit) and value != value else number(value)
    return {"code": code, "bits": format(code, f"0{form.bits}b"), "value": text}


def _landmarks(form: Scalar) -> list[tuple[str, int, float]]:
    step = form.epsilon
    wanted = [
        ("zero", 0.0),
        ("smallest", float(form.smallest)),
        ("one", 1.0),
        ("next", 1.0 + float(step or 0)),
        ("largest", float(form.largest)),
        ("lowest", float(form.least)),
    ]
    if isinstance(form, Float):
        wanted.insert(2, ("smallest normal", 2.0**form.exponent_least))
        if form.has_infinity:
            wanted.append(("infinity", float("inf")))
    if not isinstance(form, Int):
        wanted.append(("no number", float("nan")))
    return [(what, int(formats.encode(value, form)), value) for what, value in wanted]


def density(form: Scalar) -> list[dict[str, Any]]:
    """How many positive numbers lie from one power of two to before the next; where there are
    many such intervals, those at the ends and around 1."""
    least, most = formats.range_of(form)
    every = [
        {"from": exponent, "numbers": count}
        for exponent in range(least, most + 1)
        if (count := _between(form, exponent))
    ]
    if len(every) <= OCTAVES_MOST:
        return every
    near = [each for each in every if abs(each["from"]) <= OCTAVES_MOST // 4]
    ends = every[: OCTAVES_MOST // 4] + every[-(OCTAVES_MOST // 4) :]
    shown = {each["from"]: each for each in [*ends, *near]}
    return [shown[exponent] for exponent in sorted(shown)]


def _between(form: Scalar, exponent: int) -> int:
    """Positive numbers of at least 2^exponent and below the next power of two."""
    low, high = (_codes_below(form, Fraction(2) ** e) for e in (exponent, exponent + 1))
    return high - low


def _codes_below(form: Scalar, bound: Fraction) -> int:
    """Positive codes of numbers below a bound; positive codes are in the order of their numbers."""
    if bound > form.largest:
        return int(formats.encode(float(form.largest), form)) + 1
    code = int(formats.encode(float(bound), form))
    return code + (Fraction(float(formats.decode(code, form))) < bound)
