"""What a number format can hold: its codes, range, landmarks and density."""

from fractions import Fraction
from typing import Any

import numpy as np

from arch.mac.kinds import CODEC_BITS, Block, Float, Format, Int, Posit, Scalar
from sim.mac import formats

ALL_CODES_BITS = 8
"""Formats so wide or narrower show all their codes."""
OCTAVES_MOST = 24
"""As many intervals of two to two are counted; more are put together."""


def number(value: float) -> str:
    """Shortest text of a number that is still exact in six digits, or with its exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    text = repr(float(value)).removesuffix(".0")
    return text if len(text) <= 9 else f"{value:.6g}"


def specials(form: Format) -> str:
    """What a format has besides finite numbers."""
    if isinstance(form, Block):
        return specials(form.element)
    if isinstance(form, Posit):
        return "NaR"
    if isinstance(form, Int):
        return "none"
    zeros = "-0" if form.signed and form.zero and form.specials != "unsigned_zero" else ""
    known = {"ieee": "inf, NaN", "nan": "NaN", "unsigned_zero": "NaN", "none": ""}
    found = [each for each in (zeros, known[form.specials]) if each]
    return ", ".join(found) if found else "none"


def computed(form: Format) -> bool:
    """Whether the simulator computes with it, or it is only stored."""
    return isinstance(form, Block) or form.bits <= CODEC_BITS


def epsilon(form: Scalar) -> Fraction | None:
    """From 1 to the next number; None: 1 is none."""
    if not computed(form):
        return Fraction(1)
    one = int(formats.encode(1.0, form))
    if float(formats.decode(one, form)) != 1 or form.largest == 1:
        return None
    return Fraction(float(formats.decode(one + 1, form))) - 1


def row(form: Format) -> dict[str, Any]:
    """A format in the list."""
    if isinstance(form, Block):
        element = row(form.element)
        scales = form.scale.name + (f" and {form.tensor_scale}" if form.tensor_scale else "")
        return {
            **element,
            "name": form.name,
            "kind": form.kind,
            "bits": form.bits,
            "bits_stored": float(form.bits_stored),
            "element": form.element.name,
            "scale": scales,
            "block": form.size,
            "source": form.source,
        }
    step = epsilon(form)
    return {
        "name": form.name,
        "kind": form.kind,
        "bits": form.bits,
        "bits_stored": float(form.bits),
        "least": float(form.least),
        "smallest": float(form.smallest),
        "largest": float(form.largest),
        "epsilon": None if step is None else float(step),
        "overflow": form.overflow,
        "specials": specials(form),
        "source": form.source,
    }


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
    step = epsilon(form)
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
